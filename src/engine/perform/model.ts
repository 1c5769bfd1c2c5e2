/**
 * One call of the model, from `turn.started` to `turn.answered` or `turn.interrupted`. Every piece
 * is handed to the log as it comes; nobody hears it before it is on disk.
 */

import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { Agent } from '../../kernel/agent.ts'
import {
  type Draft,
  draft,
  type EventOf,
  type Facts,
  type Sealed,
  type Trouble,
} from '../../kernel/event.ts'
import type { Json, Message } from '../../kernel/part.ts'
import type { Append, ModelFailure, ModelItem, ModelRequest } from '../../kernel/ports.ts'
import type { Run } from '../../kernel/run.ts'
import { answerParts, contextOf, type Thread } from '../../kernel/thread.ts'
import type { Turn } from '../../kernel/turn.ts'
import { NO_USAGE, type Usage } from '../../kernel/usage.ts'
import { activeRun, type Context, faces, reasonOf, unlessCancelled, type Work } from '../context.ts'
import { instructionsOf } from '../instructions.ts'
import type { LiveThread } from '../live.ts'

/** How a turn begins: what is appended, and what the model is told. */
export interface Opening {
  step: { turn: number; attempt: number }
  started: Draft
  model: string
  system: string
  /** Names the system prompt. */
  hash: string
  /** Something in the prompt was said in this thread alone. */
  isOwn: boolean
}

export function openTurn(
  { clock }: Context,
  agent: Agent,
  thread: Thread,
  { turn, attempt }: Opening['step'],
): Opening {
  const run = activeRun(thread)
  const system = [instructionsOf(agent, run, thread, clock()), ...run.remarks].join('\n\n')
  const hash = createHash('sha256').update(system).digest('hex')
  const model = run.model as string
  const started = draft('turn.started', run.id, { turn, attempt, model, instructions: hash })
  const isOwn = (run.instructions ?? '') !== '' || run.remarks.length > 0
  return { step: { turn, attempt }, started, model, system, hash, isOwn }
}

/**
 * What is written with the opening: the prompt, when it is not the one of the turn before. It is found
 * by its hash. What was said in the thread alone goes when the thread is erased; what its agent is
 * told in every thread is kept once.
 */
export function promptOf(live: LiveThread, { hash, system, isOwn }: Opening): Append['documents'] {
  if (kept.get(live) === hash) return []
  const key = isOwn ? `${live.id}/${hash}` : hash
  return [{ kind: 'instructions', key, name: hash, body: system }]
}

export async function performModel(
  context: Context,
  work: Work,
  step: Opening['step'],
): Promise<void> {
  const { live, agent } = work
  const opening = openTurn(context, agent, live.state, step)
  const { events } = await live.commit(
    unlessCancelled(() => [opening.started]),
    { isDriver: true, documents: () => promptOf(live, opening) },
  )
  if (events.length > 0) await performAnswer(context, work, opening)
}

/** The rest of the step, once the opening is in the log. */
export async function performAnswer(
  context: Context,
  work: Work,
  { step, system, model, hash }: Opening,
): Promise<void> {
  const { live } = work
  kept.set(live, hash)
  const request = toRequest(live.state, work, { system, model, attempt: step.attempt })
  const speech = new Speech(work, step)
  let heard = 0
  for await (const item of context.models.stream(request)) {
    if (speech.hear(item)) await live.settled()
    if (++heard % BREATH === 0) await setImmediate()
  }
  await speech.close(context)
}

/** The prompt that was written last for a thread; it is not written again with every turn. */
const kept = new WeakMap<LiveThread, string>()

/** A model that never waits for the network must not keep everybody else from being heard. */
const BREATH = 32

