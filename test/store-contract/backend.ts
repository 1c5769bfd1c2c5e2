/** A kind of store under test. Each test gets a place of its own, which is gone after the test. */

import { onTestFinished } from 'vitest'
import type { Store } from '../../src/kernel/ports.ts'

export interface Place {
  store: Store
  /** Opens the place once more: on SQLite after the store was closed, on PostgreSQL at any time. */
  open(): Promise<Store>
  /** What another process needs to open it; see appender.ts. */
  address: Address
}

export type Address =
  | { kind: 'sqlite'; folder: string }
  | { kind: 'postgres'; url: string; schema: string }

export interface Backend {
  name: string
  /** May two stores have the same place at the same time? */
  isShared: boolean
  place(): Promise<Place>
}

/** Closes a store when the test ends, also one that the test has closed itself. */
export function closing(store: Store): Store {
  onTestFinished(() => store.close().catch(() => {}))
  return store
}
