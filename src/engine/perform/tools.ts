/**
 * Runs tools. `tool.started` is on disk before a tool does anything, its outcome right after; a
 * tool's process is on disk before it runs, so that any later server can find and end it.
 */

import { type Draft, draft, type ProcessMark } from '../../kernel/event.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Json, Outcome } from '../../kernel/part.ts'
import type { Tool, ToolContext, ToolItem } from '../../kernel/ports.ts'
import type { Call } from '../../kernel/turn.ts'
import { endCall } from '../../kernel/unwind.ts'
import {
  activeRun,
  allDone,
  type Context,
  confinementOf,
  reasonOf,
  unlessCancelled,
  type Work,
} from '../context.ts'
import { switchTo } from './switch.ts'

export async function performTools(context: Context, work: Work, names: string[]): Promise<void> {
  const run = activeRun(work.live.state)
  const turn = run.turn?.index ?? 0
  const calls = (run.turn?.calls ?? []).filter((c) => names.includes(c.call))
  reapCalls(context, calls)
  const { events } = await work.live.commit(
    unlessCancelled(() =>
      calls.flatMap((call) => {
        const refusal = cannotRun(call, work)
        if (refusal !== null) return [endCall(run.id, turn, call, 'failed', refusal)]
        const started = { turn, call: call.call, tool: call.tool, key: keyOf(run.id, turn, call) }
        return [draft('tool.started', run.id, { ...started, attempt: attemptOf(call) })]
      }),
    ),
    { isDriver: true },
  )
  if (events.length === 0) return
  const able = calls.filter((c) => cannotRun(c, work) === null)
  await allDone(able.map((call) => runTool(context, work, { run: run.id, turn, call })))
}

const keyOf = (run: string, turn: number, call: Call): string => `${run}:${turn}:${call.call}`

const attemptOf = (call: Call): number => (call.started?.attempt ?? 0) + 1

function cannotRun(call: Call, work: Work): string | null {
  if (call.malformed) {
    const text = JSON.stringify((call.input as { text?: string }).text ?? '')
    return `The input of this call is not a JSON object: ${text.slice(0, 500)}`
  }
  if (work.tools.has(call.tool)) return null
  return `There is no tool named ${call.tool}. The tools are: ${[...work.tools.keys()].join(', ')}.`
}

/** Ends what earlier attempts left running. */
export function reapCalls(context: Context, calls: Call[]): void {
  for (const call of calls) {
    if (call.result !== null) continue
    for (const mark of call.processes) context.toolbox.reap(mark)
  }
}

interface At {
  run: string
  turn: number
  call: Call
}

async function runTool(context: Context, work: Work, at: At): Promise<void> {
  const startedAt = context.clock()
  const tool = work.tools.get(at.call.tool) as Tool
  const late = lateOf(work)
  const signal = late ? AbortSignal.any([work.signal, late]) : work.signal
  const heard = await listen(tool, toolContext(context, { ...work, signal }, at), work, at)
  const isLate = late?.aborted === true && heard.kind === 'failed' && !work.signal.aborted
  const said = isLate ? tooLate(heard, work) : heard
  const stopped = reasonOf(work.signal)
  if (stopped === 'lost') return
  // What ended well in the very moment is known, and need not be asked about or done again.
  const isDone = said.kind === 'done' && (stopped === null || stopped === 'shutdown')
  if (stopped === 'shutdown' && !isDone) return
  const { end, switched } = isDone
    ? await withSwitch(context, work, at, said)
    : { end: said, switched: [] }
  const outcome = stopped === null || isDone ? outcomeOf(end) : 'cancelled'
  const { text, rawBytes } = bound(end.output, context.settings.outputLimit)
  await work.live.commit(
    () => [
      draft('tool.ended', at.run, {
        turn: at.turn,
        call: at.call.call,
        tool: at.call.tool,
        outcome,
        output: text,
        rawBytes: rawBytesOf(end) ?? rawBytes,
        durationMs: context.clock() - startedAt,
        ...(end.meta ? { meta: end.meta } : {}),
      }),
      ...switched,
    ],
    { isDriver: true },
  )
}

