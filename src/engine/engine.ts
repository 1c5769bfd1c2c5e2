/**
 * Makes it happen: takes commands, makes them durable, moves threads on, and tells whoever follows.
 * Knows no dialect.
 */

import type { Event } from '../kernel/event.ts'
import { Fault } from '../kernel/fault.ts'
import type { Grant } from '../kernel/policy.ts'
import type {
  Engine,
  Idempotency,
  NewThread,
  Reading,
  Receipt,
  Request,
  SubmitOptions,
} from '../kernel/ports.ts'
import { emptyThread, fold, isDue, type Thread } from '../kernel/thread.ts'
import type { Context, EngineDeps } from './context.ts'
import { Drivers } from './drivers.ts'
import { eraseThread } from './erasure.ts'
import { FirstWords } from './first-words.ts'
import { Grants } from './grants.ts'
import { Leases } from './leases.ts'
import { Listeners } from './listeners.ts'
import { type LiveThread, milestones } from './live.ts'
import { Readers } from './readers.ts'
import { Reception } from './reception.ts'
import { Round } from './round.ts'
import { Threads } from './threads.ts'

export interface RunningEngine extends Engine {
  /** Takes up everything that is due. Resolves when the first look is done. */
  start(): Promise<void>
  /** Ends streams first, then lets steps settle for a bounded time, then lets go of the leases. */
  close(): Promise<void>
}

export function createEngine(deps: EngineDeps): RunningEngine {
  return new DurableEngine(deps)
}

class DurableEngine implements RunningEngine {
  readonly store: Engine['store']
  readonly models: Engine['models']
  readonly catalog: Engine['catalog']
  readonly toolbox: Engine['toolbox']
  readonly endpoints: Engine['endpoints']
  readonly sandbox: Engine['sandbox']
  #deps: EngineDeps
  #threads: Threads
  #readers: Readers
  #leases: Leases
  #grants: Grants
  #drivers: Drivers
  #timer: NodeJS.Timeout | null = null
  #sweeper: NodeJS.Timeout | null = null
  #renewing: Round
  #seeking: Round
  #waking: Round
  /** More threads were due than could be driven. */
  #isStarved = false
  #isClosed = false
  #stops: (() => void)[] = []
  #appended = 0
  #listeners: Listeners
  #reception: Reception
  #firstWords: FirstWords

