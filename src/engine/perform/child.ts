/**
 * A task given to another agent: a thread of its own with its own log. The parent notes the child
 * before the child exists, under ids that follow from the call, so that a crash at any point leads
 * to the same child and never to two.
 */

import { createHash } from 'node:crypto'
import { type Draft, draft, type EventOf } from '../../kernel/event.ts'
import { Fault } from '../../kernel/fault.ts'
import { textOf } from '../../kernel/part.ts'
import type { ChildTask } from '../../kernel/ports.ts'
import type { ChildAsk, Run } from '../../kernel/run.ts'
import type { Thread } from '../../kernel/thread.ts'
import type { Call } from '../../kernel/turn.ts'
import { endCall, settleChild } from '../../kernel/unwind.ts'
import { activeRun, type Context, reasonOf, type Work } from '../context.ts'

export async function performChildren(
  context: Context,
  work: Work,
  names: string[],
): Promise<void> {
  const calls = (activeRun(work.live.state).turn?.calls ?? []).filter((c) => names.includes(c.call))
  await Promise.all(calls.map((call) => performChild(context, work, call)))
}

async function performChild(context: Context, work: Work, call: Call): Promise<void> {
  const task = taskOf(context, work, call)
  if (task instanceof Fault) return fail(work, call, task.message)
  const depth = await depthOf(context, work.live.state)
  if (depth >= context.settings.maxDepth)
    return fail(work, call, `Tasks may be nested ${context.settings.maxDepth} deep, not more.`)
  const ids = childIds(work.live.state, activeRun(work.live.state), call)
  await note(work, call, { ...ids, ...task })
  await openChild(context, work, call, { ...ids, task })
  await tellAsks(context, work, call, ids)
  const stopped = reasonOf(work.signal)
  if (stopped === 'limit') await cancelChildren(context, work)
  if (stopped === null || stopped === 'limit') await report(context, work, call, ids)
}

interface Task extends ChildTask {
  agent: string
}

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
  if (context.catalog.agent(agent)) return { ...task, agent }
  const names = context.catalog.agents().map((a) => a.name)
  return new Fault(
    'unknown_agent',
    `There is no agent ${agent}. The agents are: ${names.join(', ')}.`,
  )
}

/**
 * Until the child has ended: whatever it waits for is told in the parent's log too, so that who
 * reads only there learns of it. After a restart the difference is made up.
 */
async function tellAsks(
  context: Context,
  work: Work,
  call: Call,
  { thread, run }: { thread: string; run: string },
): Promise<void> {
  const rulings = new Map<string, Pick<EventOf<'ask.settled'>['data'], 'how' | 'rulings'>>()
  const sync = async (): Promise<void> => {
    const open = openAsks((await context.live(thread)).state)
    await work.live.commit((state) => askChanges(activeRun(state), call, open, rulings), {
      isDriver: true,
    })
  }
  let telling = sync()
  const stop = context.onAsks(thread, (event) => {
    if (event.type === 'ask.settled' || event.type === 'child.settled')
      rulings.set(event.data.ask, event.data)
    telling = telling.then(sync)
  })
  try {
    await context.runEnded(thread, run, work.signal)
  } finally {
    stop()
    await telling
  }
}

/** What a thread and its own children wait for. */
const openAsks = ({
  id,
  active,
}: Thread): (Omit<ChildAsk, 'call'> & { expiresAt: number | null })[] => [
  ...(active?.asks ?? []).map(({ ask, body, expiresAt }) => ({ thread: id, ask, body, expiresAt })),
  ...(active?.childAsks ?? []).map(({ call: _, ...rest }) => ({ ...rest, expiresAt: null })),
]

