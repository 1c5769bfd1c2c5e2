/**
 * A thread is a fold over its whole log: who talks, what was said, which run is going on and which
 * wait. `evolve` is the only way its state changes.
 */

import { alterRun, alterThread, alterTurn } from './alter.ts'
import { type Draft, type Event, type EventOf, type Facts, isDelta, merge } from './event.ts'
import { type AnswerPart, type InputPart, type Message, type ResultPart, textOf } from './part.ts'
import { createRun, evolveRun, type Run, takesSteers } from './run.ts'
import type { Turn } from './turn.ts'
import { addUsage, NO_USAGE, type Usage } from './usage.ts'

/** What `thread.opened` says, as later facts have changed it, and what has happened since. */
export interface Thread extends Omit<Facts['thread.opened'], 'history'> {
  id: string
  /** The last seq of the log; 0 before the first event. */
  seq: number
  openedAt: number
  /** Of the last event that is no delta. */
  updatedAt: number
  /** Everything that was said and still counts, oldest first. Compaction does not shorten it. */
  messages: Message[]
  /** What the model reads instead of the messages before `from`, an index into `messages`. */
  summary: { text: string; from: number; at: number } | null
  /** Runs that were retried or edited away. */
  rewound: string[]
  /** What runs asked for instead of the thread's own, by run: done again, they ask for the same. */
  wishes: Record<string, Wish>
  active: Run | null
  queue: Run[]
  /** The run that ended last. */
  last: Run | null
  runs: number
  usage: Usage
  /** Tokens of the last prompt as the provider counted them, and how many messages it had. */
  measured: { tokens: number; messages: number } | null
}

export type Wish = Pick<Facts['run.created'], 'agent' | 'model' | 'instructions' | 'sampling'>

export const emptyThread = (id: string): Thread => ({
  id,
  seq: 0,
  openedAt: 0,
  updatedAt: 0,
  agent: '',
  model: null,
  title: null,
  workspace: '',
  account: '',
  policy: null,
  parent: null,
  forkedFrom: null,
  origin: { dialect: 'engine', principal: '' },
  messages: [],
  summary: null,
  rewound: [],
  wishes: {},
  active: null,
  queue: [],
  last: null,
  runs: 0,
  usage: NO_USAGE,
  measured: null,
})

/** The thread after the event. Throws when the log has a gap: that is never a state to go on from. */
export const evolve = (thread: Thread, event: Event): Thread => {
  assertNext(thread, event, thread.seq)
  return lay(thread, event)
}

/** The thread after all of them, one by one; deltas of the same part are laid on as one. */
export function fold(thread: Thread, events: readonly Event[]): Thread {
  let state = thread
  let said: Event | null = null
  let seq = thread.seq
  for (const event of events) {
    assertNext(thread, event, seq)
    seq = event.seq
    const merged: Draft | null = said && merge(said, event)
    if (merged) said = { ...event, data: merged.data } as Event
    else {
      if (said) state = lay(state, said)
      said = event
    }
  }
  return said ? lay(state, said) : state
}

/** The thread as it would be with these facts appended. */
export const advance = (thread: Thread, drafts: readonly Draft[], at: number): Thread =>
  drafts.reduce(
    (state, d) => evolve(state, { thread: state.id, seq: state.seq + 1, at, ...d } as Event),
    thread,
  )

function assertNext({ id }: Thread, event: Event, seq: number): void {
  if (event.seq !== seq + 1) throw new Error(`thread ${id}: event ${event.seq} after ${seq}`)
}

function lay(thread: Thread, event: Event): Thread {
  const next = change(thread, event)
  const updatedAt = isDelta(event.type) ? thread.updatedAt : event.at
  return alterThread(next, { seq: event.seq, updatedAt })
}

function change(thread: Thread, event: Event): Thread {
  switch (event.type) {
    case 'thread.opened': {
      const { history, ...opened } = event.data
      return alterThread(thread, { ...opened, messages: history, openedAt: event.at })
    }
    case 'thread.changed': {
      const { origin: _, ...changed } = event.data
      return alterThread(thread, changed)
    }
    case 'thread.rewound':
      return rewind(thread, event)
    case 'run.created':
      return create(thread, event)
    case 'run.edited':
      return onQueued(thread, event)
    case 'run.steered':
      return onQueued(onActive(thread, event), event)
    case 'run.moved':
      return move(thread, event)
    case 'run.switched':
      return { ...onActive(thread, event), agent: event.data.agent }
    case 'run.started':
      return start(thread, event)
    case 'run.ended':
      return end(thread, event)
    case 'turn.started':
      return onActive(takesSteers(event) ? readSteers(thread) : thread, event)
    case 'turn.answered':
      return heard(onActive(thread, event), event)
    case 'turn.ended':
      return closeTurn(onActive(thread, event))
    case 'context.compacted':
      return compact(onActive(thread, event), event)
    case 'note':
      return thread
    default:
      return onActive(thread, event)
  }
}