  constructor(deps: EngineDeps) {
    const { store, models, catalog, toolbox, clock, settings, log } = deps
    this.#deps = deps
    this.store = store
    this.models = models
    this.catalog = catalog
    this.toolbox = toolbox
    this.endpoints = deps.endpoints
    this.sandbox = deps.sandbox
    this.#threads = new Threads({
      store,
      clock,
      appending: (live, thread) => {
        if (isDue(thread) && this.#drivers.room > 0) this.#leases.anticipate(live)
      },
      committed: (live, events) => this.#committed(live, events),
      heard: (live, events) => this.#heard(live, events),
      fenced: (live) => this.#leases.lose(live),
    })
    this.#readers = new Readers(store, (err) => log.error({ err }, 'a reader broke'))
    this.#leases = new Leases(store, settings, clock, (live) =>
      this.#drivers.abort(live.id, 'lost'),
    )
    this.#grants = new Grants(store, clock)
    this.#firstWords = new FirstWords(clock)
    this.#listeners = new Listeners(
      (id) => this.#threads.fresh(id),
      (err) => log.error({ err }, 'a listener broke'),
    )
    this.#reception = new Reception(deps, this.#threads, this.#grants)
    const context: Context = {
      ...deps,
      live: (id) => this.#threads.fresh(id),
      submit: (thread, request) => this.submit(thread, request),
      onAsks: (thread, listener) => this.#listeners.onAsks(thread, listener),
      runEnded: (thread, run, signal) => this.#listeners.runEnded(thread, run, signal),
      grants: (agent) => this.grants(agent),
    }
    this.#drivers = new Drivers(context, this.#leases, () => {
      if (this.#isStarved) this.#seeking.ask()
    })
    const round = (work: () => Promise<void>, text: string): Round =>
      new Round(work, (err) => log.error({ err }, text))
    this.#renewing = round(() => this.#renew(), 'leases could not be renewed')
    this.#seeking = round(() => this.#seek(), 'due threads could not be looked for')
    this.#waking = round(() => store.wake(), 'other workers could not be woken')
    this.#stops.push(
      store.onAdvance((thread, seq) => {
        // Most of what the others do concerns nobody here.
        if (this.#threads.peek(thread) === null && !this.#readers.isFollowed(thread)) return
        this.#advanced(thread, seq).catch((err) => log.warn({ err, thread }, 'cannot catch up'))
      }),
    )
  }

  async start(): Promise<void> {
    if (this.#isClosed) return
    const { store, settings } = this.#deps
    this.#stops.push(store.onWake(() => this.#seeking.ask()))
    this.#seeking.ask()
    await this.#seeking.settled()
    if (this.#isClosed) return
    const tick = (): void => {
      this.#renewing.ask()
      this.#seeking.ask()
    }
    this.#timer = setInterval(tick, Math.min(settings.pollMs, settings.leaseMs / 4))
    this.#timer.unref()
    this.#sweeper = setInterval(() => void this.#sweep(), SWEEP_MS)
    this.#sweeper.unref()
    void this.#sweep()
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#sweeper) clearInterval(this.#sweeper)
    this.#readers.end('shutdown')
    await this.#seeking.settled()
    // Leases are renewed and cancels are heard until the last step is done.
    await this.#drivers.stop(this.#deps.settings.drainMs)
    if (this.#timer) clearInterval(this.#timer)
    for (const stop of this.#stops) stop()
    await this.#renewing.settled()
    await this.#leases.releaseAll()
    this.#waking.ask()
    await this.#waking.settled()
  }

  // ---- commands ---------------------------------------------------------------------------

  openThread(thread: NewThread, options: { idempotency?: Idempotency } = {}): Promise<Thread> {
    return this.#reception.openThread(thread, options)
  }

  begin(
    thread: NewThread,
    request: Extract<Request, { do: 'submit' }>,
    options: SubmitOptions = {},
  ): Promise<Receipt> {
    return this.#reception.begin(thread, request, options)
  }

  submit(id: string, request: Request, options: SubmitOptions = {}): Promise<Receipt> {
    return this.#reception.submit(id, request, options)
  }

  recall(idempotency: Idempotency): Promise<Receipt | null> {
    return this.#reception.recall(idempotency)
  }

  async fork(id: string, seq: number | null, origin: NewThread['origin']): Promise<Thread> {
    const source = seq === null ? await this.thread(id) : await this.threadAt(id, seq)
    return this.#reception.fork(source, origin)
  }

  erase(id: string): Promise<void> {
    return eraseThread(
      {
        ...{ threads: this.#threads, reception: this.#reception, listeners: this.#listeners },
        ...{ drivers: this.#drivers, leases: this.#leases, readers: this.#readers },
        store: this.#deps.store,
      },
      id,
    )
  }

  // ---- reading ----------------------------------------------------------------------------

  async thread(id: string): Promise<Thread> {
    const live = await this.#threads.current(id)
    // What is being appended may be read from the store already: it counts here too.
    if (!live.isQuiet) await live.catchUp()
    return live.state
  }

  async threadAt(id: string, seq: number): Promise<Thread> {
    const now = await this.thread(id)
    if (seq >= now.seq) return now
    if (seq < 1) throw new Fault('invalid', `The log of the thread goes from 1 to ${now.seq}.`)
    let thread = emptyThread(id)
    while (thread.seq < seq) {
      const page = await this.store.read(id, thread.seq, 2_000)
      if (page.length === 0) break
      thread = fold(
        thread,
        page.filter((e) => e.seq <= seq),
      )
    }
    return thread
  }

  follow(reading: Reading): { close(): void } {
    if (this.#isClosed) {
      queueMicrotask(() => reading.ended?.('shutdown'))
      return { close: () => {} }
    }
    return this.#readers.follow(reading)
  }

  onCommit(listener: (events: Event[]) => void): () => void {
    return this.#listeners.onCommit(listener)
  }

  grants(agent: string): Promise<Grant[]> {
    return this.#grants.of(agent)
  }

  revoke(grant: Grant): Promise<void> {
    return this.#grants.revoke(grant)
  }

  stats(): Record<string, number> {
    return {
      threadsInMemory: this.#threads.count,
      activeRuns: this.#drivers.active,
      readers: this.#readers.count,
      leases: this.#leases.count,
      eventsAppended: this.#appended,
      ...this.#firstWords.stats,
    }
  }

  // ---- what follows from a commit ---------------------------------------------------------

  #committed(live: LiveThread, events: Event[]): void {
    this.#appended += events.length
    this.#readers.publish(live.id, events)
    this.#firstWords.hear(events)
    const told = milestones(events)
    if (told.length === 0) return
    this.#listeners.tell(told)
    for (const event of told) this.#react(live, event)
    for (const event of told) this.#conclude(live, event)
    if (!live.state.active && live.state.queue.length === 0) return
    if (!this.#drivers.poke(live) && isDue(live.state)) this.#waking.ask()
  }

  /** Another process appended this. */
  #heard(live: LiveThread, events: Event[]): void {
    this.#readers.publish(live.id, events)
    const told = milestones(events)
    for (const event of told) this.#react(live, event)
    if (told.some((e) => e.type === 'ask.settled')) this.#grants.forget()
    if (told.length > 0 && live.epoch !== null) this.#drivers.poke(live)
  }

  #react(live: LiveThread, event: Event): void {
    if (event.type === 'run.cancelling' && event.data.when === 'now')
      this.#drivers.abort(live.id, 'cancel')
    this.#listeners.hear(live.id, event)
    if (event.type === 'run.ended') this.#firstWords.end(event.run as string)
  }

  /** What only the process does that appended the event. */
  #conclude(live: LiveThread, { type, run, seq, at }: Event): void {
    if (type === 'run.ended') this.#packSoon(live, seq)
    if (type === 'run.created') this.#firstWords.begin(run as string, at)
  }

  /** The deltas of an ended run are rewritten in less space, when nobody is kept waiting by it. */
  #packSoon(live: LiveThread, seq: number): void {
    const timer = setTimeout(() => {
      if (this.#isClosed) return
      this.#deps.store.pack(live.id, seq).catch((err) => {
        if (!this.#isClosed) this.#deps.log.warn({ err, thread: live.id }, 'packing failed')
      })
    }, PACK_AFTER_MS)
    timer.unref()
  }

  // ---- other processes, and the clock -----------------------------------------------------

  /** Another process appended: whoever follows is told, and a cancel reaches the step at work. */
  async #advanced(thread: string, seq: number): Promise<void> {
    if (seq === 0) return this.#erased(thread)
    const live = await this.#threads.peek(thread)
    // Who neither drives nor waits reads the log when something is wanted of the thread.
    if (!live || !this.#isMinded(live)) this.#readers.advance(thread, seq)
    else if (live.state.seq < seq) await live.catchUp()
  }

  #isMinded({ id, epoch }: LiveThread): boolean {
    return epoch !== null || this.#listeners.isWatched(id) || this.#readers.isFollowed(id)
  }

  async #erased(thread: string): Promise<void> {
    this.#readers.end('erased', thread)
    const live = await this.#threads.peek(thread)
    if (!live) return
    live.retire()
    this.#leases.lose(live)
    this.#threads.forget(thread)
    this.#listeners.gone(thread)
  }

  /** Forgets the answers of requests that nobody repeats any more. */
  async #sweep(): Promise<void> {
    try {
      await this.store.dropExpired(this.#deps.clock())
    } catch (err) {
      if (!this.#isClosed) this.#deps.log.warn({ err }, 'old answers could not be forgotten')
    }
  }

  async #renew(): Promise<void> {
    const { settings, clock } = this.#deps
    await this.#leases.renew()
    await this.#threads.rest(
      clock() - settings.restMs,
      // Who waits for a thread must hear what becomes of it, by whosever hand.
      ({ id }) => this.#drivers.isDriving(id) || this.#listeners.isWatched(id),
      (live) => this.#leases.release(live),
    )
  }

  /** Takes up due threads, but no more than can be driven: the others may have room. */
  async #seek(): Promise<void> {
    for (;;) {
      const limit = Math.min(CLAIM, this.#drivers.room)
      this.#isStarved = limit === 0
      if (limit === 0 || this.#isClosed) return
      const claimed = await this.#leases.claim(limit, (id) => this.#open(id))
      for (const live of claimed) if (live) this.#drivers.poke(live)
      if (claimed.length < limit) return
    }
  }

  /** A thread as the log has it now; null, and said so, when it cannot be read. */
  async #open(id: string): Promise<LiveThread | null> {
    try {
      const wasThere = this.#threads.peek(id) !== null
      const live = await this.#threads.get(id)
      if (wasThere) await live.catchUp()
      return live
    } catch (err) {
      this.#deps.log.error({ err, thread: id }, 'a thread could not be read')
      return null
    }
  }
}

const CLAIM = 200
const PACK_AFTER_MS = 250

const SWEEP_MS = 3_600_000
