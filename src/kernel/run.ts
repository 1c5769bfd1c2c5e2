/**
 * A run is a fold over its log: `evolveRun(run, event)`. It holds what `next` must know to say what
 * is owed, and nothing that the log does not say. Pure: the same events give the same run.
 */

import type { Sampling } from './agent.ts'
import { alterRun, alterTurn } from './alter.ts'
import {
  type AskBody,
  type Event,
  type EventOf,
  type Facts,
  isDelta,
  type Origin,
  type Ruling,
  type RunKind,
  type RunOutcome,
  type Trouble,
} from './event.ts'
import type { HookMark } from './hook.ts'
import type { InputPart, Json } from './part.ts'
import {
  answerTurn,
  type Call,
  evolveCall,
  interruptTurn,
  isAtWork,
  speak,
  startTurn,
  type Turn,
} from './turn.ts'
import { addUsage, NO_USAGE, type Usage } from './usage.ts'

export interface Run {
  id: string
  kind: RunKind
  phase: 'queued' | 'active' | 'ended'
  input: InputPart[]
  origin: Origin
  /** Resolved when the run starts; before that only what the run itself asked for. */
  agent: string | null
  model: string | null
  revision: string | null
  instructions: string | null
  /** What it uses instead of the agent's own. */
  sampling: Sampling
  /** What is called in a run that is a call. */
  call: { tool: string; input: Json } | null
  retryOf: string | null
  /** What the run itself asked for. */
  wantedModel: string | null
  /** Who goes on at the next turn. */
  successor: Successor | null
  /** Hooks that were performed for the run since its last turn began. */
  hooked: HookMark[]
  /** Why a hook wants the model not to be called. */
  blocked: string | null
  /** What hooks tell the model for the turn that is about to begin. */
  remarks: string[]
  createdAt: number
  startedAt: number | null
  endedAt: number | null
  firstSeq: number
  /** Of the last event that is no delta. */
  lastSeq: number
  turn: Turn | null
  turns: number
  /** Turns in a row, up to now, in which every call was refused. */
  refusedTurns: number
  asks: OpenAsk[]
  /** What its children wait for. */
  childAsks: ChildAsk[]
  /** Messages that came in while the run went on and that no turn has read yet. */
  steers: Steer[]
  cancelling: { reason: string | null; when: 'now' | 'step'; at: number } | null
  compacting: boolean
  /** The last compaction: after how many turns, and how it went. It is not tried again at once. */
  compaction: { turns: number; trouble: Trouble | null } | null
  usage: Usage
  /** What was spent at known prices, also when some price is unknown. */
  spentUsd: number
  /** A limit that a person has raised; null: the agent's own. */
  limitUsd: number | null
  /** The agent's own limit when the run first reached it: by that much it is raised. */
  limitStepUsd: number | null
  refusedLimit: boolean
  /** Time in which a person was waited for, or no server had the run: no working time. */
  waitedMs: number
  waitingSince: number | null
  /** When its last event was. */
  heardAt: number
  /** How many transcript messages the run has made. */
  messages: number
  end: { outcome: RunOutcome; stop: string; trouble: Trouble | null } | null
}

export type Successor = Pick<Facts['run.switched'], 'agent' | 'model' | 'revision'>

export interface OpenAsk {
  ask: string
  turn: number
  body: AskBody
  /** Calls that still wait for a ruling; for a question or a limit, one empty name. */
  open: string[]
  openedAt: number
  expiresAt: number | null
}

export interface ChildAsk {
  call: string
  /** Whose log has the ask. */
  thread: string
  ask: string
  body: AskBody
}

export interface Steer {
  id: string
  input: InputPart[]
  origin: Origin
  at: number
}

export type RunStatus =
  | 'queued'
  | 'running'
  | 'waiting'
  | 'cancelling'
  | 'completed'
  | 'failed'
  | 'cancelled'

/** What a person would call the state of the run. */
export function statusOf(run: Run): RunStatus {
  if (run.end) return run.end.outcome
  if (run.phase === 'queued') return 'queued'
  if (run.cancelling) return 'cancelling'
  return run.asks.length + run.childAsks.length > 0 ? 'waiting' : 'running'
}

export function createRun(event: EventOf<'run.created'>): Run {
  const { data } = event
  return {
    id: event.run as string,
    kind: data.kind,
    phase: 'queued',
    input: data.input,
    origin: data.origin,
    agent: data.agent ?? null,
    model: data.model ?? null,
    revision: null,
    instructions: data.instructions ?? null,
    sampling: data.sampling ?? {},
    call: data.call ?? null,
    retryOf: data.retryOf ?? null,
    wantedModel: data.model ?? null,
    successor: null,
    hooked: [],
    blocked: null,
    remarks: [],
    createdAt: event.at,
    startedAt: null,
    endedAt: null,
    firstSeq: event.seq,
    lastSeq: event.seq,
    turn: null,
    turns: 0,
    refusedTurns: 0,
    asks: [],
    childAsks: [],
    steers: [],
    cancelling: null,
    compacting: false,
    compaction: null,
    usage: NO_USAGE,
    spentUsd: 0,
    limitUsd: null,
    limitStepUsd: null,
    refusedLimit: false,
    waitedMs: 0,
    waitingSince: null,
    heardAt: event.at,
    messages: 0,
    end: null,
  }
}

