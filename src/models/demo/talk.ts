/**
 * The demo model's conversation: fixed answers to plain words, and the truth about what it is. The
 * same transcript always gets the same answer.
 */

import type { Message } from '../../kernel/part.ts'
import type { ToolFace } from '../../kernel/ports.ts'
import { wordsOf } from '../transcript.ts'
import { sumOf } from './arithmetic.ts'
import { proseOf } from './prose.ts'

const WHAT_I_AM =
  'I am the demo model built into Manifold. I am not a language model: I answer a few plain words by fixed rules, and I call tools when a request has a form that I know. Set a key such as ANTHROPIC_API_KEY or OPENAI_API_KEY, or start Ollama, and a real model can take my place.'

const EXAMPLES: Record<string, string> = {
  list: '"list the files"',
  read: '"read notes.txt"',
  write: '"write hello to a.txt"',
  edit: '"replace hello with goodbye in a.txt"',
  shell: '"run date"',
  grep: '"search for TODO"',
  glob: '"find *.md"',
  web_fetch: '"fetch https://example.com"',
  ask_user: '"ask me a question"',
  todo: '"make a todo list: milk, bread", or "make a plan"',
  task: '"give the task \'list the files\' to a helper"',
  skill: '"use skill NAME"',
}

export function helpOf(tools: readonly ToolFace[]): string {
  const names = new Set(tools.map((t) => t.name))
  const known = Object.entries(EXAMPLES).filter(([name]) => names.has(name))
  const further = tools.filter((t) => !(t.name in EXAMPLES)).map((t) => `\`${t.name}\``)
  const lines = known.map(([name, example]) => `- ${example} (\`${name}\`)`)
  const calls =
    lines.length > 0
      ? `With this agent's tools you can say:\n${lines.join('\n')}`
      : 'This agent has no tools that I know.'
  const more =
    further.length > 0
      ? `\nOther tools I call by name, as in "call tool ${further[0]?.slice(1, -1)} with {}": ${further.join(', ')}.`
      : ''
  return `${calls}${more}\nI also do sums, tell the time, "count to 100" and "tell me a long story", which is handy for trying to stop me.`
}

/** `text` is the last thing the person said. */
export function answerTo(
  text: string,
  messages: readonly Message[],
  tools: readonly ToolFace[],
): string {
  const plain = text.trim()
  const at = messages.findLast((m) => m.role === 'user')?.at ?? 0
  for (const [form, answer] of TALK) {
    const match = form.exec(plain)
    if (match) return answer({ match, messages, tools, at })
  }
  const sum = sumOf(plain)
  if (sum)
    return `${sum.sum} = ${Number.isFinite(sum.value) ? Number(sum.value.toPrecision(12)) : 'not a number'}`
  return (
    proseOf(plain) ??
    `I am only the demo model and no language model, so I have no answer to "${short(plain)}". Say "help" for what I can do.`
  )
}

interface Talk {
  match: RegExpExecArray
  messages: readonly Message[]
  tools: readonly ToolFace[]
  /** When the person said it, epoch ms: going on with an answer must not change the time in it. */
  at: number
}

const TALK: [RegExp, (talk: Talk) => string][] = [
  [/^$/, () => 'You said nothing that I can read. Say "help" for what I can do.'],
  [
    /\b(?:who|what)\s+(?:are|r)\s+(?:you|u)\b|\bare you (?:an? )?(?:real|ai|human|bot|llm|language model|gpt|claude|model)\b|\bwhat model\b|\bintroduce yourself\b/i,
    () => WHAT_I_AM,
  ],
  [
    /^(?:help|\?|commands)\b|\bwhat (?:can|do) you (?:do|know)\b|\bhow (?:do|can) i use you\b|\bwhat tools\b/i,
    ({ tools }) => `${WHAT_I_AM}\n\n${helpOf(tools)}`,
  ],
  [
    /^my name is\s+([\p{L}\p{N}' -]{1,40})|^(?:i am|i'm) called\s+([\p{L}\p{N}' -]{1,40})/iu,
    ({ match }) => `Hello ${(match[1] ?? match[2] ?? '').trim()}! Say "help" for what I can do.`,
  ],
  [/\bwhat(?:'s| is) my name\b|\bwho am i\b/i, ({ messages }) => nameAnswer(messages)],
  [
    /^(?:hello|hi|hey|good (?:morning|evening|afternoon|day)|greetings|howdy|moin|servus)\b/i,
    () => 'Hello! I am the demo model of this server. Say "help" for what I can do.',
  ],
  [/^how are you\b/i, () => 'I run as I was written, thank you. What can I do for you?'],
  [/\b(?:thanks|thank you|thx|cheers)\b/i, () => 'You are welcome.'],
  [/^(?:bye|goodbye|good night|see you)\b/i, () => 'Goodbye!'],
  [
    /\bwhat(?:'s| is)?\s+(?:the\s+)?time\b|\bwhat time\b|^time\??$/i,
    ({ at }) => `When you asked it was ${new Date(at).toISOString().slice(11, 16)} UTC.`,
  ],
  [
    /\bwhat(?:'s| is)?\s+(?:the\s+)?(?:date|day)\b|\btoday'?s date\b|^date\??$/i,
    ({ at }) => `When you asked it was ${dayOf(at)} (UTC).`,
  ],
  [
    /^(?:say|repeat|echo)(?: after me)?\s*:?\s+(?!something long)([\s\S]+)$/i,
    ({ match }) => (match[1] ?? '').replace(/^(["'`])([\s\S]*)\1$/, '$2'),
  ],
  [
    /\bwhat did i (?:just )?(?:say|ask)\b/i,
    ({ messages }) => {
      const before = messages.filter((m) => m.role === 'user').at(-2)
      return before
        ? `Before this you said: ${wordsOf(before)}`
        : 'This is the first thing you said.'
    },
  ],
]

function nameAnswer(messages: readonly Message[]): string {
  const told = messages.filter((m) => m.role === 'user').map(wordsOf)
  const name = told
    .findLast((t) => /^my name is\s/i.test(t.trim()))
    ?.trim()
    .slice('my name is '.length)
    .slice(0, 40)
  return name
    ? `You said that your name is ${name.replace(/[.!]+$/, '')}.`
    : 'You did not tell me your name.'
}

function dayOf(at: number): string {
  const format = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeZone: 'UTC' })
  return format.format(new Date(at))
}

const short = (text: string): string => {
  const line = text.replace(/\s+/g, ' ')
  return line.length > 80 ? `${line.slice(0, 80)}...` : line
}
