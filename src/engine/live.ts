/**
 * One thread while somebody works on it: its fold, and the only way its log grows. Everything that
 * is appended goes through one queue, so that each decision is made on the state it will be
 * applied to; what piles up while a commit is in flight becomes one commit.
 */

import { type Draft, type Event, isDelta, merge } from '../kernel/event.ts'
import { Fault } from '../kernel/fault.ts'
import type { Append, Store } from '../kernel/ports.ts'
import { emptyThread, fold, type Thread } from '../kernel/thread.ts'
import { Batch, type Committed, type Decision, type Documents, type Item } from './batch.ts'

/** Somebody else has the thread now; whoever holds this must stop at once. */
export class Fenced extends Error {
  constructor(thread: string) {
    super(`another worker has taken over the thread ${thread}`)
    this.name = 'Fenced'
  }
}

export interface CommitOptions {
  documents?: Documents
  isLone?: boolean
  /** Runs are made only while the account has fewer open ones. Such a decision stands alone. */
  maxRuns?: number | undefined
  isDriver?: boolean
}

const NONE: Documents = () => []

export interface LiveDeps {
  store: Store
  clock(): number
  /** An append is on its way that leads to this state. */
  appending(live: LiveThread, thread: Thread): void
  /** After the commit, before anybody is answered. */
  committed(live: LiveThread, events: Event[]): void
  /** After events were read that another process has appended. */
  heard(live: LiveThread, events: Event[]): void
  /** An append was refused because another worker has the lease. */
  fenced(live: LiveThread): void
}

const PAGE = 2_000

/** Deltas that wait to be folded at most. */
const UNFOLDED = 1_000

export class LiveThread {
  readonly id: string
  #state: Thread
  /** Deltas that are in the log and that no fold has seen yet. */
  #unfolded: Event[] = []
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
    if (this.#unfolded.length > 0) this.#state = fold(this.#state, this.#unfolded.splice(0))
    return this.#state
  }

  /** The last seq of the log, as far as it is known. */
  get seq(): number {
    return this.#state.seq + this.#unfolded.length
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
    const events = await this.#deps.store.read(this.id, this.seq, PAGE)
    this.#take(events)
    return events
  }

  #take(events: Event[]): void {
    this.#state = fold(this.state, events)
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
      decide: () => [],
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
    batch.finish()
    return []
  }

  /** One append; gives back what must be tried again on a newer state. */
  async #append(first: Batch): Promise<Item[]> {
    let batch = first
    const after = this.seq
    const appended = this.#deps.store.append(this.#appendOf(batch), (missed) => {
      const fresh = missed.filter((e) => e.seq > this.seq)
      this.#take(fresh)
      if (fresh.length > 0) this.#deps.heard(this, fresh)
      batch = this.#decide(first.items)
      const isSame = batch.refused.length === 0 && batch.events.length > 0
      return isSame ? this.#appendOf(batch) : null
    })
    if (!batch.isSpeech) this.#deps.appending(this, batch.thread)
    const refusal = await appended
    switch (refusal) {
      case null:
        this.#advance(batch)
        this.#deps.committed(this, batch.events)
        batch.finish()
        return []
      case 'version':
        await this.#read()
        // Refused, and yet nothing new: the log that was known is not there any more.
        if (this.seq === after) this.retire()
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

  #advance(batch: Batch): void {
    if (!batch.isSpeech) this.#state = batch.thread
    else this.#unfolded.push(...batch.events)
    if (this.#unfolded.length > UNFOLDED) this.#state = this.state
  }

  #appendOf(batch: Batch): Append {
    const { events, items, documents } = batch
    const maxRuns = items[0]?.maxRuns ?? null
    const isCounted = maxRuns !== null && events.some((e) => e.type === 'run.created')
    return {
      thread: this.id,
      after: this.seq,
      epoch: items.some((i) => i.isDriver) ? this.#epoch : null,
      events,
      rows: batch.rows(),
      documents,
      ...(isCounted ? { admission: { account: batch.thread.account, maxRuns } } : {}),
    }
  }

  #decide(items: Item[]): Batch {
    // A clock that is set back does not turn time around within a thread.
    const at = Math.max(this.#deps.clock(), this.#lastAt)
    this.#lastAt = at
    const batch = new Batch({ id: this.id, seq: this.seq, state: () => this.state }, at)
    for (const item of items) {
      if (item.isDriver && (this.#epoch === null || this.isLost))
        batch.refuse(item, new Fenced(this.id))
      else if (this.#isRetired)
        batch.refuse(item, new Fault('not_found', `There is no thread ${this.id}.`))
      else batch.take(item)
    }
    return batch
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