function toRequest(
  thread: Thread,
  { agent, tools, signal }: Work,
  given: { system: string; model: string; attempt: number },
): ModelRequest {
  const partial = partialOf(thread)
  const { sampling } = activeRun(thread)
  const temperature = sampling.temperature ?? agent.temperature
  const topP = sampling.topP ?? agent.topP
  const maxOutputTokens = sampling.maxOutputTokens ?? agent.maxOutputTokens
  return {
    ...given,
    messages: partial ? [...contextOf(thread), partial] : contextOf(thread),
    continues: partial !== null,
    tools: faces(tools),
    signal,
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { topP }),
    ...(agent.thinking === undefined ? {} : { thinking: agent.thinking }),
  }
}

/** What earlier attempts at this turn have said already. */
function partialOf(thread: Thread): Message | null {
  const run = activeRun(thread)
  const parts = run.turn ? answerParts(run.turn) : []
  if (!run.turn || !parts.some((p) => p.kind === 'text')) return null
  return {
    id: 'partial',
    role: 'assistant',
    parts,
    run: run.id,
    turn: run.turn.index,
    at: thread.updatedAt,
  }
}

/** Text in flight above which the model is read no faster than the disk writes. */
const MAX_UNWRITTEN = 1 << 20

/** Listens to one stream and puts it into the log, part by part. */
class Speech {
  #work: Work
  #step: { turn: number; attempt: number }
  #run: string
  #part: number
  #open: 'text' | 'thinking' | 'call' | null
  #sealed = new Map<number, Sealed>()
  /** By the provider's id: the name in the log, and the input as far as it has been said. */
  #calls = new Map<string, { name: string; part: number; text: string }>()
  #names: Set<string>
  #unwritten = 0
  #end: Extract<ModelItem, { kind: 'done' | 'failed' }> | null = null
  #broken: unknown = null

  constructor(work: Work, step: { turn: number; attempt: number }) {
    const run = activeRun(work.live.state)
    const turn = run.turn as Turn
    const last = turn.slots.at(-1)
    this.#work = work
    this.#step = step
    this.#run = run.id
    this.#open = last?.body.kind === 'text' ? 'text' : null
    this.#part = last ? last.part : -1
    this.#names = usedCalls(work.live.state, run)
  }

  /** True when the caller should let the disk catch up. */
  hear(item: ModelItem): boolean {
    if (this.#broken) throw this.#broken
    switch (item.kind) {
      case 'text':
        return this.#say('text', item.text)
      case 'thinking':
        return this.#say('thinking', item.text)
      case 'opaque':
        this.#seal(this.#part, { opaque: item.opaque })
        return false
      case 'call':
        return this.#begin(item)
      case 'args':
        return this.#args(item.call, item.text)
      case 'done':
      case 'failed':
        this.#end = item
        return false
    }
  }

  #say(kind: 'text' | 'thinking', text: string): boolean {
    if (text === '') return false
    if (this.#open !== kind) this.#part++
    this.#open = kind
    const data = { turn: this.#step.turn, part: this.#part, text }
    return this.#write(
      draft(kind === 'text' ? 'text.delta' : 'thinking.delta', this.#run, data),
      text,
    )
  }

  #begin(item: Extract<ModelItem, { kind: 'call' }>): boolean {
    this.#part++
    this.#open = 'call'
    const call = this.#unique(item.call)
    this.#calls.set(item.call, { name: call, part: this.#part, text: '' })
    if (item.opaque !== undefined) this.#seal(this.#part, { opaque: item.opaque })
    const data = { turn: this.#step.turn, part: this.#part, call, tool: item.tool }
    return this.#write(draft('call.begun', this.#run, data), '')
  }

  /** Providers repeat call ids from turn to turn; in a run each names one call. */
  #unique(call: string): string {
    let name = call
    for (let n = 2; this.#names.has(name); n++) name = `${call}_${n}`
    this.#names.add(name)
    return name
  }

  #args(id: string, text: string): boolean {
    const call = this.#calls.get(id)
    if (!call || text === '') return false
    call.text += text
    const data = { turn: this.#step.turn, part: call.part, call: call.name, text }
    return this.#write(draft('call.delta', this.#run, data), text)
  }

  #write(delta: Draft, text: string): boolean {
    this.#work.live.say(delta, (error) => {
      this.#broken = error
    })
    this.#unwritten += text.length
    if (this.#unwritten < MAX_UNWRITTEN) return false
    this.#unwritten = 0
    return true
  }

