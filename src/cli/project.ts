/**
 * What a person at a terminal reads of a thread: a fold that speaks text. It also keeps what the
 * chat must know of the thread (the run that is going on, what is asked, what waits in the queue).
 * Pure: the same events give the same text.
 */

import type { Event, EventOf, RunOutcome } from '../kernel/event.ts'
import { textOf } from '../kernel/part.ts'
import type { OpenAsk } from '../kernel/run.ts'
import {
  askLines,
  callLine,
  dim,
  outcomeLine,
  type PrintStyle,
  settledLine,
  spentLine,
  userLines,
  warning,
} from './phrase.ts'
import { harmless } from './terminal.ts'

export interface Printout {
  /** Who speaks on the line that is not finished yet; null at the start of a line. */
  voice: 'text' | 'thinking' | null
  active: string | null
  asks: OpenAsk[]
  queue: Waiting[]
  /** Runs whose message stands on this terminal already, because it was typed here. */
  own: readonly string[]
  /** How the last run ended. */
  last: { run: string; outcome: RunOutcome } | null
  /** Agent and model that spoke last; said again only when they change. */
  speaker: string | null
  /** Tools of the answer that is being given, by the part they are in. */
  calls: Readonly<Record<number, string>>
}

export interface Waiting {
  run: string
  text: string
  /** Another run was before it. */
  hasWaited: boolean
}

export const openPrintout = (): Printout => ({
  voice: null,
  active: null,
  asks: [],
  queue: [],
  own: [],
  last: null,
  speaker: null,
  calls: {},
})

/** The state after the event, and the text it adds to the terminal. */
export function tell(state: Printout, event: Event, style: PrintStyle): [Printout, string] {
  const next = evolve(state, event)
  if (event.type === 'text.delta' || event.type === 'thinking.delta') {
    const voice = event.type === 'text.delta' ? 'text' : 'thinking'
    const text = harmless(event.data.text)
    if (text === '') return [next, '']
    const lead = state.voice !== null && state.voice !== voice ? '\n' : ''
    const shown = voice === 'thinking' ? style.paint.dim(text) : text
    return [{ ...next, voice: text.endsWith('\n') ? null : voice }, lead + shown]
  }
  const lines = linesOf(state, event, style)
  const isOver = state.active !== null && next.active === null
  if (lines.length === 0 && !isOver) return [next, '']
  const lead = state.voice === null ? '' : '\n'
  return [{ ...next, voice: null }, lead + lines.map((line) => `${line}\n`).join('')]
}

function evolve(state: Printout, event: Event): Printout {
  switch (event.type) {
    case 'run.created':
    case 'run.edited':
    case 'run.moved':
      return { ...state, queue: evolveQueue(state, event) }
    case 'run.started': {
      const queue = without(state.queue, event.run)
      return { ...state, active: event.run, queue, speaker: speakerOf(event), calls: {} }
    }
    case 'run.ended': {
      const queue = without(state.queue, event.run)
      const last = { run: event.run ?? '', outcome: event.data.outcome }
      const isActive = event.run === state.active
      return { ...state, queue, last, ...(isActive ? { active: null, asks: [] } : {}) }
    }
    case 'turn.started':
      return { ...state, calls: {} }
    case 'call.begun':
      return { ...state, calls: { ...state.calls, [event.data.part]: event.data.tool } }
    case 'ask.opened':
    case 'child.asked': {
      const { ask, turn, body, expiresAt } = event.data
      const calls = 'calls' in body ? body.calls.map((c) => c.call) : ['']
      const opened = { ask, turn, body, open: calls, openedAt: event.at, expiresAt }
      return { ...state, asks: [...state.asks, opened] }
    }
    case 'ask.settled': {
      const { ask, open } = event.data
      const asks = state.asks.map((a) => (a.ask === ask ? { ...a, open } : a))
      return { ...state, asks: asks.filter((a) => a.open.length > 0) }
    }
    case 'child.settled':
      return { ...state, asks: state.asks.filter((a) => a.ask !== event.data.ask) }
    default:
      return state
  }
}

const speakerOf = ({ data }: EventOf<'run.started'>): string => `${data.agent} · ${data.model}`

function evolveQueue(
  { active, queue }: Printout,
  event: EventOf<'run.created' | 'run.edited' | 'run.moved'>,
): Waiting[] {
  if (event.type === 'run.edited') {
    const text = textOf(event.data.input)
    return queue.map((entry) => (entry.run === event.run ? { ...entry, text } : entry))
  }
  const others = without(queue, event.run)
  const entry =
    event.type === 'run.moved'
      ? queue.find((q) => q.run === event.run)
      : {
          run: event.run ?? '',
          text: textOf(event.data.input),
          hasWaited: active !== null || queue.length > 0,
        }
  return entry ? others.toSpliced(event.data.place, 0, entry) : queue
}