const onActive = (thread: Thread, event: Event): Thread =>
  thread.active && thread.active.id === event.run
    ? alterThread(thread, { active: evolveRun(thread.active, event) })
    : thread

const onQueued = (thread: Thread, event: Event): Thread =>
  alterThread(thread, {
    queue: thread.queue.map((r) => (r.id === event.run ? evolveRun(r, event) : r)),
  })

function create(thread: Thread, event: EventOf<'run.created'>): Thread {
  const queue = insert(thread.queue, createRun(event), event.data.place)
  const wish = wishOf(event.data)
  if (!wish) return alterThread(thread, { queue })
  return alterThread(thread, { queue, wishes: { ...thread.wishes, [event.run as string]: wish } })
}

/** Null when the run has nothing of its own, or is none that could be done again. */
function wishOf(data: Facts['run.created']): Wish | null {
  const { kind, agent, model, instructions, sampling } = data
  const asked = Object.entries({ agent, model, instructions, sampling })
  const own = asked.filter(([, value]) => value !== undefined)
  return kind === 'compact' || own.length === 0 ? null : Object.fromEntries(own)
}

const without = (wishes: Thread['wishes'], runs: ReadonlySet<string>): Thread['wishes'] =>
  Object.fromEntries(Object.entries(wishes).filter(([run]) => !runs.has(run)))

const insert = (queue: Run[], run: Run, place: number): Run[] => queue.toSpliced(place, 0, run)

function move(thread: Thread, event: EventOf<'run.moved'>): Thread {
  const run = thread.queue.find((r) => r.id === event.run)
  if (!run) return thread
  const rest = thread.queue.filter((r) => r !== run)
  return alterThread(thread, { queue: insert(rest, evolveRun(run, event), event.data.place) })
}

function start(thread: Thread, event: EventOf<'run.started'>): Thread {
  const queued = thread.queue.find((r) => r.id === event.run)
  if (!queued) return thread
  const queue = thread.queue.filter((r) => r !== queued)
  const active = evolveRun(queued, event)
  const next = alterThread(thread, { queue, active, runs: thread.runs + 1 })
  if (active.kind !== 'message' || active.input.length === 0) return next
  return userMessage(next, active.input, event.at, false)
}

/** An answer that broke off stays in the transcript, and so does what nobody had time to read. */
function end(thread: Thread, event: EventOf<'run.ended'>): Thread {
  const queued = thread.queue.find((r) => r.id === event.run)
  if (queued) {
    const queue = thread.queue.filter((r) => r !== queued)
    const wishes = without(thread.wishes, new Set([queued.id]))
    return alterThread(thread, { queue, wishes, last: evolveRun(queued, event) })
  }
  if (thread.active?.id !== event.run) return thread
  const closed = readSteers(closeTurn(thread))
  const run = closed.active as Run
  const last = evolveRun(run, event)
  return alterThread(closed, { active: null, last, usage: addUsage(thread.usage, run.usage) })
}

function readSteers(thread: Thread): Thread {
  const steers = thread.active?.steers ?? []
  const read = steers.reduce((t, s) => userMessage(t, s.input, s.at, true), thread)
  return read.active && steers.length > 0
    ? alterThread(read, { active: alterRun(read.active, { steers: [] }) })
    : read
}

function userMessage(thread: Thread, parts: InputPart[], at: number, steered: boolean): Thread {
  return add(thread, { role: 'user', parts, turn: null, at, ...(steered ? { steered } : {}) })
}

/** Puts a message of the active run into the transcript, unless the run no longer counts. */
function add(thread: Thread, message: Omit<Message, 'id' | 'run'>): Thread {
  const run = thread.active
  if (!run) return thread
  const active = alterRun(run, { messages: run.messages + 1 })
  if (thread.rewound.includes(run.id)) return alterThread(thread, { active })
  const whole = { id: `${run.id}:${run.messages}`, run: run.id, ...message } as Message
  return alterThread(thread, { active, messages: [...thread.messages, whole] })
}

/** The turn becomes an assistant message and, with calls, a tool message. Done once a turn. */
function closeTurn(thread: Thread): Thread {
  const turn = thread.active?.turn
  if (!turn || turn.slots.length === 0) return thread
  const results = resultsOf(turn)
  const parts = answerParts(turn)
  const at = thread.updatedAt
  let next = thread
  if (parts.length > 0) next = add(next, { role: 'assistant', parts, turn: turn.index, at })
  if (results.length > 0) next = add(next, { role: 'tool', parts: results, turn: turn.index, at })
  const active = next.active as Run
  return alterThread(next, { active: alterRun(active, { turn: alterTurn(turn, { slots: [] }) }) })
}

