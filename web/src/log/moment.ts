/** One moment of a log: fetched when the person has settled on it, kept for when they come back. */

import { useEffect, useRef, useState } from 'react'
import { api, Refusal } from '../api/client.ts'
import type { AskView, Event, Message, QueueEntry, Usage } from '../api/types.ts'

/** What the fold knows; only what the page shows of it. */
export interface Fold {
  status: string
  title: string | null
  agent: string
  model: string | null
  runs: number
  usage: Usage
  contextTokens: number
  totalMessages: number
  queue: QueueEntry[]
  asks: AskView[]
  summary: { text: string } | null
  active: {
    id: string
    kind: string
    status: string
    turns: number
    usage: Usage
    steers: { id: string }[]
    turn: {
      index: number
      attempt: number
      phase: string
      parts: ({ kind: 'text' | 'thinking'; text: string } | { kind: 'call'; tool: string })[]
      calls: { call: string; tool: string; outcome: string | null; startedAt: number | null }[]
    } | null
  } | null
  messages: Message[]
}

export interface Frame {
  text: string
  bytes: number
  isCut: boolean
}

export interface Spoken {
  dialect: string
  stream: string
  carrier: 'sse' | 'socket'
  frames: Frame[]
}

export interface Moment {
  event: Event
  before: Fold | null
  after: Fold
  dialects: Spoken[]
}

const SETTLE_MS = 70
const MOST_KEPT = 200

const kept = new Map<string, Moment>()

interface Shown {
  moment: Moment | null
  error: Refusal | null
  /** What is shown is of another event. */
  isStale: boolean
}

/** While the next is on its way the one before stays, so that nothing jumps. */
export function useMoment(thread: string, seq: number | null): Shown {
  const key = `${thread}/${seq}`
  const [held, setHeld] = useState<{ key: string; moment: Moment | null; error: Refusal | null }>({
    ...{ key: '', moment: kept.get(key) ?? null, error: null },
  })
  const last = useRef(0)
  useEffect(() => {
    if (seq === null) return
    const known = kept.get(key)
    if (known) {
      setHeld({ key, moment: known, error: null })
      return
    }
    const control = new AbortController()
    // The first look is at once; only a hand that keeps moving has to wait.
    const wait = Date.now() - last.current < 150 ? SETTLE_MS : 0
    last.current = Date.now()
    const timer = setTimeout(() => {
      const path = `/threads/${encodeURIComponent(thread)}/moments/${seq}`
      api.get<Moment>(path, {}, { signal: control.signal }).then(
        (moment) => {
          keep(key, moment)
          setHeld({ key, moment, error: null })
        },
        (error: unknown) => {
          if (control.signal.aborted) return
          const refusal =
            error instanceof Refusal ? error : new Refusal('unknown', String(error), 0)
          setHeld((before) => ({ key, moment: before.moment, error: refusal }))
        },
      )
    }, wait)
    return () => {
      clearTimeout(timer)
      control.abort()
    }
  }, [thread, seq, key])
  return { moment: held.moment, error: held.error, isStale: held.key !== key }
}

function keep(key: string, moment: Moment): void {
  kept.set(key, moment)
  const oldest = kept.keys().next().value
  if (kept.size > MOST_KEPT && oldest !== undefined) kept.delete(oldest)
}
