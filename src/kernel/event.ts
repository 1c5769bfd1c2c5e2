/**
 * THE vocabulary: every fact a thread can record is named here and nowhere else. A fact's meaning
 * never changes; a new meaning is a new name. Adding one breaks the build until the fold and every
 * projection has said what it does with it.
 */

import type { Sampling } from './agent.ts'
import type { HookMoment } from './hook.ts'
import type { InputPart, Json, Message, Outcome } from './part.ts'
import type { Usage } from './usage.ts'

/** Who caused an event, and what only one dialect needs to remember of the request. */
export interface Origin {
  /** The dialect the command came through, or `engine`. */
  dialect: string
  principal: string
  /** Read by that dialect only. */
  hints?: Json
}

/**
 * What a run is for. `compact` calls no tools and answers nobody. `call` is one call of a tool that
 * no model has asked for: its only turn is that call, and its output the call's result.
 */
export type RunKind = 'message' | 'compact' | 'call'

/** Stands for the model where none is called. */
export const NO_MODEL = 'none'

export type RunOutcome = 'completed' | 'failed' | 'cancelled'

/** Why a model stopped speaking. */
export type Stop = 'end' | 'calls' | 'length' | 'filter' | 'sequence' | 'other'

/** An error as a client may read it. `code` is lower snake case. */
export interface Trouble {
  code: string
  message: string
}

/** One approval, given or refused. */
export interface Ruling {
  allow: boolean
  /** Told to the model when refused. */
  reason?: string
  /** `person`, or what decided instead of one. */
  by: 'person' | 'policy' | 'expiry'
}

/** A call that a person is asked about. */
export interface AskedCall {
  call: string
  tool: string
  input: Json
  subject: string
  /** Why it is asked. */
  reason: string
  /**
   * What an "always" would cover: a glob over subjects, or with null every call of the tool. Absent:
   * nothing but this very call.
   */
  grant?: string | null
}

/** A question in the form a person can be shown. `schema` is a JSON Schema of the answer. */
export interface Question {
  text: string
  options?: { label: string; about?: string }[]
  schema?: Json
}

/** How an ask was closed. */
export type Settled = 'answered' | 'expired' | 'cancelled'

/** What somebody is asked. */
export type AskBody =
  | { kind: 'approval'; calls: AskedCall[] }
  | { kind: 'question'; call: string; question: Question }
  /** A limit of money was reached: raise it, or stop. */
  | { kind: 'limit'; limitUsd: number; spentUsd: number }
  /** A tool had begun when the server died: run it again, or tell the model that nobody knows. */
  | { kind: 'recovery'; calls: AskedCall[] }

/** A process started for a tool, so that a later server can find and end exactly it. */
export interface ProcessMark {
  pid: number
  /** Clock ticks after boot, from the kernel's process table. */
  startTicks: number
  bootId: string
}

export interface Facts {
  /** First event of every thread. `history` is the transcript a fork begins with. */
  'thread.opened': {
    agent: string
    model: string | null
    title: string | null
    workspace: string
    account: string
    /** Name of the shared policy that its permissions come from; null: the agent's own. */
    policy: string | null
    parent: { thread: string; run: string; call: string } | null
    forkedFrom: { thread: string; seq: number } | null
    history: Message[]
    origin: Origin
  }
  /** Only the fields that changed. */
  'thread.changed': {
    agent?: string
    model?: string | null
    title?: string | null
    policy?: string | null
    origin: Origin
  }
  /** The runs named here no longer count: they are left out of the transcript from now on. */
  'thread.rewound': {
    runs: string[]
    reason: 'retry' | 'edit' | 'restart' | 'rewind'
    origin: Origin
  }