/** What the model has said in this turn up to now, void calls left out. */
export const answerParts = (turn: Turn): AnswerPart[] =>
  turn.slots
    .map((s) => s.body)
    .filter((p) => (p.kind === 'call' ? turn.calls.some((c) => c.call === p.call) : p.text !== ''))

/** What the model reads of a result: the tool's words, and what hooks have to say of it. */
const resultsOf = (turn: Turn): ResultPart[] =>
  turn.calls.map((c) => ({
    kind: 'result',
    call: c.call,
    tool: c.tool,
    output: [c.result?.output ?? '', ...c.remarks].join('\n\n'),
    outcome: c.result?.outcome ?? 'unknown',
  }))

function heard(thread: Thread, event: EventOf<'turn.answered'>): Thread {
  // In a run that is a call no prompt was read.
  if (thread.active?.kind === 'call') return thread
  const { usage } = event.data
  const tokens =
    usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens + usage.outputTokens
  // A provider that counts nothing has measured nothing.
  if (tokens === 0) return alterThread(thread, { measured: null })
  // The answer itself becomes one more message when the turn ends.
  return alterThread(thread, {
    measured: { tokens, messages: contextOf(thread).length + 1 },
  })
}

function compact(thread: Thread, event: EventOf<'context.compacted'>): Thread {
  const { summary: text, keepFrom } = event.data
  const kept = thread.messages.findIndex((m) => m.id === keepFrom)
  const from = kept < 0 ? thread.messages.length : kept
  return alterThread(thread, { summary: { text, from, at: event.at }, measured: null })
}

function rewind(thread: Thread, event: EventOf<'thread.rewound'>): Thread {
  const gone = new Set(event.data.runs)
  // A summary that tells of what no longer counts goes too: the messages it stood for are there.
  const summarised = thread.messages.slice(0, thread.summary?.from ?? 0)
  const isStale = summarised.some((m) => gone.has(m.run))
  return alterThread(thread, {
    messages: thread.messages.filter((m) => !gone.has(m.run)),
    rewound: [...thread.rewound, ...event.data.runs],
    wishes: without(thread.wishes, gone),
    summary: isStale ? null : thread.summary,
    measured: null,
  })
}

/**
 * The transcript as it stands in the middle of a run: an answer that is being said counts as said,
 * and every call has a result.
 */
export function historyOf(thread: Thread): Message[] {
  return readSteers(closeTurn(thread)).messages
}

/** What the model reads: the transcript, with a summary in place of what was compacted. */
export function contextOf(thread: Thread): Message[] {
  if (!thread.summary) return thread.messages
  const { text, from, at } = thread.summary
  const parts: InputPart[] = [{ kind: 'text', text: `[CONVERSATION SUMMARY]\n${text}` }]
  const head: Message = {
    id: 'summary',
    role: 'user',
    parts,
    run: '',
    turn: null,
    at,
    summary: true,
  }
  return [head, ...thread.messages.slice(from)]
}

/** Tokens the next prompt will have: what the provider counted last, and an estimate of the rest. */
export function contextTokens(thread: Thread): number {
  const context = contextOf(thread)
  const base = thread.measured ?? { tokens: 0, messages: 0 }
  const rest = context.slice(base.messages)
  return base.tokens + rest.reduce((sum, m) => sum + estimateTokens(m), 0)
}

/** About four characters a token; attachments count as a thousand. */
export const estimateTokens = (message: Message): number =>
  message.parts.reduce((sum, p) => {
    if (p.kind === 'call') return sum + Math.ceil(JSON.stringify(p.input).length / 4) + 8
    if (p.kind === 'thinking') return sum + Math.ceil(p.text.length / 4)
    if (p.kind === 'text' || p.kind === 'result') return sum + Math.ceil(textOf([p]).length / 4) + 4
    return sum + 1000
  }, 4)

/**
 * Does anybody have to work on the thread now? A run that only waits - for a person, or for the
 * time of its next attempt - is not due.
 */
export function isDue(thread: Thread): boolean {
  const run = thread.active
  if (!run) return thread.queue.length > 0
  if (run.cancelling) return true
  return run.asks.length === 0 && retryTime(run) === null
}

/** Epoch milliseconds at which something is due without anybody having said anything; or null. */
export function wakesAt(thread: Thread): number | null {
  const run = thread.active
  if (!run) return null
  const times = [...run.asks.map((a) => a.expiresAt), retryTime(run)].filter((t) => t !== null)
  return times.length > 0 ? Math.min(...times) : null
}

const retryTime = (run: Run): number | null =>
  run.turn?.phase === 'interrupted' ? (run.turn.interruption?.retryAt ?? null) : null
