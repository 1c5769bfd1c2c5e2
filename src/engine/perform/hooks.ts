/**
 * Performs hooks of the agent, commands through the sandbox, and puts what came of each into the log,
 * so that nothing ever needs it again. One that was cut off by a crash is performed once more.
 */

import { join } from 'node:path'
import { draft } from '../../kernel/event.ts'
import { isFault } from '../../kernel/fault.ts'
import {
  type CommandHook,
  type Hook,
  type HookExit,
  type HookForm,
  type HookMoment,
  type HookSaying,
  type HttpHook,
  hooksAt,
  type Occasion,
  PLAIN,
  unperformed,
} from '../../kernel/hook.ts'
import type { Call } from '../../kernel/turn.ts'
import type { Exit, RunSpec } from '../../kernel/workspace.ts'
import { activeRun, type Context, confinementOf, unlessCancelled, type Work } from '../context.ts'
import { bound, markCall } from './tools.ts'

export async function performHooks(
  context: Context,
  work: Work,
  { moment, calls }: { moment: HookMoment; calls: string[] },
): Promise<void> {
  const places = calls.length > 0 ? calls : [null]
  for (const call of places) await performAt(context, work, moment, call)
}

/** One after another: each is told what the one before has made of the call. */
async function performAt(
  context: Context,
  work: Work,
  moment: HookMoment,
  name: string | null,
): Promise<void> {
  for (;;) {
    const run = activeRun(work.live.state)
    const call = run.turn?.calls.find((c) => c.call === name) ?? null
    const { hooked, blocked } = call ?? run
    const meant = hooksAt(work.agent.hooks ?? [], moment, call?.tool ?? null)
    const [hook] = unperformed(meant, hooked, moment)
    const isOver = run.cancelling !== null || work.signal.aborted
    if (!hook || isOver || (isBefore(moment) && blocked !== null)) return
    await performOne(context, work, hook, occasionOf(work, moment, hook, call))
  }
}

/** Where a hook can block, so that the ones behind it need not be asked. */
const isBefore = (moment: HookMoment): boolean =>
  moment === 'tool.before' || moment === 'model.before'

function occasionOf(
  { live, agent }: Work,
  moment: HookMoment,
  hook: Hook,
  call: Call | null,
): Occasion {
  const run = activeRun(live.state)
  // Before a turn it is the turn that is about to begin.
  const turn = moment === 'model.before' ? run.turns : (run.turn?.index ?? 0)
  return {
    moment,
    hook: hook.name,
    thread: live.id,
    run: run.id,
    kind: run.kind,
    agent: agent.name,
    workspace: live.state.workspace,
    turn,
    call: call && { call: call.call, tool: call.tool, input: call.input, result: call.result },
  }
}

async function performOne(
  context: Context,
  work: Work,
  hook: Hook,
  occasion: Occasion,
): Promise<void> {
  const startedAt = context.clock()
  const said = await ask(context, work, hook, occasion)
  if (work.signal.aborted) return
  const { moment, turn, call } = occasion
  const data = {
    ...{ hook: hook.name, moment, turn, call: call?.call ?? null },
    ...('url' in hook ? { handler: 'http' as const } : {}),
    ...bounded(said, context.settings.outputLimit),
    durationMs: context.clock() - startedAt,
  }
  await work.live.commit(
    unlessCancelled(({ id }) => [draft('hook.ended', id, data)]),
    { isDriver: true },
  )
}

const bounded = (said: HookSaying, limit: number): HookSaying => ({
  ...said,
  ...(said.reason === undefined ? {} : { reason: bound(said.reason, limit).text }),
  ...(said.context === undefined ? {} : { context: bound(said.context, limit).text }),
})

async function ask(
  context: Context,
  work: Work,
  hook: Hook,
  occasion: Occasion,
): Promise<HookSaying> {
  const form = hook.form === null ? PLAIN : context.hookForms?.[hook.form]
  if (!form) return { outcome: 'failed', reason: `Nobody knows how to speak ${hook.form}.` }
  try {
    return await ('url' in hook
      ? askHttp(context, work, hook, { occasion, form })
      : askCommand(context, work, hook, { occasion, form }))
  } catch (error) {
    if (isFault(error)) return { outcome: 'failed', reason: error.message }
    throw error
  }
}

interface Asked {
  occasion: Occasion
  form: HookForm
}

async function askCommand(
  context: Context,
  work: Work,
  hook: CommandHook,
  { occasion, form }: Asked,
): Promise<HookSaying> {
  const spec = await specOf(context, work, hook, { occasion, form })
  const exit = await exitOf(context, work, occasion, spec)
  return exit.cause === 'exited' ? form.read(heardOf(exit), occasion) : broken(exit, hook)
}

/** A service that does not answer with 2xx has failed, and so stops nothing. */
async function askHttp(
  { postHook }: Context,
  { signal }: Work,
  hook: HttpHook,
  { occasion, form }: Asked,
): Promise<HookSaying> {
  if (!postHook) return { outcome: 'failed', reason: 'This server asks no services.' }
  const { status, text } = await postHook(hook, JSON.stringify(form.stdin(occasion)), signal)
  if (status >= 200 && status < 300)
    return form.read({ code: 0, stdout: text, stderr: '' }, occasion)
  return { outcome: 'failed', reason: `Its service answered ${status}. ${text}`.trim() }
}

async function specOf(
  { sandbox }: Context,
  work: Work,
  hook: CommandHook,
  { occasion, form }: Asked,
): Promise<RunSpec> {
  const { workspace: root } = work.live.state
  const files = await sandbox.openWorkspace(root)
  const { path } = await files.stat(hook.cwd ?? '')
  const confinement = confinementOf(work)
  return {
    root,
    command: hook.command,
    cwd: join(files.root, path),
    env: { ...hook.env, ...form.env(occasion) },
    stdin: JSON.stringify(form.stdin(occasion)),
    timeoutMs: hook.timeoutMs,
    streams: 'apart',
    signal: work.signal,
    ...(confinement ? { confinement } : {}),
  }
}

/** A process that concerns a call is marked, so that a later server can find and end it. */
async function exitOf(
  { sandbox }: Context,
  work: Work,
  { turn, call, run }: Occasion,
  spec: RunSpec,
): Promise<Exit> {
  for await (const item of sandbox.runner.run(spec)) {
    if (item.kind === 'exit') return item.exit
    if (item.kind === 'process' && call) await markCall(work, { run, turn, call }, item.process)
  }
  throw new Error('the runner ended without an exit')
}

const heardOf = ({ code, stdout, stderr }: Exit): HookExit => ({
  code,
  stdout: stdout.text,
  stderr: stderr.text,
})

function broken({ cause, problem }: Exit, { timeoutMs }: CommandHook): HookSaying {
  const why = cause === 'timeout' ? `It was ended after ${timeoutMs} ms.` : 'It was stopped.'
  return { outcome: 'failed', reason: problem ?? why }
}