  /** A run exists from here on. It waits in the queue, at `place` (0 = next), until it is started. */
  'run.created': {
    kind: RunKind
    input: InputPart[]
    place: number
    /** What only this run uses instead of the thread's or the agent's own. */
    agent?: string
    model?: string
    /** Added to the agent's instructions for this run. */
    instructions?: string
    sampling?: Sampling
    /** Of kind `call`; the call has the id of its run. */
    call?: { tool: string; input: Json }
    retryOf?: string
    origin: Origin
  }
  /** A queued run was given another input. */
  'run.edited': { input: InputPart[]; origin: Origin }
  /** A queued run was put at another place in the queue. */
  'run.moved': { place: number; origin: Origin }
  /** What was begun and never ended is taken up: no server had the run since its last event. */
  'run.recovered': Record<string, never>
  /** The run left the queue and has the thread. */
  'run.started': { agent: string; model: string; revision: string }
  /** A message for a run that is going on; it is read at the next step boundary. */
  'run.steered': { id: string; input: InputPart[]; origin: Origin }
  /** Somebody wants the run to end: at once, or when the step that is going on is complete. */
  'run.cancelling': { reason: string | null; when: 'now' | 'step'; origin: Origin }
  /**
   * Another agent goes on with the run, and with the thread, from the next turn on. `call` asked for
   * it; what else is called in that turn is still the old agent's.
   */
  'run.switched': {
    turn: number
    call: string
    from: string
    agent: string
    model: string
    revision: string
  }
  /** Last event of every run. A run that never started ends as cancelled. */
  'run.ended': {
    outcome: RunOutcome
    /** Why: `end`, `turns`, `time`, `tokens`, `cost`, `denied`, `cancelled`, `error`, ... */
    stop: string
    trouble?: Trouble
    turns: number
    usage: Usage
  }

  /**
   * The model is about to be called; in a run of kind `call` nobody is, and its call is the answer.
   * `attempt` counts from 1 within a turn, `turn` from 0 in a run. `instructions` is the SHA-256 of
   * the system prompt, kept as a document of that kind and name.
   */
  'turn.started': { turn: number; attempt: number; model: string; instructions: string }
  'text.delta': { turn: number; part: number; text: string }
  'thinking.delta': { turn: number; part: number; text: string }
  'call.begun': { turn: number; part: number; call: string; tool: string }
  /** A piece of the JSON text of a call's input. */
  'call.delta': { turn: number; part: number; call: string; text: string }
  /**
   * The model has spoken. The words are those of the deltas and are not repeated; `parts` says
   * what the deltas cannot: the provider's tokens, and the inputs of calls as parsed.
   */
  'turn.answered': {
    turn: number
    sealed: Sealed[]
    stop: Stop
    usage: Usage
    /** The model's name as the provider gave it. */
    model: string
  }
  /** The model's answer broke off. What was said stays said; calls that were begun are void. */
  'turn.interrupted': {
    turn: number
    attempt: number
    cause: 'restart' | 'provider' | 'cancel' | 'limit'
    trouble?: Trouble
    /** When the next attempt is due; null when there will be none. */
    retryAt: number | null
    usage: Usage
  }
  /** All tools of the turn have results. */
  'turn.ended': { turn: number }

  'ask.opened': { ask: string; turn: number; body: AskBody; expiresAt: number | null }
  /**
   * An ask was answered, in whole or in part. `open` lists the calls that still wait; the ask is
   * closed when it is empty.
   */
  'ask.settled': {
    ask: string
    how: Settled
    rulings: Record<string, Ruling>
    /** The answer to a question. */
    answer?: Json
    /** The new limit, when one was raised. */
    limitUsd?: number
    open: string[]
    origin: Origin
  }

  /** Durable before the tool does anything. `key` is the tool's idempotency key. */
  'tool.started': { turn: number; call: string; tool: string; key: string; attempt: number }
  'tool.progressed': { turn: number; call: string; text: string; process?: ProcessMark }
  /** Every call gets exactly one, also those that never ran. */
  'tool.ended': {
    turn: number
    call: string
    tool: string
    outcome: Outcome
    output: string
    /** Bytes of the output before it was bounded. */
    rawBytes: number
    durationMs: number
    /** Facts about the result for clients; never read by the model. */
    meta?: Record<string, Json>
  }

  /**
   * A hook of the agent was performed; its outcome is all that is ever known of it. `blocked` stops
   * what was about to happen, `failed` stops nothing.
   */
  'hook.ended': {
    hook: string
    /** Absent: it is a command. */
    handler?: 'http'
    moment: HookMoment
    turn: number
    /** Null at moments that concern no call. */
    call: string | null
    outcome: 'passed' | 'blocked' | 'failed'
    /** Why it blocked, or how it failed. */
    reason?: string
    /** The input that the call has instead of what the model said. */
    input?: Json
    /** Told to the model. */
    context?: string
    durationMs: number
  }