/** What the event makes of the run. Events that do not concern a run's state leave it as it is. */
export function evolveRun(run: Run, event: Event): Run {
  if (isDelta(event.type)) return change(run, event)
  const next = change(isBack(run, event) ? skip(run, event.at) : run, event)
  return alterRun(next, { lastSeq: event.seq, heardAt: event.at })
}

/**
 * Nothing of the run is at work; that takes long only while no server is there to go on. Hooks count
 * as nothing: they have times of their own.
 */
export const isBetweenSteps = ({ phase, turn, compacting }: Run): boolean =>
  phase === 'active' && !compacting && !(turn && isAtWork(turn))

/** Something has begun and not ended. Who is about to begin a step finds what a server has left. */
export const isLeft = ({ turn, compacting }: Run): boolean =>
  compacting || (turn?.phase === 'answered' && isAtWork(turn))

/** Was there perhaps no server between the run's last event and this one? */
const isBack = (run: Run, event: Event): boolean =>
  run.waitingSince === null && (isBetweenSteps(run) || isRecovery(event))

/** What only a server appends that did not begin what was at work. */
const isRecovery = ({ type, data }: Event): boolean =>
  type === 'run.recovered' || (type === 'turn.interrupted' && data.cause === 'restart')

const skip = (run: Run, to: number): Run =>
  alterRun(run, { waitedMs: run.waitedMs + to - run.heardAt })

function change(run: Run, event: Event): Run {
  switch (event.type) {
    case 'run.edited':
      return alterRun(run, { input: event.data.input })
    case 'run.started': {
      const { agent, model, revision } = event.data
      return alterRun(run, { phase: 'active', agent, model, revision, startedAt: event.at })
    }
    case 'run.steered': {
      const { id, input, origin } = event.data
      return alterRun(run, { steers: [...run.steers, { id, input, origin, at: event.at }] })
    }
    case 'run.cancelling': {
      const { reason, when } = event.data
      return alterRun(run, { cancelling: { reason, when, at: event.at } })
    }
    case 'run.switched': {
      const { agent, model, revision } = event.data
      return alterRun(run, { successor: { agent, model, revision } })
    }
    case 'hook.ended':
      return noteHook(run, event)
    case 'run.ended': {
      const { outcome, stop, trouble } = event.data
      const end = { outcome, stop, trouble: trouble ?? null }
      const closed = resume(alterRun(run, { asks: [] }), event.at)
      return alterRun(closed, { phase: 'ended', endedAt: event.at, end })
    }
    case 'turn.started':
      return alterRun(run, {
        turn: startTurn(run.turn, event),
        steers: takesSteers(event) ? [] : run.steers,
        hooked: event.data.attempt === 1 ? [] : run.hooked,
      })
    case 'text.delta':
    case 'thinking.delta':
    case 'call.begun':
    case 'call.delta':
      return run.turn ? alterRun(run, { turn: speak(run.turn, event), heardAt: event.at }) : run
    case 'turn.answered':
      return spend(
        alterRun(run, { turn: run.turn && answerTurn(run.turn, event) }),
        event.data.usage,
      )
    case 'turn.interrupted':
      return spend(
        alterRun(run, { turn: run.turn && interruptTurn(run.turn, event) }),
        event.data.usage,
      )
    case 'turn.ended':
      return endTurn(run)
    case 'ask.opened':
      return openAsk(run, event)
    case 'ask.settled':
      return settleAsk(run, event)
    case 'tool.progressed':
      return event.data.process ? onCall(run, event.data.call, (c) => evolveCall(c, event)) : run
    case 'tool.started':
    case 'tool.ended':
    case 'child.started':
      return onCall(run, event.data.call, (c) => evolveCall(c, event))
    case 'child.asked': {
      const { call, thread, ask, body } = event.data
      const childAsks = [...run.childAsks, { call, thread, ask, body }]
      return alterRun(run, { childAsks, waitingSince: run.waitingSince ?? event.at })
    }
    case 'child.settled': {
      const childAsks = run.childAsks.filter((a) => a.ask !== event.data.ask)
      return resume(alterRun(run, { childAsks }), event.at)
    }
    case 'child.ended':
      return spend(
        onCall(run, event.data.call, (c) => evolveCall(c, event)),
        event.data.usage,
      )
    case 'context.compacting':
      return alterRun(run, { compacting: true })
    case 'context.compacted':
      return spend(alterRun(run, compacted(run, null)), event.data.usage)
    case 'context.uncompacted':
      return spend(alterRun(run, compacted(run, event.data.trouble ?? null)), event.data.usage)
    case 'run.created':
    case 'run.moved':
    case 'run.recovered':
    case 'thread.opened':
    case 'thread.changed':
    case 'thread.rewound':
    case 'note':
      return run
    default:
      return event satisfies never
  }
}

