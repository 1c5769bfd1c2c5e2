/** The state of the fold as a list of facts, each with what it was before the event. Pure. */

import { count, money, tokensOf } from '../components/figure.ts'
import type { Fold } from './moment.ts'

export interface Fact {
  name: string
  value: string
  /** Null: the event did not change it. */
  before: string | null
}

const FACTS: [name: string, of: (fold: Fold) => string][] = [
  ['Thread', (f) => f.status],
  ['Run', (f) => (f.active ? `${f.active.id.slice(-8)} ${f.active.status}` : 'none')],
  ['Turn', turnOf],
  ['Said in this turn', (f) => `${charsOf(f)} characters`],
  ['Calls', callsOf],
  [
    'Waits for',
    (f) => (f.asks.length === 0 ? 'nobody' : f.asks.map((a) => a.body.kind).join(', ')),
  ],
  ['Queue', (f) => String(f.queue.length)],
  ['Messages', (f) => String(f.totalMessages)],
  ['Context', (f) => `${count(f.contextTokens)} tokens`],
  ['Used', (f) => `${count(spent(f).tokens)} tokens · ${money(spent(f).costUsd)}`],
  ['Agent', (f) => `${f.agent}${f.model ? ` · ${f.model}` : ''}`],
  ['Title', (f) => f.title ?? 'none'],
]

export const factsOf = (after: Fold, before: Fold | null): Fact[] =>
  FACTS.map(([name, of]) => {
    const value = of(after)
    const earlier = before === null ? null : of(before)
    return { name, value, before: earlier === value ? null : earlier }
  })

function turnOf({ active }: Fold): string {
  const turn = active?.turn
  if (!turn) return 'none'
  return `${turn.index} ${turn.phase}${turn.attempt > 1 ? `, attempt ${turn.attempt}` : ''}`
}

const charsOf = ({ active }: Fold): number =>
  (active?.turn?.parts ?? []).reduce((sum, p) => sum + (p.kind === 'call' ? 0 : p.text.length), 0)

function callsOf({ active }: Fold): string {
  const calls = active?.turn?.calls ?? []
  if (calls.length === 0) return 'none'
  return calls
    .map((c) => `${c.tool} ${c.outcome ?? (c.startedAt === null ? 'to do' : 'running')}`)
    .join(', ')
}

/** The thread's own total counts a run when it has ended. */
function spent({ usage, active }: Fold): { tokens: number; costUsd: number | null } {
  if (!active) return { tokens: tokensOf(usage), costUsd: usage.costUsd }
  const isKnown = usage.costUsd !== null && active.usage.costUsd !== null
  return {
    tokens: tokensOf(usage) + tokensOf(active.usage),
    costUsd: isKnown ? (usage.costUsd as number) + (active.usage.costUsd as number) : null,
  }
}

/** The words of the turn as they stand. */
export const saidIn = ({ active }: Fold): string =>
  (active?.turn?.parts ?? []).map((p) => (p.kind === 'call' ? `[${p.tool}]` : p.text)).join('\n')