const without = (queue: Waiting[], run: string | null): Waiting[] =>
  queue.filter((entry) => entry.run !== run)

/** Whole lines that an event adds. Every fact of the vocabulary has its place here. */
function linesOf(state: Printout, event: Event, style: PrintStyle): string[] {
  switch (event.type) {
    case 'run.created': {
      const text = textOf(event.data.input)
      return state.active && text ? [dim(style, `queued: ${text}`)] : []
    }
    case 'run.started': {
      const entry = state.queue.find((q) => q.run === event.run)
      const isShown = state.own.includes(event.run ?? '') && !entry?.hasWaited
      const speaker = speakerOf(event)
      return [
        ...(entry?.text && !isShown ? userLines(style, entry.text) : []),
        ...(speaker === state.speaker ? [] : [dim(style, speaker)]),
      ]
    }
    case 'run.steered':
      return [dim(style, `noted: ${textOf(event.data.input)}`)]
    case 'run.cancelling':
      return [dim(style, 'cancelling')]
    case 'run.ended':
      return endLines(state, event, style)
    case 'turn.answered':
      return event.data.sealed.flatMap(({ part, input }) => {
        const tool = state.calls[part]
        return tool === undefined ? [] : [callLine(style, tool, input ?? null)]
      })
    case 'turn.interrupted':
      return interruptionLines(event, style)
    case 'ask.opened':
    case 'child.asked':
      return askLines(style, event.data.body)
    case 'ask.settled':
    case 'child.settled':
      return [settledLine(style, event.data)]
    case 'tool.ended':
      return [outcomeLine(style, event.data)]
    case 'child.started':
      return [dim(style, `  ↳ ${event.data.name}: ${event.data.task}`)]
    case 'child.ended':
      return [dim(style, `  ↳ ${event.data.outcome} after ${event.data.turns} turns`)]
    case 'context.compacting':
      return [dim(style, 'summarising the conversation so far')]
    case 'context.compacted':
      return [
        dim(style, `summarised: ${event.data.tokensBefore} → ${event.data.tokensAfter} tokens`),
      ]
    case 'context.uncompacted':
      return [dim(style, event.data.trouble?.message ?? 'there was nothing to summarise')]
    case 'note':
      return [
        event.data.level === 'info' ? dim(style, event.data.text) : warning(style, event.data.text),
      ]
    case 'thread.changed':
      return changeLines(event, style)
    case 'thread.rewound':
      return [dim(style, 'the last answer is given again')]
    case 'run.switched':
      return [dim(style, `${event.data.agent} goes on · ${event.data.model}`)]
    case 'hook.ended': {
      const { hook, outcome, reason } = event.data
      return outcome === 'passed' ? [] : [warning(style, `${hook} ${outcome}: ${reason ?? ''}`)]
    }
    case 'thread.opened':
    case 'run.edited':
    case 'run.moved':
    case 'run.recovered':
    case 'turn.started':
    case 'turn.ended':
    case 'text.delta':
    case 'thinking.delta':
    case 'call.begun':
    case 'call.delta':
    case 'tool.started':
    case 'tool.progressed':
      return []
  }
}

function endLines(state: Printout, event: EventOf<'run.ended'>, style: PrintStyle): string[] {
  const { outcome, stop, trouble, usage } = event.data
  if (event.run !== state.active) return [dim(style, 'taken out of the queue')]
  if (outcome === 'cancelled') return [dim(style, 'cancelled')]
  if (outcome === 'failed') return [warning(style, trouble?.message ?? `The run failed (${stop}).`)]
  const why = stop === 'end' ? [] : [dim(style, `stopped: ${stop}`)]
  return [...why, ...spentLine(style, usage)]
}

function interruptionLines(event: EventOf<'turn.interrupted'>, style: PrintStyle): string[] {
  const { cause, trouble, retryAt } = event.data
  if (cause === 'restart') return [dim(style, '(the server was restarted; the answer goes on)')]
  if (cause !== 'provider') return []
  const why = trouble?.message ?? 'the model broke off'
  return retryAt === null ? [warning(style, why)] : [dim(style, `(${why}; trying again)`)]
}

function changeLines(event: EventOf<'thread.changed'>, style: PrintStyle): string[] {
  const { agent, model, title } = event.data
  const words = Object.entries({ agent, model, title }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value ?? 'default'}`],
  )
  return words.length > 0 ? [dim(style, words.join(', '))] : []
}
