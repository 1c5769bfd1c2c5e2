/** What every route of this dialect works with. */

import type { Origin } from '../../kernel/event.ts'
import type { Json } from '../../kernel/part.ts'
import type { Engine, Principal } from '../../kernel/ports.ts'
import type { Thread } from '../../kernel/thread.ts'
import type { Journal, Reckoning } from './journal.ts'

export interface OwnwareSettings {
  version: string
  /** Epoch milliseconds. */
  startedAt: number
  now(): number
}

export interface Context {
  engine: Engine
  settings: OwnwareSettings
  journal: Journal
}

export const originOf = (principal: Principal, hints?: Json): Origin => ({
  dialect: 'ownware',
  principal: principal.id,
  ...(hints === undefined ? {} : { hints }),
})

export const reckon = ({ journal }: Context, thread: Pick<Thread, 'id' | 'seq'>) =>
  journal.reckon(thread.id, thread.seq) satisfies Promise<Reckoning>
