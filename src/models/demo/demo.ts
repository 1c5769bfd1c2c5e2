/**
 * The model that is always there: no network, no key, and honest about being no language model. Its
 * whole answer follows from the transcript, so an answer that broke off is gone on with exactly.
 */

import type { ModelItem, ModelRequest } from '../../kernel/ports.ts'
import { estimateTokens } from '../../kernel/thread.ts'
import { ABORTED } from '../failure.ts'
import { openPace, words } from '../pace.ts'
import { answersAfter, lastResults, partialOf, wholeMessages, wordsOf } from '../transcript.ts'
import { reportOf } from './report.ts'
import { answerTo, helpOf } from './talk.ts'
import { type Wish, wishesOf } from './wish.ts'

interface Answer {
  text: string
  call: Wish | null
}

/** `rate` is in tokens a second; 0: at once. */
export async function* demo(
  request: ModelRequest,
  rate: number,
): AsyncGenerator<ModelItem, void, void> {
  const answer = answerOf(request)
  const said = partialOf(request).text
  const rest = answer.text.startsWith(said) ? answer.text.slice(said.length) : ''
  const pace = openPace(rate, request.signal)
  let spoken = 0
  const usage = () => ({
    inputTokens: request.messages.reduce((sum, m) => sum + estimateTokens(m), 0),
    outputTokens: spoken,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    costUsd: 0,
  })
  for (const text of words(rest)) {
    if (!(await pace.next())) break
    spoken++
    yield { kind: 'text', text }
  }
  if (answer.call && !request.signal.aborted) {
    const turn = request.messages.filter((m) => m.role === 'assistant').length + 1
    const call = `demo_${turn}${request.attempt > 1 ? `_${request.attempt}` : ''}`
    spoken++
    yield { kind: 'call', call, tool: answer.call.tool }
    yield { kind: 'args', call, text: JSON.stringify(answer.call.input) }
  }
  if (request.signal.aborted) yield { kind: 'failed', failure: ABORTED, usage: usage() }
  else
    yield {
      kind: 'done',
      stop: answer.call ? 'calls' : 'end',
      usage: usage(),
      model: nameOf(request),
    }
}

const nameOf = ({ model }: ModelRequest): string => model.slice(model.indexOf(':') + 1)

function answerOf(request: ModelRequest): Answer {
  const messages = wholeMessages(request)
  const asked = messages.findLastIndex((m) => m.role === 'user')
  const text = asked < 0 ? '' : wordsOf(messages[asked] as (typeof messages)[number])
  if (request.tools.length === 0 && /\bsummar(y|ise|ize)/i.test(request.system))
    return { text: summaryOf(text), call: null }
  if (isTooMuch(text)) return { text: TOO_MUCH, call: null }
  const wishes = wishesOf(text, request.tools)
  const done = answersAfter(messages, asked)
  const report = done > 0 ? reportOf(lastResults(messages)) : ''
  const wish = wishes[done]
  if (!wish) return { text: report || answerTo(text, messages, request.tools), call: null }
  if (!request.tools.some((t) => t.name === wish.tool))
    return { text: join(report, withoutTool(wish.tool, request)), call: null }
  return { text: join(report, wish.intro), call: wish }
}

const MOST_CHARS = 2_000
const TOO_MUCH = `That is more than I can read: as the demo model, which is no language model, I take requests of up to ${MOST_CHARS} characters without long gaps. Say "help" for what I can do.`

/** What the forms of words are tried on is short: on long runs of one kind they could take minutes. */
const isTooMuch = (text: string): boolean => text.length > MOST_CHARS || /\s{64}/.test(text)

const join = (...texts: string[]): string => texts.filter((t) => t !== '').join('\n\n')

const withoutTool = (tool: string, { tools }: ModelRequest): string =>
  `For that I would need the tool \`${tool}\`, which this agent does not have. ${helpOf(tools)}`

const MAX_LINES = 60

/** The beginnings of what was said: all that can be kept without understanding any of it. */
function summaryOf(transcript: string): string {
  const lines = transcript
    .split('\n')
    .map((l) => l.trim())
    .filter((l) => l !== '')
  const kept = lines
    .slice(-MAX_LINES)
    .map((l) => `- ${l.length > 160 ? `${l.slice(0, 160)}...` : l}`)
  return `What was said before, line by line and shortened (the demo model cannot sum up):\n${kept.join('\n')}`
}
