/**
 * One thread while somebody works on it: its fold, and the only way its log grows. Everything that
 * is appended goes through one queue, so that each decision is made on the state it will be
 * applied to; what piles up while a commit is in flight becomes one commit.
 */

import { type Draft, type Event, isDelta, merge } from '../kernel/event.ts'
import { Fault } from '../kernel/fault.ts'
import type { Append, Store } from '../kernel/ports.ts'
import { type Rows, rowsOf } from '../kernel/rows.ts'
import { emptyThread, evolve, type Thread } from '../kernel/thread.ts'

/** Somebody else has the thread now; whoever holds this must stop at once. */
export class Fenced extends Error {
  constructor(thread: string) {
    super(`another worker has taken over the thread ${thread}`)
    this.name = 'Fenced'
  }
}

export type Decision = (thread: Thread, at: number) => Draft[] | Fault

/** What is written with the facts, worked out from them. */
export type Documents = (committed: Committed) => Append['documents']

export interface CommitOptions {
  documents?: Documents
  isLone?: boolean
  /** Runs are made only while the account has fewer open ones. Such a decision stands alone. */
  maxRuns?: number | undefined
  isDriver?: boolean
}

const NONE: Documents = () => []

export interface Committed {
  /** The facts this decision added. */
  events: Event[]
  /** The thread right after them. */
  thread: Thread
}

interface Item {
  decide: Decision
  /** Set for a lone delta, which may still grow. */
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

interface Batch {
  events: Event[]
  documents: Append['documents']
  thread: Thread
  done: (() => void)[]
  /** Items that took part, for another try. */
  items: Item[]
  /** Items that did not, each with the reason. */
  refused: [item: Item, error: unknown][]
  /** A command was refused or found nothing to do: is that so by the newest state? */
  isDoubtful: boolean
}

export interface LiveDeps {
  store: Store
  clock(): number
  /** After the commit, before anybody is answered. */
  committed(live: LiveThread, events: Event[]): void
  /** After events were read that another process has appended. */
  heard(live: LiveThread, events: Event[]): void
  /** An append was refused because another worker has the lease. */
  fenced(live: LiveThread): void
}

const PAGE = 2_000

export class LiveThread {
  readonly id: string
  #state: Thread
  #deps: LiveDeps
  #queue: Item[] = []
  #flushing = false
  #idle: (() => void)[] = []
  #lastAt = 0
  #behind: { resolve(): void; reject(error: unknown): void }[] = []
  #isRetired = false
  /** Set while this process has the lease. */
  #epoch: number | null = null
  /** The lease was lost under a drive that has not ended yet. What it still says does not count. */
  #isVoid = false
  /** When somebody last wanted something of it. */
  usedAt: number

  constructor(id: string, deps: LiveDeps) {
    this.id = id
    this.#deps = deps
    this.#state = emptyThread(id)
    this.usedAt = deps.clock()
  }

  get state(): Thread {
    return this.#state
  }

  get isQuiet(): boolean {
    return !this.#flushing && this.#queue.length === 0
  }

  /** The thread is gone from the store, or about to go. */
  get isRetired(): boolean {
    return this.#isRetired
  }

  /** From now on nothing is appended any more. */
  retire(): void {
    this.#isRetired = true
  }

  get epoch(): number | null {
    return this.#epoch
  }

  /** This process has the lease from now on. */
  hold(epoch: number): void {
    this.#epoch = epoch
  }

  /** The lease was given back. */
  release(): void {
    this.#epoch = null
  }

  /** The lease is somebody else's. Whoever drives on it is told so by all it still tries to say. */
  lose(): void {
    this.#epoch = null
    this.#isVoid = true
  }

  /** A new drive begins; the one before has ended. */
  beginDrive(): void {
    this.#isVoid = false
  }

  /** The drive that is going on has no say any more. */
  get isLost(): boolean {
    return this.#isVoid || this.#isRetired
  }

  /** Folds the log from the beginning; nobody is told. To be done before the thread is used. */
  async load(): Promise<void> {
    for (let length = PAGE; length >= PAGE; ) length = (await this.#readPage()).length
  }

  /**
   * Takes in what other processes have appended up to now. It has its turn among the appends, so
   * that the state never goes back.
   */
  catchUp(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#behind.push({ resolve, reject })
      if (!this.#flushing) void this.#flush()
    })
  }