  #seal(part: number, seal: Partial<Sealed>): void {
    if (part >= 0) this.#sealed.set(part, { ...this.#sealed.get(part), ...seal, part })
  }

  async close(context: Context): Promise<void> {
    const end = this.#end ?? silent()
    if (end.kind === 'done') return this.#answer(end)
    const { barren, said } = activeRun(this.#work.live.state).turn as Turn
    const tries = said ? 1 : barren + 1
    const data = breakOf(end, this.#work.signal, context, tries)
    await this.#finish([draft('turn.interrupted', this.#run, { ...this.#step, ...data })])
  }

  async #answer(end: Extract<ModelItem, { kind: 'done' }>): Promise<void> {
    const { turn } = this.#step
    for (const { part, text } of this.#calls.values()) this.#seal(part, parseInput(text))
    const answered: Facts['turn.answered'] = {
      turn,
      sealed: [...this.#sealed.values()].sort((a, b) => a.part - b.part),
      stop: end.stop,
      usage: end.usage,
      model: end.model,
    }
    const drafts = [draft('turn.answered', this.#run, answered)]
    if (this.#calls.size === 0) drafts.push(draft('turn.ended', this.#run, { turn }))
    await this.#finish(drafts)
  }

  async #finish(drafts: Draft[]): Promise<void> {
    await this.#work.live.commit(() => drafts, { isDriver: true })
    if (this.#broken) throw this.#broken
  }
}

function usedCalls(thread: Thread, run: Run): Set<string> {
  const parts = thread.messages.filter((m) => m.run === run.id).flatMap((m) => m.parts)
  const said = parts.flatMap((p) => (p.kind === 'call' ? [p.call] : []))
  return new Set([...said, ...(run.turn?.voided ?? [])])
}

/** The input of a call must be a JSON object; an empty text means an empty one. */
function parseInput(text: string): { input: Json; malformed?: true } {
  if (text.trim() === '') return { input: {} }
  try {
    const input = JSON.parse(text) as Json
    if (typeof input === 'object' && input !== null && !Array.isArray(input)) return { input }
  } catch {
    // Told to the model as a failed call, with the text it sent.
  }
  return { input: { text }, malformed: true }
}

const silent = (): Extract<ModelItem, { kind: 'failed' }> => ({
  kind: 'failed',
  usage: NO_USAGE,
  failure: {
    code: 'cut_off',
    message: 'The model ended without a word.',
    status: null,
    retryable: true,
    retryAfterMs: null,
  },
})

type Break = Pick<EventOf<'turn.interrupted'>['data'], 'cause' | 'trouble' | 'retryAt' | 'usage'>

function breakOf(
  { failure, usage }: { failure: ModelFailure; usage: Usage },
  signal: AbortSignal,
  context: Context,
  tries: number,
): Break {
  switch (reasonOf(signal)) {
    case 'cancel':
      return { cause: 'cancel', retryAt: null, usage }
    case 'limit':
      return { cause: 'limit', retryAt: null, usage }
    case 'shutdown':
    case 'lost':
      return { cause: 'restart', retryAt: null, usage }
    case null: {
      const trouble: Trouble = { code: failure.code, message: failure.message }
      const again = failure.retryable && tries < context.settings.maxAttempts
      const retryAt = again ? context.clock() + pauseMs(failure, tries, context) : null
      return { cause: 'provider', trouble, retryAt, usage }
    }
  }
}

/** What the provider asks for, else doubling from `retryMs` up to 30 s. */
function pauseMs(failure: ModelFailure, tries: number, context: Context): number {
  const doubling = Math.min(30_000, context.settings.retryMs * 2 ** (tries - 1))
  return Math.min(300_000, failure.retryAfterMs ?? doubling)
}
