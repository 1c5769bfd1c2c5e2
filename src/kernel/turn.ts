/**
 * One turn of a run: what the model says, piece by piece, and what becomes of its calls. The same
 * turn may take several attempts; what an earlier one has said stays said.
 */

import { alterTurn } from './alter.ts'
import type { EventOf, Facts, ProcessMark, Ruling, Settled, Stop, Trouble } from './event.ts'
import type { HookMark } from './hook.ts'
import type { AnswerPart, Json, Outcome } from './part.ts'
import { addUsage, NO_USAGE, type Usage } from './usage.ts'

/** One model answer and its tools. After a crash the same turn gets another attempt. */
export interface Turn {
  index: number
  attempt: number
  phase: 'streaming' | 'interrupted' | 'answered' | 'ended'
  model: string
  slots: Slot[]
  calls: Call[]
  /** Ids of calls that an attempt, at this turn or an earlier one, had begun when it broke off. */
  voided: string[]
  stop: Stop | null
  usage: Usage
  interruption: Interruption | null
  /** Attempts in a row that broke off without having said anything new. */
  barren: number
  said: boolean
  startedAt: number
}

export interface Interruption {
  cause: EventOf<'turn.interrupted'>['data']['cause']
  trouble: Trouble | null
  retryAt: number | null
}

/** One part of an answer while it is being said. `args` is the JSON text of a call's input. */
export interface Slot {
  part: number
  body: AnswerPart
  args: string
}

export interface Call {
  call: string
  tool: string
  part: number
  input: Json
  malformed: boolean
  ruling: Ruling | null
  started: { key: string; attempt: number; at: number } | null
  processes: ProcessMark[]
  /** Who was given the task that the call is. */
  child: (Omit<Facts['child.started'], 'turn' | 'call'> & { ended: boolean }) | null
  /** Hooks of the agent that were performed for it, by moment and name. */
  hooked: HookMark[]
  /** Why a hook wants it not to be done. */
  blocked: string | null
  /** What hooks tell the model beside the result. */
  remarks: string[]
  /** The answer of a person to the question that this call is. */
  answer: { value: Json; how: Settled } | null
  result: { outcome: Outcome; output: string } | null
}

export function startTurn(old: Turn | null, event: EventOf<'turn.started'>): Turn {
  const { turn: index, attempt, model } = event.data
  if (old?.index === index)
    return alterTurn(old, { attempt, model, phase: 'streaming', interruption: null, said: false })
  return {
    index,
    attempt,
    phase: 'streaming',
    model,
    slots: [],
    calls: [],
    voided: old?.voided ?? [],
    stop: null,
    usage: NO_USAGE,
    interruption: null,
    barren: 0,
    said: false,
    startedAt: event.at,
  }
}

type Speech = EventOf<'text.delta' | 'thinking.delta' | 'call.begun' | 'call.delta'>

/** Lays one delta onto the slot of its part; the first delta of a part opens the slot. */
export function speak(turn: Turn, event: Speech): Turn {
  const slots = turn.slots.slice()
  const at = slots.findLastIndex((s) => s.part === event.data.part)
  const slot = slots[at] ?? openSlot(event)
  const spoken = say(slot, event)
  if (at < 0) slots.push(spoken)
  else slots[at] = spoken
  // Text is what another attempt goes on from; all else is said anew.
  return event.type === 'text.delta'
    ? alterTurn(turn, { slots, said: true, barren: 0 })
    : alterTurn(turn, { slots })
}

function openSlot(event: Speech): Slot {
  const { part } = event.data
  switch (event.type) {
    case 'text.delta':
      return { part, body: { kind: 'text', text: '' }, args: '' }
    case 'thinking.delta':
      return { part, body: { kind: 'thinking', text: '' }, args: '' }
    case 'call.begun':
      return {
        part,
        body: { kind: 'call', call: event.data.call, tool: event.data.tool, input: {} },
        args: '',
      }
    case 'call.delta':
      return { part, body: { kind: 'call', call: event.data.call, tool: '', input: {} }, args: '' }
  }
}