  /** Returns whether there was anything. */
  async #read(): Promise<boolean> {
    let isNew = false
    for (;;) {
      const events = await this.#readPage()
      if (events.length > 0) this.#deps.heard(this, events)
      isNew ||= events.length > 0
      if (events.length < PAGE) return isNew
    }
  }

  async #readPage(): Promise<Event[]> {
    const events = await this.#deps.store.read(this.id, this.#state.seq, PAGE)
    this.#take(events)
    return events
  }

  #take(events: Event[]): void {
    this.#state = events.reduce(evolve, this.#state)
    this.#lastAt = Math.max(this.#lastAt, events.at(-1)?.at ?? 0)
  }

  /** Appends what the decision says of the state it will be applied to. Rejects with its Fault. */
  commit(decide: Decision, options: CommitOptions = {}): Promise<Committed> {
    return new Promise((resolve, reject) => {
      const { documents = NONE, isDriver = false, maxRuns = null } = options
      const isLone = options.isLone === true || maxRuns !== null
      this.#enqueue({ decide, delta: null, documents, isLone, isDriver, maxRuns, resolve, reject })
    })
  }

  /** Appends a delta soon. It may be told in one breath with others of the same part. */
  say(delta: Draft, onError: (error: unknown) => void): void {
    const last = this.#queue.at(-1)
    const merged = last?.delta ? merge(last.delta, delta) : null
    if (last && merged) {
      last.delta = merged
      return
    }
    const item: Item = {
      delta,
      decide: () => (item.delta ? [item.delta] : []),
      documents: NONE,
      isLone: false,
      isDriver: true,
      maxRuns: null,
      resolve: () => {},
      reject: onError,
    }
    this.#enqueue(item)
  }

  /** Resolves when nothing waits to be written any more. */
  settled(): Promise<void> {
    return this.isQuiet ? Promise.resolve() : new Promise((done) => this.#idle.push(done))
  }

  #enqueue(item: Item): void {
    this.usedAt = this.#deps.clock()
    this.#queue.push(item)
    if (!this.#flushing) void this.#flush()
  }

  async #flush(): Promise<void> {
    this.#flushing = true
    while (this.#queue.length > 0 || this.#behind.length > 0) {
      if (this.#behind.length > 0) await this.#catchUp(this.#behind.splice(0))
      else await this.#write(this.#next())
    }
    this.#flushing = false
    for (const done of this.#idle.splice(0)) done()
  }

  async #catchUp(waiting: { resolve(): void; reject(error: unknown): void }[]): Promise<void> {
    try {
      await this.#read()
      for (const { resolve } of waiting) resolve()
    } catch (error) {
      for (const { reject } of waiting) reject(error)
    }
  }

  /** All that waits, up to an item that stands alone. */
  #next(): Item[] {
    const lone = this.#queue.findIndex((i) => i.isLone)
    if (lone < 0) return this.#queue.splice(0)
    return this.#queue.splice(0, Math.max(1, lone))
  }

  async #write(items: Item[]): Promise<void> {
    let rest = items
    try {
      while (rest.length > 0) {
        let batch = this.#decide(rest)
        // A command is refused only by the log as it is now: another process may have changed it.
        if (batch.isDoubtful && (await this.#read())) batch = this.#decide(rest)
        for (const [item, error] of batch.refused) item.reject(error)
        rest = batch.events.length === 0 ? await this.#note(batch) : await this.#append(batch)
      }
    } catch (error) {
      for (const item of rest) item.reject(error)
    }
  }

  /** The log stays as it is; a request that changed nothing is remembered all the same. */
  async #note(batch: Batch): Promise<Item[]> {
    const { store } = this.#deps
    for (const { ifAbsent, ...document } of batch.documents) {
      if (!ifAbsent) await store.put(document)
      else if (!(await store.putNew(document))) return refuse(batch.items, doneAlready())
    }
    return this.#finish(batch)
  }

  /** One append; gives back what must be tried again on a newer state. */
  async #append(first: Batch): Promise<Item[]> {
    let batch = first
    const after = this.#state.seq
    const refusal = await this.#deps.store.append(this.#appendOf(batch), (missed) => {
      const fresh = missed.filter((e) => e.seq > this.#state.seq)
      this.#take(fresh)
      if (fresh.length > 0) this.#deps.heard(this, fresh)
      batch = this.#decide(first.items)
      const isSame = batch.refused.length === 0 && batch.events.length > 0
      return isSame ? this.#appendOf(batch) : null
    })
    switch (refusal) {
      case null:
        this.#state = batch.thread
        this.#deps.committed(this, batch.events)
        return this.#finish(batch)
      case 'version':
        await this.#read()
        // Refused, and yet nothing new: the log that was known is not there any more.
        if (this.#state.seq === after) this.retire()
        return first.items
      case 'fenced':
        this.lose()
        this.#deps.fenced(this)
        return first.items
      case 'exists':
        return refuse(first.items, doneAlready())
      case 'limited':
        return refuse(first.items, tooManyRuns(first.items))
    }
  }

  #appendOf({ events, thread, items, documents }: Batch): Append {
    const maxRuns = items[0]?.maxRuns ?? null
    const isCounted = maxRuns !== null && events.some((e) => e.type === 'run.created')
    return {
      thread: this.id,
      after: this.#state.seq,
      epoch: items.some((i) => i.isDriver) ? this.#epoch : null,
      events,
      rows: this.#rowsOf(thread, events),
      documents,
      ...(isCounted ? { admission: { account: thread.account, maxRuns } } : {}),
    }
  }

  /** Several events that rows are made of must each be looked at in its own state. */
  #rowsOf(thread: Thread, events: readonly Event[]): Rows | null {
    const count = milestones(events).length
    return count === 0 ? null : rowsOf(thread, events, count > 1 ? this.#state : undefined)
  }

  #finish(batch: Batch): Item[] {
    for (const done of batch.done) done()
    return []
  }

  #decide(items: Item[]): Batch {
    // A clock that is set back does not turn time around within a thread.
    const at = Math.max(this.#deps.clock(), this.#lastAt)
    this.#lastAt = at
    const batch: Batch = {
      events: [],
      documents: [],
      thread: this.#state,
      done: [],
      items: [],
      refused: [],
      isDoubtful: false,
    }
    for (const item of items) {
      if (item.isDriver && (this.#epoch === null || this.isLost))
        batch.refused.push([item, new Fenced(this.id)])
      else if (this.#isRetired)
        batch.refused.push([item, new Fault('not_found', `There is no thread ${this.id}.`)])
      else this.#decideOne(item, batch, at)
    }
    return batch
  }

  #decideOne(item: Item, batch: Batch, at: number): void {
    const events: Event[] = []
    let thread = batch.thread
    try {
      const drafts = item.decide(thread, at)
      if (drafts instanceof Fault) throw drafts
      for (const d of drafts) {
        const event = { thread: this.id, seq: thread.seq + 1, at, ...d } as Event
        thread = evolve(thread, event)
        events.push(event)
      }
    } catch (error) {
      batch.refused.push([item, error])
      if (!item.isDriver) batch.isDoubtful = true
      return
    }
    if (events.length === 0 && !item.isDriver) batch.isDoubtful = true
    batch.thread = thread
    batch.events.push(...events)
    batch.documents.push(...item.documents({ events, thread }))
    batch.items.push(item)
    batch.done.push(() => item.resolve({ events, thread }))
  }
}

function refuse(items: Item[], fault: Fault): Item[] {
  for (const item of items) item.reject(fault)
  return []
}

const doneAlready = (): Fault => new Fault('duplicate', 'This was done already.')

const tooManyRuns = (items: Item[]): Fault => {
  const limit = items[0]?.maxRuns ?? 0
  const message = `No more than ${limit} runs of an account may be open. Wait until one has ended.`
  return new Fault('limited', message, { openRuns: true, limit })
}

/** Milestones of a list of events: everything but the deltas. */
export const milestones = (events: readonly Event[]): Event[] =>
  events.filter((e) => !isDelta(e.type))
