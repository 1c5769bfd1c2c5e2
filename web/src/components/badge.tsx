/** Small words with a colour: the API something came from, and how it stands. */

import type { ReactNode } from 'react'

export type Tone = 'plain' | 'accent' | 'good' | 'warn' | 'bad'

const TONES: Record<Tone, string> = {
  plain: 'bg-sunk text-soft border-line',
  accent: 'bg-accent-soft text-accent border-transparent',
  good: 'bg-good-soft text-good border-transparent',
  warn: 'bg-warn-soft text-warn border-transparent',
  bad: 'bg-bad-soft text-bad border-transparent',
}

export const Badge = ({ tone = 'plain', children }: { tone?: Tone; children: ReactNode }) => (
  <span
    className={`inline-flex items-center rounded border px-1.5 text-xs leading-5 font-medium whitespace-nowrap ${TONES[tone]}`}
  >
    {children}
  </span>
)

const STATUS: Record<string, Tone> = {
  running: 'accent',
  waiting: 'warn',
  queued: 'plain',
  cancelling: 'warn',
  completed: 'good',
  failed: 'bad',
  cancelled: 'plain',
  idle: 'plain',
}

const DOTS: Record<Tone, string> = {
  plain: 'bg-faint',
  accent: 'bg-accent animate-pulse',
  good: 'bg-good',
  warn: 'bg-warn',
  bad: 'bg-bad',
}

/** How a thread or run stands: a dot and the word. */
export function Status({ status }: { status: string }) {
  const tone = STATUS[status] ?? 'plain'
  return (
    <span className="inline-flex items-center gap-1.5 text-xs whitespace-nowrap text-soft">
      <span aria-hidden="true" className={`size-2 rounded-full ${DOTS[tone]}`} />
      {status}
    </span>
  )
}

/** The API that something came through. */
export const DialectBadge = ({ dialect }: { dialect: string }) => <Badge>{dialect}</Badge>
