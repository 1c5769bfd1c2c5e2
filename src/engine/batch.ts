/**
 * One append in the making: everything that waits for it, each part decided on the state that the
 * parts before it lead to. Deltas need no state to be decided on, so none is folded for them until
 * somebody wants it: a thousand streams at a time live by that.
 */

import { type Draft, type Event, isDelta } from '../kernel/event.ts'
import { Fault } from '../kernel/fault.ts'
import type { Append } from '../kernel/ports.ts'
import { type Rows, rowsOf } from '../kernel/rows.ts'
import { fold, type Thread } from '../kernel/thread.ts'

export type Decision = (thread: Thread, at: number) => Draft[] | Fault

/** What is written with the facts, worked out from them. */
export type Documents = (committed: Committed) => Append['documents']

export interface Committed {
  /** The facts this decision added. */
  events: Event[]
  /** The thread right after them. */
  thread: Thread
}

/** Something that waits to be appended. */
export interface Item {
  decide: Decision
  /** Set for a lone delta, which may still grow; then there is nothing to decide. */
  delta: Draft | null
  documents: Documents
  /** Brings a document that must be new: stands alone, so that its refusal harms nobody. */
  isLone: boolean
  /** Needs the lease: the driver's own facts. */
  isDriver: boolean
  maxRuns: number | null
  resolve(committed: Committed): void
  reject(error: unknown): void
}

/** The log as far as it is known, which the batch goes behind. */
export interface Footing {
  id: string
  seq: number
  /** Folded when it is asked for. */
  state(): Thread
}

export class Batch {
  readonly events: Event[] = []
  readonly documents: Append['documents'] = []
  /** Items that took part, for another try. */
  readonly items: Item[] = []
  /** Items that did not, each with the reason. */
  readonly refused: [item: Item, error: unknown][] = []
  /** A command was refused or found nothing to do: is that so by the newest state? */
  isDoubtful = false
  readonly #footing: Footing
  readonly #at: number
  readonly #done: (() => void)[] = []
  #thread: Thread | null = null
  /** How many of the events the thread has seen. */
  #folded = 0

  constructor(footing: Footing, at: number) {
    this.#footing = footing
    this.#at = at
  }

  /** The state after everything in it. */
  get thread(): Thread {
    this.#thread = fold(this.#thread ?? this.#footing.state(), this.events.slice(this.#folded))
    this.#folded = this.events.length
    return this.#thread
  }

  /** Nothing but deltas: there is no state yet, and no rows. */
  get isSpeech(): boolean {
    return this.#thread === null
  }

  get seq(): number {
    return this.#footing.seq + this.events.length
  }

  refuse(item: Item, error: unknown): void {
    this.refused.push([item, error])
  }

  take(item: Item): void {
    if (item.delta) this.#add([item.delta])
    else if (!this.#decide(item)) return
    this.items.push(item)
  }

  /** False when the decision was a refusal. */
  #decide(item: Item): boolean {
    const before = this.events.length
    try {
      const drafts = item.decide(this.thread, this.#at)
      if (drafts instanceof Fault) throw drafts
      this.#add(drafts)
      const committed = { events: this.events.slice(before), thread: this.thread }
      this.documents.push(...item.documents(committed))
      this.#done.push(() => item.resolve(committed))
    } catch (error) {
      this.#undo(before)
      this.refuse(item, error)
      if (!item.isDriver) this.isDoubtful = true
      return false
    }
    if (this.events.length === before && !item.isDriver) this.isDoubtful = true
    return true
  }

  #add(drafts: Draft[]): void {
    for (const { type, run, data } of drafts) {
      const event = { thread: this.#footing.id, seq: this.seq + 1, at: this.#at, type, run, data }
      this.events.push(event as Event)
    }
  }

  /** What a broken decision has left. */
  #undo(length: number): void {
    this.events.length = length
    if (this.#folded <= length) return
    this.#thread = null
    this.#folded = 0
  }

  /** Null for deltas alone. Several events that rows are made of are each looked at in its own state. */
  rows(): Rows | null {
    const count = this.events.filter((e) => !isDelta(e.type)).length
    if (count === 0) return null
    return rowsOf(this.thread, this.events, count > 1 ? this.#footing.state() : undefined)
  }

  /** It is in the log: whoever waits is told. */
  finish(): void {
    for (const done of this.#done) done()
  }
}