function askChanges(
  run: Run,
  { call }: Call,
  open: ReturnType<typeof openAsks>,
  rulings: Map<string, Pick<EventOf<'ask.settled'>['data'], 'how' | 'rulings'>>,
): Draft[] {
  const turn = run.turn?.index ?? 0
  const told = run.childAsks.filter((a) => a.call === call)
  const fresh = open.filter((a) => !told.some((t) => t.ask === a.ask))
  const gone = told.filter((t) => !open.some((a) => a.ask === t.ask))
  return [
    ...fresh.map((a) => draft('child.asked', run.id, { turn, call, ...a })),
    ...gone.map((a) => {
      const { how, rulings: given } = rulings.get(a.ask) ?? {
        how: 'answered' as const,
        rulings: {},
      }
      return settleChild(run, a, how, given)
    }),
  ]
}

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
function childIds(thread: Thread, run: Run, call: Call): { thread: string; run: string } {
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

async function note(
  work: Work,
  call: Call,
  child: { thread: string; run: string; agent: string; name: string; prompt: string },
): Promise<void> {
  if (call.child) return
  const { thread, run, agent, name, prompt } = child
  const turn = activeRun(work.live.state).turn?.index ?? 0
  const data = { turn, call: call.call, thread, run, agent, name, task: prompt }
  await work.live.commit((t) => [draft('child.started', activeRun(t).id, data)], { isDriver: true })
}

async function openChild(
  context: Context,
  work: Work,
  call: Call,
  { thread, run, task }: { thread: string; run: string; task: Task },
): Promise<void> {
  const parent = work.live.state
  const origin = { dialect: 'engine', principal: parent.origin.principal }
  const child = await context.live(thread)
  if (child.state.seq > 0) return
  await child.commit((state) =>
    state.seq > 0
      ? []
      : [
          draft('thread.opened', null, {
            agent: task.agent,
            model: null,
            title: task.name,
            workspace: parent.workspace,
            account: parent.account,
            policy: parent.policy,
            parent: { thread: parent.id, run: activeRun(parent).id, call: call.call },
            forkedFrom: null,
            history: [],
            origin,
          }),
          draft('run.created', run, {
            kind: 'message',
            input: [{ kind: 'text', text: task.prompt }],
            place: 0,
            origin,
          }),
        ],
  )
}

/** What the child has to say becomes the result of the call. */
async function report(
  context: Context,
  work: Work,
  call: Call,
  ids: { thread: string; run: string },
): Promise<void> {
  const { state } = await context.live(ids.thread)
  const run = state.last as Run
  const output = lastWords(state, run)
  const parent = activeRun(work.live.state)
  const turn = parent.turn?.index ?? 0
  const outcome = run.end?.outcome ?? 'failed'
  const durationMs = (run.endedAt ?? run.createdAt) - run.createdAt
  const { turns, usage } = run
  await work.live.commit(
    () => [
      draft('child.ended', parent.id, {
        turn,
        call: call.call,
        ...ids,
        outcome,
        output,
        turns,
        usage,
        durationMs,
      }),
      draft('tool.ended', parent.id, {
        turn,
        call: call.call,
        tool: call.tool,
        outcome: outcome === 'completed' ? 'ok' : outcome,
        output,
        rawBytes: Buffer.byteLength(output),
        durationMs,
      }),
    ],
    { isDriver: true },
  )
}

function lastWords(thread: Thread, run: Run): string {
  const said = thread.messages.findLast((m) => m.role === 'assistant' && m.run === run.id)
  const text = said ? textOf(said.parts).trim() : ''
  if (run.end?.outcome === 'completed')
    return text || 'The task is done; nothing was said about it.'
  const why = run.end?.trouble?.message ?? 'It was cancelled.'
  return text
    ? `${text}\n\n[The task was not finished. ${why}]`
    : `The task was not finished. ${why}`
}

/** Before a run is unwound: its children end first. */
export async function cancelChildren(context: Context, work: Work): Promise<void> {
  const calls = activeRun(work.live.state).turn?.calls ?? []
  const open = calls.flatMap((c) =>
    c.child && !c.child.ended && c.result === null ? [c.child] : [],
  )
  const origin = { dialect: 'engine', principal: 'engine' }
  await Promise.all(
    open.map(async ({ thread, run }) => {
      const child = await context.live(thread)
      if (child.state.seq === 0) return
      try {
        await context.submit(thread, {
          do: 'cancel',
          run,
          reason: 'the parent run was cancelled',
          when: 'now',
          queue: 'drop',
          origin,
        })
      } catch (error) {
        if (!(error instanceof Fault)) throw error
      }
      await context.runEnded(thread, run, AbortSignal.timeout(10_000))
    }),
  )
}