  'child.started': {
    turn: number
    call: string
    thread: string
    run: string
    agent: string
    name: string
    task: string
  }
  /**
   * The child, or one of its own, waits for a person. The ask itself is in the log of `thread`; one
   * that was answered in part is settled here, and asked again with what is left of it.
   */
  'child.asked': {
    turn: number
    call: string
    thread: string
    ask: string
    body: AskBody
    expiresAt: number | null
  }
  'child.settled': {
    turn: number
    call: string
    thread: string
    ask: string
    how: Settled
    rulings: Record<string, Ruling>
  }
  'child.ended': {
    turn: number
    call: string
    thread: string
    run: string
    outcome: RunOutcome
    output: string
    turns: number
    usage: Usage
    durationMs: number
  }

  'context.compacting': { by: 'limit' | 'command'; tokens: number; window: number | null }
  /** Messages before `keepFrom` (a message id; null: all of them) are now told as `summary`. */
  'context.compacted': {
    summary: string
    keepFrom: string | null
    messagesBefore: number
    messagesAfter: number
    tokensBefore: number
    tokensAfter: number
    usage: Usage
  }
  /** The transcript stays as it was. */
  'context.uncompacted': {
    reason: 'nothing' | 'failed' | 'cancelled'
    trouble?: Trouble
    usage: Usage
  }

  /** For the person who reads along; changes nothing. */
  note: { level: 'info' | 'warn' | 'error'; code: string; text: string }
}

/** What `turn.answered` adds to the part of the same index. */
export interface Sealed {
  part: number
  opaque?: Json
  /** The input of a call; absent for other parts. */
  input?: Json
  /** Set when the text of a call's input is no JSON object; the call then fails unrun. */
  malformed?: true
}

export type EventType = keyof Facts

/** A fact as it is drafted: without place or time. `run` is null for what belongs to no run. */
export type Draft = { [T in EventType]: { type: T; run: string | null; data: Facts[T] } }[EventType]

/** A fact as it stands in the log. `seq` counts from 1 in the thread without gap; `at` is epoch ms. */
export type Event = {
  [T in EventType]: {
    thread: string
    seq: number
    at: number
    type: T
    run: string | null
    data: Facts[T]
  }
}[EventType]

export type EventOf<T extends EventType> = Extract<Event, { type: T }>

/** Events that stream in by the thousand and say only a piece of something. */
export type DeltaType = 'text.delta' | 'thinking.delta' | 'call.delta' | 'tool.progressed'

export const isDelta = (type: EventType): type is DeltaType =>
  type === 'text.delta' ||
  type === 'thinking.delta' ||
  type === 'call.delta' ||
  type === 'tool.progressed'

/** Makes a draft; the types of name and data belong together. */
export const draft = <T extends EventType>(type: T, run: string | null, data: Facts[T]): Draft =>
  ({ type, run, data }) as Draft

/**
 * Two deltas of the same part as one, or null when they are not of the same part. Used while a
 * commit is in flight: what was not told yet may still be said in one breath.
 */
export function merge(a: Draft, b: Draft): Draft | null {
  if (a.type !== b.type || a.run !== b.run) return null
  switch (a.type) {
    case 'text.delta':
    case 'thinking.delta': {
      const d = b.data as Facts['text.delta']
      if (a.data.turn !== d.turn || a.data.part !== d.part) return null
      const { turn, part, text } = a.data
      return draft(a.type, a.run, { turn, part, text: text + d.text })
    }
    case 'call.delta': {
      const d = b.data as Facts['call.delta']
      if (a.data.turn !== d.turn || a.data.part !== d.part) return null
      const { turn, part, call, text } = a.data
      return draft('call.delta', a.run, { turn, part, call, text: text + d.text })
    }
    case 'tool.progressed': {
      const d = b.data as Facts['tool.progressed']
      if (a.data.turn !== d.turn || a.data.call !== d.call || d.process || a.data.process)
        return null
      const { turn, call, text } = a.data
      return draft('tool.progressed', a.run, { turn, call, text: text + d.text })
    }
    default:
      return null
  }
}
