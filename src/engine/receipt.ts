/** What a command came to, and what is kept of a request with an idempotency key. */

import type { Command } from '../kernel/command.ts'
import type { Event } from '../kernel/event.ts'
import type { Json } from '../kernel/part.ts'
import type { Document, Idempotency, Receipt } from '../kernel/ports.ts'
import type { Committed } from './batch.ts'

export interface Kept {
  hash: string
  receipt: Receipt
  at: number
}

/** Nobody repeats a request after that. */
const KEEP_ANSWERS_MS = 7 * 24 * 3_600_000

export const keptAs = ({ key, hash }: Idempotency, receipt: Receipt, at: number): Document => {
  const kept: Kept = { hash, receipt, at }
  const expiresAt = at + KEEP_ANSWERS_MS
  return { kind: 'idempotency', key, body: kept as unknown as Json, expiresAt }
}

export function receiptOf(command: Command, { thread, events }: Committed): Receipt {
  const base = { thread: thread.id, seq: thread.seq, position: null, replayed: false }
  const created = events.find(isCreated)
  if (created?.run) {
    const place = thread.queue.findIndex((r) => r.id === created.run)
    // With nothing active, the head of the queue is about to begin.
    const position = thread.active ? place + 1 : place
    const delivery = position === 0 ? 'started' : 'queued'
    return { ...base, run: created.run, delivery, position: position || null }
  }
  const delivery = events.some(isSteered) ? 'steered' : 'done'
  const run = events.find((e) => e.run !== null)?.run ?? runOf(command) ?? null
  return { ...base, run, delivery }
}

const isCreated = (event: Event): boolean => event.type === 'run.created'

const isSteered = (event: Event): boolean => event.type === 'run.steered'

const runOf = (command: Command): string | undefined => ('run' in command ? command.run : undefined)