/** Aborted when a call has had the time that the agent gives each; null: there is no such time. */
function lateOf({ agent }: Work): AbortSignal | null {
  const { toolMs } = agent.limits
  return toolMs === undefined ? null : AbortSignal.timeout(Math.min(toolMs, MAX_TIMER_MS))
}

const MAX_TIMER_MS = 2 ** 31 - 1

const tooLate = ({ meta }: End, { agent }: Work): End => ({
  kind: 'failed',
  output: `The call was stopped: it took longer than ${agent.limits.toolMs} ms.`,
  meta: { ...meta, timedOut: true },
})

/** A tool that hands the run over to an agent that is not there has failed. */
async function withSwitch(
  context: Context,
  work: Work,
  { turn, call }: At,
  end: End,
): Promise<{ end: End; switched: Draft[] }> {
  const isSwitch = end.kind === 'done' && end.switchTo !== undefined
  if (!isSwitch || end.switchTo === work.agent.name) return { end, switched: [] }
  const at = { turn, call: call.call }
  const fact = await switchTo(context, work, at, end.switchTo as string)
  if (!(fact instanceof Fault)) return { end, switched: [fact] }
  return { end: { kind: 'failed', output: fact.message }, switched: [] }
}

type End = Extract<ToolItem, { kind: 'done' | 'failed' }>

/** Takes a tool's items until its last one. A process is let go on only once its mark is on disk. */
async function listen(tool: Tool, context: ToolContext, work: Work, at: At): Promise<End> {
  try {
    for await (const item of tool.run(at.call.input, context)) {
      switch (item.kind) {
        case 'progress':
          progress(work, at, item.text)
          break
        case 'process':
          await markCall(work, at, item.process)
          break
        case 'done':
        case 'failed':
          if (typeof item.output !== 'string') throw new Error('what it said is no text.')
          return item
      }
    }
    return { kind: 'failed', output: 'The tool ended without a result.' }
  } catch (error) {
    // A tool that throws is a bug of the tool; the model is told that it failed, and no more.
    return { kind: 'failed', output: `The tool broke: ${(error as Error).message}` }
  }
}

function progress(work: Work, { run, turn, call }: At, text: string): void {
  work.live.say(draft('tool.progressed', run, { turn, call: call.call, text }), () => {})
}

/** A process of a call is on disk before it does anything. */
export async function markCall(
  work: Work,
  { run, turn, call }: { run: string; turn: number; call: Pick<Call, 'call'> },
  process: ProcessMark,
): Promise<void> {
  await work.live.commit(
    () => [draft('tool.progressed', run, { turn, call: call.call, text: '', process })],
    { isDriver: true },
  )
}

const outcomeOf = ({ kind }: End): Outcome => (kind === 'done' ? 'ok' : 'failed')

/** A tool that bounded its output itself says how much there was. */
function rawBytesOf({ meta }: End): number | null {
  return typeof meta?.rawBytes === 'number' ? meta.rawBytes : null
}

/** Head and tail of a long output, with a mark between; `rawBytes` is what there was. */
export function bound(output: string, limit: number): { text: string; rawBytes: number } {
  const rawBytes = Buffer.byteLength(output)
  if (output.length <= limit) return { text: output.toWellFormed(), rawBytes }
  const half = Math.floor(limit / 2)
  const left = output.length - 2 * half
  const text = `${output.slice(0, half)}\n[... ${left} characters left out ...]\n${output.slice(-half)}`
  return { text: text.toWellFormed(), rawBytes }
}

function toolContext(context: Context, work: Work, { run, turn, call }: At): ToolContext {
  const { state } = work.live
  const name = (key: string): string => `${state.id}/${call.tool}/${key}`
  return {
    thread: state.id,
    run,
    call: call.call,
    key: keyOf(run, turn, call),
    agent: work.agent,
    workspace: state.workspace,
    signal: work.signal,
    confinement: confinementOf(work),
    memory: {
      get: (key) => context.store.get('tool-memory', name(key)),
      put: (key, body: Json) => context.store.put({ kind: 'tool-memory', key: name(key), body }),
    },
  }
}
