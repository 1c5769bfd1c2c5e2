/**
 * A task given to another agent: a thread of its own with its own log. The parent notes the child
 * before the child exists, under ids that follow from the call, so that a crash at any point leads
 * to the same child and never to two.
 */

import { createHash } from 'node:crypto'
import { type Agent, ownerOf } from '../../kernel/agent.ts'
import { type Draft, draft, type Facts, type RunOutcome } from '../../kernel/event.ts'
import { Fault } from '../../kernel/fault.ts'
import { type Message, textOf } from '../../kernel/part.ts'
import type { ChildTask } from '../../kernel/ports.ts'
import type { Run, RunStatus } from '../../kernel/run.ts'
import { advance, type Thread } from '../../kernel/thread.ts'
import type { Call } from '../../kernel/turn.ts'
import { endCall, unwind } from '../../kernel/unwind.ts'
import { NO_USAGE } from '../../kernel/usage.ts'
import {
  activeRun,
  allDone,
  type Context,
  reasonOf,
  unlessCancelled,
  type Work,
} from '../context.ts'
import type { LiveThread } from '../live.ts'
import { tellAsks } from './child-asks.ts'
import { bound } from './tools.ts'

export async function performChildren(
  context: Context,
  work: Work,
  names: string[],
): Promise<void> {
  const calls = (activeRun(work.live.state).turn?.calls ?? []).filter((c) => names.includes(c.call))
  await allDone(calls.map((call) => performChild(context, work, call)))
}

async function performChild(context: Context, work: Work, call: Call): Promise<void> {
  const ids = childIds(work.live.state, activeRun(work.live.state), call)
  const task = taskOf(context, work, call)
  // A child that was noted is followed to its end, whatever has changed since.
  if (!call.child) {
    if (task instanceof Fault) return fail(work, call, task.message)
    const depth = await depthOf(context, work.live.state)
    if (depth >= context.settings.maxDepth)
      return fail(work, call, `Tasks may be nested ${context.settings.maxDepth} deep, not more.`)
    if (!(await note(work, call, childOf(ids, task)))) return
  }
  if (!(task instanceof Fault)) {
    const parent = work.live.state
    await openChild(context, parent, call.call, call.child ?? childOf(ids, task))
  }
  await tellAsks(context, work, call, ids)
  const stopped = reasonOf(work.signal)
  if (stopped === 'limit') await cancelChild(context, ids)
  if (stopped === null || stopped === 'limit') await report(context, work, call, ids)
}

interface ChildIds {
  thread: string
  run: string
}

interface Task extends ChildTask {
  agent: string
}

type Child = Omit<NonNullable<Call['child']>, 'ended'>

const childOf = (ids: ChildIds, { agent, name, prompt }: Task): Child => ({
  ...ids,
  ...{ agent, name, task: prompt },
})

function taskOf(context: Context, work: Work, call: Call): Task | Fault {
  const task = work.tools.get(call.tool)?.child?.(call.input)
  if (!task) return new Fault('unsupported', 'This tool gives no task to anybody.')
  if (task instanceof Fault) return task
  const agent = task.agent ?? work.agent.name
  const { children } = work.agent
  if (children !== null && !children.includes(agent))
    return new Fault(
      'forbidden',
      `This agent may give tasks to: ${children.join(', ') || 'nobody'}.`,
    )
  const { catalog } = context
  // Not every agent is in the list: those of workspaces, and the built-in one, are found by name.
  const found = catalog.agent(agent)
  if (found && isFor(found, work.live.state)) return { ...task, agent }
  const names = catalog.agents().flatMap((a) => (isFor(a, work.live.state) ? [a.name] : []))
  return new Fault(
    'unknown_agent',
    `There is no agent ${agent}. The agents are: ${names.join(', ')}.`,
  )
}

/** What another account's agent is told to do is that account's alone. */
const isFor = (agent: Agent, { account }: Thread): boolean =>
  [null, account].includes(ownerOf(agent))

async function fail(work: Work, call: Call, text: string): Promise<void> {
  const run = activeRun(work.live.state)
  await work.live.commit(() => [endCall(run.id, run.turn?.index ?? 0, call, 'failed', text)], {
    isDriver: true,
  })
}

async function depthOf(context: Context, thread: Thread): Promise<number> {
  let depth = 1
  for (let parent = thread.parent; parent; depth++)
    parent = (await context.live(parent.thread)).state.parent
  return depth
}

/** The same call always has the same child. */
function childIds(thread: Thread, run: Run, call: Call): ChildIds {
  const of = (what: string): string =>
    uuidOf(`${what}:${thread.id}:${run.id}:${run.turn?.index}:${call.call}`)
  return { thread: of('thread'), run: of('run') }
}