function say(slot: Slot, event: Speech): Slot {
  if (event.type === 'call.begun') return slot
  if (event.type === 'call.delta')
    return { part: slot.part, body: slot.body, args: slot.args + event.data.text }
  const { part, body, args } = slot
  if (body.kind === 'call') return slot
  const { kind } = body
  const text = body.text + event.data.text
  return { part, body: 'opaque' in body ? { ...body, text } : { kind, text }, args }
}

export function answerTurn(turn: Turn, event: EventOf<'turn.answered'>): Turn {
  const { sealed, stop, usage } = event.data
  const seals = new Map(sealed.map((s) => [s.part, s]))
  const calls: Call[] = []
  const slots = turn.slots.map((slot): Slot => {
    const seal = seals.get(slot.part)
    const opaque = seal?.opaque === undefined ? {} : { opaque: seal.opaque }
    if (slot.body.kind !== 'call') {
      return slot.body.kind === 'thinking' ? { ...slot, body: { ...slot.body, ...opaque } } : slot
    }
    const body = { ...slot.body, ...opaque, input: seal?.input ?? {} }
    calls.push(newCall(body.call, body.tool, slot.part, body.input, seal?.malformed === true))
    return { ...slot, body }
  })
  return alterTurn(turn, {
    ...{ slots, calls, stop },
    usage: addUsage(turn.usage, usage),
    phase: 'answered',
  })
}

const newCall = (
  call: string,
  tool: string,
  part: number,
  input: Json,
  malformed: boolean,
): Call => ({
  call,
  tool,
  part,
  input,
  malformed,
  ruling: null,
  started: null,
  processes: [],
  child: null,
  hooked: [],
  blocked: null,
  remarks: [],
  answer: null,
  result: null,
})

type CallEvent = EventOf<
  'tool.started' | 'tool.progressed' | 'tool.ended' | 'child.started' | 'child.ended'
>

export function evolveCall(call: Call, event: CallEvent): Call {
  switch (event.type) {
    case 'tool.started': {
      const { key, attempt } = event.data
      return { ...call, started: { key, attempt, at: event.at } }
    }
    case 'tool.progressed': {
      const { process } = event.data
      return process ? { ...call, processes: [...call.processes, process] } : call
    }
    case 'tool.ended': {
      const { outcome, output } = event.data
      return { ...call, result: { outcome, output } }
    }
    case 'child.started': {
      const { thread, run, agent, name, task } = event.data
      return { ...call, child: { thread, run, agent, name, task, ended: false } }
    }
    case 'child.ended':
      return { ...call, child: call.child && { ...call.child, ended: true } }
  }
}

/** What was said stays; calls that were begun never happened. */
export function interruptTurn(turn: Turn, event: EventOf<'turn.interrupted'>): Turn {
  const { cause, trouble, retryAt, usage } = event.data
  return alterTurn(turn, {
    slots: turn.slots.filter((s) => s.body.kind !== 'call'),
    voided: [
      ...turn.voided,
      ...turn.slots.flatMap((s) => (s.body.kind === 'call' ? [s.body.call] : [])),
    ],
    phase: 'interrupted',
    interruption: { cause, trouble: trouble ?? null, retryAt },
    barren: turn.said ? 0 : turn.barren + 1,
    usage: addUsage(turn.usage, usage),
  })
}

/** The model is speaking, or will try again, or something that it called has begun and not ended. */
export function isAtWork({ phase, interruption, calls }: Turn): boolean {
  switch (phase) {
    case 'streaming':
      return true
    case 'interrupted':
      return interruption?.cause !== 'restart'
    case 'answered':
      return calls.some((c) => c.result === null && (c.started !== null || c.child !== null))
    case 'ended':
      return false
  }
}
