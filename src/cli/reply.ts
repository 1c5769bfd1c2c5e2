/** From what a person types to the answer of an ask, and what is answered where nobody can. Pure. */

import type { OpenAsk } from '../kernel/run.ts'
import type { Answer } from './conversation.ts'

export interface Hint {
  hint: string
}

/** The prompt that stands for what is asked. */
export function promptOf(ask: OpenAsk): string {
  switch (ask.body.kind) {
    case 'approval':
      return '[y]es, [n]o, [a]lways: '
    case 'question':
      return 'answer: '
    case 'recovery':
    case 'limit':
      return '[y]es, [n]o: '
  }
}

/** What the words mean as an answer; a hint when they mean none. */
export function answerOf(ask: OpenAsk, words: string): Answer | Hint {
  if (ask.body.kind === 'question') return { answer: chosen(ask.body.question, words) }
  const { first, rest } = split(words)
  switch (first) {
    case 'y':
    case 'yes':
      return { allow: true }
    case 'n':
    case 'no':
      return rest ? { allow: false, reason: rest } : { allow: false }
    case 'a':
    case 'always':
      if (ask.body.kind === 'approval') return { allow: true, remember: true }
  }
  const always = ask.body.kind === 'approval' ? ', a for yes from now on' : ''
  return { hint: `y for yes, n for no (words after it are told to the agent)${always}` }
}

/** A number means the option that has it; an answer that must not be text is read as JSON. */
function chosen(
  question: Extract<OpenAsk['body'], { kind: 'question' }>['question'],
  words: string,
): Answer['answer'] {
  const option = /^\d+$/.test(words) ? question.options?.[Number(words) - 1] : undefined
  if (option) return option.label
  const { schema } = question
  const isText = !schema || typeof schema !== 'object' || !('type' in schema)
  if (isText || schema.type === 'string') return words
  try {
    return JSON.parse(words)
  } catch {
    return words
  }
}

function split(words: string): { first: string; rest: string } {
  const [first = '', ...rest] = words.trim().split(/[\s,]+/)
  return { first: first.toLowerCase(), rest: rest.join(' ') }
}

/** Where input is a pipe, nobody reads what is asked. Only what was allowed before may happen. */
export function nobodysAnswer(ask: OpenAsk, yes: boolean): Answer {
  if (ask.body.kind === 'question')
    return { answer: 'Nobody is there to answer. Go on without an answer.' }
  if (ask.body.kind === 'approval' && yes) return { allow: true }
  return { allow: false, reason: 'Nobody is there to ask.' }
}
