/** The vocabulary in families, so that a log can be looked over: where an event stands, and its gist. */

import type { Event, EventOf, EventType, InputPart } from '../api/types.ts'

export const FAMILIES = ['thread', 'run', 'turn', 'words', 'tools', 'asks', 'context'] as const
export type Family = (typeof FAMILIES)[number]

/** By the noun that a type begins with; one that is not known here is still a fact of the thread. */
const NOUNS: Record<string, Family> = {
  thread: 'thread',
  run: 'run',
  turn: 'turn',
  text: 'words',
  thinking: 'words',
  call: 'words',
  tool: 'tools',
  hook: 'tools',
  child: 'tools',
  ask: 'asks',
  context: 'context',
  note: 'context',
}

const CHILD_ASKS = ['child.asked', 'child.settled']

export const familyOf = (type: string): Family =>
  CHILD_ASKS.includes(type) ? 'asks' : (NOUNS[type.split('.', 1)[0] as string] ?? 'thread')

export const isDelta = (type: string): boolean =>
  type.endsWith('.delta') || type === 'tool.progressed'

export const FILL: Record<Family, string> = {
  thread: 'var(--faint)',
  run: 'var(--accent)',
  turn: 'var(--soft)',
  words: 'var(--good)',
  tools: 'var(--warn)',
  asks: 'var(--bad)',
  context: 'var(--edge)',
}

const inputOf = (input: InputPart[]): string =>
  input.map((p) => (p.kind === 'text' ? p.text : `[${p.kind}]`)).join(' ')

type Gist = { [T in EventType]?: (data: EventOf<T>['data']) => string }

const GIST: Gist = {
  'thread.opened': (d) => d.agent,
  'thread.changed': ({ origin: _, ...changed }) => JSON.stringify(changed),
  'thread.rewound': (d) => d.reason,
  'run.created': (d) => inputOf(d.input),
  'run.edited': (d) => inputOf(d.input),
  'run.moved': (d) => `to place ${d.place}`,
  'run.started': (d) => d.model,
  'run.steered': (d) => inputOf(d.input),
  'run.cancelling': (d) => d.reason ?? d.when,
  'run.switched': (d) => `${d.from} to ${d.agent}`,
  'run.ended': (d) => d.trouble?.message ?? `${d.outcome} · ${d.stop}`,
  'turn.started': (d) => `turn ${d.turn}${d.attempt > 1 ? `, attempt ${d.attempt}` : ''}`,
  'turn.answered': (d) => `${d.stop} · ${d.usage.inputTokens} in, ${d.usage.outputTokens} out`,
  'turn.interrupted': (d) => d.trouble?.message ?? d.cause,
  'turn.ended': (d) => `turn ${d.turn}`,
  'text.delta': (d) => d.text,
  'thinking.delta': (d) => d.text,
  'call.begun': (d) => d.tool,
  'call.delta': (d) => d.text,
  'tool.started': (d) => d.tool,
  'tool.progressed': (d) => d.text,
  'tool.ended': (d) => `${d.tool} ${d.outcome} · ${d.output}`,
  'hook.ended': (d) => `${d.hook} ${d.outcome}${d.reason ? ` · ${d.reason}` : ''}`,
  'child.started': (d) => `${d.name}: ${d.task}`,
  'child.ended': (d) => `${d.outcome} · ${d.output}`,
  'child.asked': (d) => d.body.kind,
  'child.settled': (d) => d.how,
  'ask.opened': (d) => askGist(d.body),
  'ask.settled': (d) => d.how,
  'context.compacting': (d) => `${d.tokens} tokens`,
  'context.compacted': (d) => `${d.tokensBefore} to ${d.tokensAfter} tokens`,
  'context.uncompacted': (d) => d.trouble?.message ?? d.reason,
  note: (d) => d.text,
}

function askGist(body: EventOf<'ask.opened'>['data']['body']): string {
  if (body.kind === 'question') return body.question.text
  if (body.kind === 'limit') return `spent $${body.spentUsd} of $${body.limitUsd}`
  return body.calls.map((c) => `${c.tool} ${c.subject}`).join(', ')
}

/** One line of what an event says; '' for a type that is not known. */
export function gistOf({ type, data }: Event): string {
  const gist = GIST[type] as ((data: unknown) => string) | undefined
  return gist ? gist(data).slice(0, 300) : ''
}
