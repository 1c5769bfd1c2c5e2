/**
 * The model of the tests: says exactly what its script says, and the same again for the same
 * transcript. Told to go on with an answer that broke off, it says only what is missing.
 */

import type { Stop } from '../kernel/event.ts'
import type { Message } from '../kernel/part.ts'
import type { ModelFailure, ModelItem, ModelRequest } from '../kernel/ports.ts'
import type { Usage } from '../kernel/usage.ts'
import { ABORTED, CUT_OFF, failure } from './failure.ts'
import { openPace, type Pace, pieces, stopped } from './pace.ts'
import { type Act, ScriptProblem, scriptOf } from './script.ts'
import { answersAfter, lastResults, partialOf, wholeMessages, wordsOf } from './transcript.ts'

export interface ScriptedSettings {
  /** Deltas a second; 0: at once. */
  rate: number
  fixtures: string | null
}

export async function* scripted(
  request: ModelRequest,
  settings: ScriptedSettings,
): AsyncGenerator<ModelItem, void, void> {
  const messages = wholeMessages(request)
  const name = request.model.slice(request.model.indexOf(':') + 1)
  const tally: Tally = { deltas: 0, calls: 0, stop: null, usage: {} }
  try {
    const script = await scriptOf(messages, name, settings.fixtures)
    const turn = script ? answersAfter(messages, script.from) : 0
    const acts = script ? (script.turns[turn] ?? DONE) : echo(messages)
    const pace = openPace(settings.rate, request.signal)
    const said = play(acts, { request, messages, tally, pace })
    let step = said.next()
    for (; !step.done; step = said.next()) {
      if (step.value.kind !== 'wait') yield step.value
      else if (!(step.value.until === true || (await step.value.until))) break
    }
    const problem = step.done ? step.value : ABORTED
    if (problem) yield { kind: 'failed', failure: problem, usage: usageOf(tally) }
    else yield { kind: 'done', stop: stopOf(tally), usage: usageOf(tally), model: name }
  } catch (error) {
    if (!(error instanceof ScriptProblem)) throw error
    const problem = failure('invalid_request', error.message)
    yield { kind: 'failed', failure: problem, usage: usageOf(tally) }
  }
}

const DONE: Act[] = [{ do: 'say', text: 'Done.' }]

function echo(messages: readonly Message[]): Act[] {
  const last = messages.findLast((m) => m.role === 'user')
  return [{ do: 'say', text: `You said: ${last ? wordsOf(last) : ''}` }]
}

interface Tally {
  deltas: number
  calls: number
  stop: Stop | null
  usage: Partial<Usage>
}

const stopOf = ({ stop, calls }: Tally): Stop => stop ?? (calls > 0 ? 'calls' : 'end')

const usageOf = ({ deltas, usage }: Tally): Usage => ({
  inputTokens: 100,
  outputTokens: deltas,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  costUsd: 0,
  ...usage,
})

interface Stage {
  request: ModelRequest
  messages: Message[]
  tally: Tally
  pace: Pace
}

/** A time to wait for; false: the call was stopped. */
interface Wait {
  kind: 'wait'
  until: boolean | Promise<boolean>
}

/** What comes next. Returns how the turn failed, or null when it came to its end. */
function* play(
  acts: readonly Act[],
  stage: Stage,
): Generator<ModelItem | Wait, ModelFailure | null, void> {
  const { request, tally, pace } = stage
  const { signal, attempt } = request
  const said = partialOf(request)
  const skip = { text: said.text.length, thinking: said.thinking.length }
  for (const act of acts) {
    if (signal.aborted) return ABORTED
    const isBehind = skip.text > 0
    switch (act.do) {
      case 'say': {
        const text = fill(act.text, stage.messages)
        const rest = text.slice(skip.text)
        skip.text = Math.max(0, skip.text - text.length)
        yield* tell('text', { ...act, text: rest }, stage)
        break
      }
      case 'think': {
        const rest = isBehind ? '' : act.text.slice(skip.thinking)
        skip.thinking = Math.max(0, skip.thinking - act.text.length)
        yield* tell('thinking', { ...act, text: rest }, stage)
        break
      }
      case 'call':
        yield* call(act, stage)
        break
      case 'pause':
        if (!isBehind) yield { kind: 'wait', until: pace.pause(act.ms) }
        break
      case 'hang':
        if (isBehind) break
        yield { kind: 'wait', until: stopped(signal).then(() => false) }
        break
      case 'fail':
        if (!isBehind && attempt <= act.attempts)
          return failure(act.code, act.message, {
            status: act.status,
            retryable: act.retryable,
            retryAfterMs: act.retryAfterMs,
          })
        break
      case 'cut':
        if (!isBehind && attempt <= act.attempts) return CUT_OFF
        break
      case 'stop':
        tally.stop = act.stop
        break
      case 'usage':
        tally.usage = { ...tally.usage, ...act.usage }
        break
    }
  }
  return signal.aborted ? ABORTED : null
}

function fill(text: string, messages: readonly Message[]): string {
  const result = lastResults(messages).at(-1)?.output ?? ''
  const asked = messages.findLast((m) => m.role === 'user')
  return text
    .replaceAll('{{result}}', () => result)
    .replaceAll('{{input}}', () => (asked ? wordsOf(asked) : ''))
}

function* tell(
  kind: 'text' | 'thinking',
  act: { text: string; chunk?: number; everyMs?: number },
  { pace, tally }: Stage,
): Generator<ModelItem | Wait, void, void> {
  const { everyMs } = act
  for (const text of pieces(act.text, act.chunk)) {
    yield { kind: 'wait', until: everyMs === undefined ? pace.next() : pace.pause(everyMs) }
    tally.deltas++
    yield { kind, text }
  }
}

function* call(
  act: Extract<Act, { do: 'call' }>,
  { request, pace, messages, tally }: Stage,
): Generator<ModelItem | Wait, void, void> {
  tally.calls++
  const turn = messages.filter((m) => m.role === 'assistant').length + 1
  const again = request.attempt > 1 ? `_${request.attempt}` : ''
  const id = act.id ?? `call_${turn}_${tally.calls}${again}`
  yield { kind: 'call', call: id, tool: act.tool }
  const cut = act.chunk === undefined ? [act.args] : pieces(act.args, act.chunk)
  for (const text of cut) {
    yield { kind: 'wait', until: pace.next() }
    tally.deltas++
    yield { kind: 'args', call: id, text }
  }
}