/** A name-based UUID (version 8): the first 122 bits of a SHA-256. */
function uuidOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex')
  const variant = ((Number.parseInt(hex[16] as string, 16) & 3) | 8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** False when the run is being cancelled. */
async function note(work: Work, { call }: Call, child: Child): Promise<boolean> {
  const turn = activeRun(work.live.state).turn?.index ?? 0
  const { thread, run, agent, name, task } = child
  const data = { turn, call, thread, run, agent, name, task }
  const { events } = await work.live.commit(
    unlessCancelled(({ id }) => [draft('child.started', id, data)]),
    { isDriver: true },
  )
  return events.length > 0
}

/** Makes the child, if nobody has. One that is over is made so that it never begins. */
async function openChild(
  context: Context,
  parent: Thread,
  call: string,
  child: Child,
  isOver = false,
): Promise<void> {
  const live = await context.live(child.thread)
  if (live.state.seq > 0) return
  const opening = openingOf(parent, call, child)
  await live.commit((state, at) => {
    if (state.seq > 0) return []
    const [run] = advance(state, opening, at).queue
    return isOver && run ? [...opening, ...unwind(run)] : opening
  })
}

function openingOf(parent: Thread, call: string, child: Child): Draft[] {
  const origin = { dialect: 'engine', principal: parent.origin.principal }
  const { workspace, account, policy } = parent
  return [
    draft('thread.opened', null, {
      ...{ agent: child.agent, model: null, title: child.name, workspace, account, policy },
      parent: { thread: parent.id, run: activeRun(parent).id, call },
      forkedFrom: null,
      history: [],
      origin,
    }),
    draft('run.created', child.run, {
      kind: 'message',
      input: [{ kind: 'text', text: child.task }],
      place: 0,
      origin,
    }),
  ]
}

/** What the child has to say becomes the result of the call. */
async function report(context: Context, work: Work, call: Call, ids: ChildIds): Promise<void> {
  const run = activeRun(work.live.state)
  const { rawBytes, ...said } = await endOf(context, ids)
  const at = { turn: run.turn?.index ?? 0, call: call.call }
  const { outcome, output, durationMs } = said
  const result = { tool: call.tool, output, rawBytes, durationMs }
  await work.live.commit(
    () => [
      draft('child.ended', run.id, { ...at, ...ids, ...said }),
      draft('tool.ended', run.id, {
        ...{ ...at, ...result },
        outcome: outcome === 'completed' ? 'ok' : outcome,
      }),
    ],
    { isDriver: true },
  )
}

type Said = Omit<Facts['child.ended'], 'turn' | 'call' | keyof ChildIds> & { rawBytes: number }

/** How the child's run ended. One that never was, or does not want to end, counts as cancelled. */
async function endOf(context: Context, { thread, run }: ChildIds): Promise<Said> {
  const row = await context.store.run(run)
  const outcome = row && isOutcome(row.status) ? row.status : 'cancelled'
  const { messages } = (await context.live(thread)).state
  const last = messages.findLast((m) => m.role === 'assistant' && m.run === run)
  const words = lastWords(last, outcome, row?.troubleMessage ?? null)
  const { text: output, rawBytes } = bound(words, context.settings.outputLimit)
  const durationMs = row ? (row.endedAt ?? context.clock()) - row.createdAt : 0
  return {
    ...{ outcome, output, rawBytes, durationMs },
    turns: row?.turns ?? 0,
    usage: row?.usage ?? NO_USAGE,
  }
}

const isOutcome = (status: RunStatus): status is RunOutcome =>
  status === 'completed' || status === 'failed' || status === 'cancelled'

function lastWords(said: Message | undefined, outcome: RunOutcome, trouble: string | null): string {
  const text = said ? textOf(said.parts).trim() : ''
  if (outcome === 'completed') return text || 'The task is done; nothing was said about it.'
  const why = `The task was not finished. ${trouble ?? 'It was cancelled.'}`
  return text ? `${text}\n\n[${why}]` : why
}

/** Before a run is unwound its children end. Gives the facts that say how they did. */
export async function endChildren(context: Context, live: LiveThread): Promise<Draft[]> {
  const { id, turn } = activeRun(live.state)
  const open = (turn?.calls ?? []).filter((c) => c.child && !c.child.ended && c.result === null)
  return Promise.all(
    open.map(async ({ call, child }) => {
      const ids = { thread: child?.thread as string, run: child?.run as string }
      // A server that is paused, or cut off, may still be about to make it.
      await openChild(context, live.state, call, child as Child, true)
      await cancelChild(context, ids)
      const { rawBytes: _, ...said } = await endOf(context, ids)
      return draft('child.ended', id, { turn: turn?.index ?? 0, call, ...ids, ...said })
    }),
  )
}

async function cancelChild(context: Context, { thread, run }: ChildIds): Promise<void> {
  const origin = { dialect: 'engine', principal: 'engine' }
  const reason = 'the parent run was cancelled'
  const command = { do: 'cancel', run, reason, when: 'now', queue: 'drop', origin } as const
  try {
    await context.submit(thread, command)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
  }
  await context.runEnded(thread, run, AbortSignal.timeout(10_000))
}