const compacted = (run: Run, trouble: Trouble | null): Pick<Run, 'compacting' | 'compaction'> => ({
  compacting: false,
  compaction: { turns: run.turns, trouble },
})

/** The first attempt at a turn reads the steering messages; a later one goes on where it was. */
export const takesSteers = (event: EventOf<'turn.started'>): boolean => event.data.attempt === 1

/** A hook that failed leaves no more than that it was performed. */
function noteHook(run: Run, { data }: EventOf<'hook.ended'>): Run {
  const { hook, moment, outcome, call, input, reason, context } = data
  const done = { moment, hook }
  const isBefore = moment === 'tool.before' || moment === 'model.before'
  const blocked = outcome === 'blocked' && isBefore ? (reason ?? '') : null
  const isRead = isBefore || moment === 'tool.after'
  const remarks = outcome !== 'failed' && isRead && context !== undefined ? [context] : []
  const note = <T extends Pick<Run, 'hooked' | 'blocked' | 'remarks'>>(on: T): T => ({
    ...on,
    hooked: [...on.hooked, done],
    blocked: on.blocked ?? blocked,
    remarks: [...on.remarks, ...remarks],
  })
  if (call === null) return note(run)
  return onCall(run, call, (c) => {
    const noted = note(c)
    return outcome === 'passed' && input !== undefined ? { ...noted, input } : noted
  })
}

function endTurn(run: Run): Run {
  if (!run.turn) return run
  const { calls } = run.turn
  const refused = calls.length > 0 && calls.every((c) => c.result?.outcome === 'denied')
  return alterRun(run, {
    ...run.successor,
    successor: null,
    remarks: [],
    turn: alterTurn(run.turn, { phase: 'ended' }),
    turns: run.turn.index + 1,
    refusedTurns: refused ? run.refusedTurns + 1 : 0,
  })
}

function openAsk(run: Run, event: EventOf<'ask.opened'>): Run {
  const { ask, turn, body, expiresAt } = event.data
  const open = 'calls' in body ? body.calls.map((c) => c.call) : ['']
  const asks = [...run.asks, { ask, turn, body, open, openedAt: event.at, expiresAt }]
  const limitStepUsd = run.limitStepUsd ?? (body.kind === 'limit' ? body.limitUsd : null)
  return alterRun(run, { asks, limitStepUsd, waitingSince: run.waitingSince ?? event.at })
}

function settleAsk(run: Run, event: EventOf<'ask.settled'>): Run {
  const { ask: id, open, rulings, limitUsd } = event.data
  const ask = run.asks.find((a) => a.ask === id)
  if (!ask) return run
  const asks =
    open.length > 0
      ? run.asks.map((a) => (a === ask ? { ...a, open } : a))
      : run.asks.filter((a) => a !== ask)
  let next = resume(alterRun(run, { asks }), event.at)
  if (limitUsd !== undefined) next = alterRun(next, { limitUsd })
  if (ask.body.kind === 'question') {
    const answer = { value: event.data.answer ?? null, how: event.data.how }
    return onCall(next, ask.body.call, (c) => ({ ...c, answer }))
  }
  if (ask.body.kind === 'limit') {
    const refused = Object.values(rulings).some((r) => !r.allow)
    return alterRun(next, { refusedLimit: refused })
  }
  for (const [call, ruling] of Object.entries(rulings)) next = rule(next, ask.body, call, ruling)
  return next
}

/** A recovery that is allowed forgets the attempt that was lost, so that the tool runs again. */
function rule(run: Run, body: AskBody, call: string, ruling: Ruling): Run {
  const again = body.kind === 'recovery' && ruling.allow
  return onCall(run, call, (c) => ({ ...c, ruling, started: again ? null : c.started }))
}

/** Nobody is waited for any more, unless something is still asked. */
function resume(run: Run, at: number): Run {
  if (run.asks.length + run.childAsks.length > 0 || run.waitingSince === null) return run
  return alterRun(run, { waitedMs: run.waitedMs + at - run.waitingSince, waitingSince: null })
}

function onCall(run: Run, call: string, edit: (call: Call) => Call): Run {
  if (!run.turn) return run
  const calls = run.turn.calls.map((c) => (c.call === call ? edit(c) : c))
  return alterRun(run, { turn: alterTurn(run.turn, { calls }) })
}

const spend = (run: Run, usage: Usage): Run =>
  alterRun(run, {
    usage: addUsage(run.usage, usage),
    spentUsd: run.spentUsd + (usage.costUsd ?? 0),
  })
