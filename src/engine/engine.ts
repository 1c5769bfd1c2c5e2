/**
 * Makes it happen: takes commands, makes them durable, moves threads on, and tells whoever follows.
 * Knows no dialect.
 */

import type { Command, CommandOf } from '../kernel/command.ts'
import { decide } from '../kernel/decide.ts'
import { type Draft, type Event, isDelta } from '../kernel/event.ts'
import { Fault } from '../kernel/fault.ts'
import type { Json } from '../kernel/part.ts'
import type { Grant } from '../kernel/policy.ts'
import type {
  Document,
  Engine,
  Idempotency,
  NewThread,
  Reading,
  Receipt,
  Request,
} from '../kernel/ports.ts'
import type { ChildAsk } from '../kernel/run.ts'
import { emptyThread, evolve, fold, historyOf, isDue, type Thread } from '../kernel/thread.ts'
import type { AskEvent, Context, EngineDeps } from './context.ts'
import { Drivers } from './driver.ts'
import { Grants } from './grants.ts'
import { Leases } from './leases.ts'
import { type Committed, type Decision, type LiveThread, milestones } from './live.ts'
import { Readers } from './readers.ts'
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

type Options = { idempotency?: Idempotency; remember?: boolean }

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
  #listeners = new Set<(events: Event[]) => void>()
  #ended = new Map<string, Set<() => void>>()
  #askListeners = new Map<string, Set<(event: AskEvent) => void>>()
  /** Threads that somebody here waits for, by the number of those who do. */
  #watched = new Map<string, number>()
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
  /** Runs that have said nothing yet, by the time of their submit. */
  #unheard = new Map<string, number>()
  #firstWords = { count: 0, ms: 0 }

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
      committed: (live, events) => this.#committed(live, events),
      heard: (live, events) => this.#heard(live, events),
      fenced: (live) => this.#leases.lose(live),
    })
    this.#readers = new Readers(store, (err) => log.error({ err }, 'a reader broke'))
    this.#leases = new Leases(store, settings, clock, (live) =>
      this.#drivers.abort(live.id, 'lost'),
    )
    this.#grants = new Grants(store, clock)
    const context: Context = {
      ...deps,
      live: (id) => this.#fresh(id),
      submit: (thread, request) => this.submit(thread, request),
      onAsks: (thread, listener) => this.#onAsks(thread, listener),
      runEnded: (thread, run, signal) => this.#runEnded(thread, run, signal),
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

  async openThread(thread: NewThread): Promise<Thread> {
    const live = this.#threads.create(this.#deps.newId())
    return (await this.#commit(live, [this.#openCommand(thread)], null)).thread
  }

  async begin(
    thread: NewThread,
    request: Extract<Request, { do: 'submit' }>,
    options: Options = {},
  ): Promise<Receipt> {
    return this.#once(options.idempotency, () => {
      const live = this.#threads.create(this.#deps.newId())
      return this.#execute(live, [this.#openCommand(thread), this.#name(request)], options)
    })
  }

  async submit(id: string, request: Request, options: Options = {}): Promise<Receipt> {
    return this.#once(options.idempotency, async () => {
      if (request.do === 'answer') return this.#answer(await this.#current(id), request, options)
      return this.#execute(await this.#known(id), [this.#name(request)], options)
    })
  }

  /** An answer reaches the asks of the thread's children too: a person need not know whose they are. */
  async #answer(
    live: LiveThread,
    request: CommandOf<'answer'>,
    options: Options,
  ): Promise<Receipt> {
    const children = (live.state.active?.childAsks ?? []).filter((a) => concerns(request, a))
    const isOwn = (live.state.active?.asks ?? []).length > 0
    const receipts: Receipt[] = []
    for (const { thread, ask } of children)
      receipts.push(await this.submit(thread, { ...request, ask }, { remember: options.remember }))
    if (
      receipts.length > 0 &&
      !(isOwn && request.ask === undefined && request.call === undefined)
    ) {
      const receipt = { ...(receipts.at(-1) as Receipt), thread: live.id, seq: live.state.seq }
      if (options.idempotency) await this.store.put(this.#kept(options.idempotency, receipt))
      return receipt
    }
    return this.#execute(live, [request], options)
  }

  async recall(idempotency: Idempotency): Promise<Receipt | null> {
    const kept = (await this.store.get('idempotency', idempotency.key)) as Kept | null
    if (!kept) return null
    if (kept.hash === idempotency.hash) return { ...kept.receipt, replayed: true }
    throw new Fault(
      'duplicate',
      'This idempotency key was used for another request. Use a new key.',
    )
  }

  async fork(id: string, seq: number | null, origin: NewThread['origin']): Promise<Thread> {
    const source = seq === null ? await this.thread(id) : await this.threadAt(id, seq)
    const live = this.#threads.create(this.#deps.newId())
    const { agent, model, workspace, account, policy, title } = source
    const open: CommandOf<'open'> = {
      do: 'open',
      agent,
      model,
      workspace,
      account,
      policy,
      title: title === null ? null : `${title} (fork)`,
      parent: null,
      forkedFrom: { thread: id, seq: source.seq },
      history: historyOf(source),
      origin,
    }
    return (await this.#commit(live, [open], null)).thread
  }

  async erase(id: string): Promise<void> {
    const live = await this.#current(id)
    await this.#endAll(live)
    // Whoever comes from here on finds the thread gone; nothing is made any more that could be left.
    live.retire()
    await this.#drivers.leave(id, ERASE_MS)
    await live.settled()
    await this.#eraseChildren(id)
    await this.#leases.release(live)
    await this.#deps.store.erase(id)
    this.#threads.forget(id)
    this.#readers.end('erased', id)
  }

  async #eraseChildren(id: string): Promise<void> {
    const query = { parentThread: id, offset: 0 }
    const { total } = await this.store.threads({ ...query, limit: 0 })
    const { items } = await this.store.threads({ ...query, limit: total })
    for (const child of items)
      await this.erase(child.id).catch((error) => {
        if (!(error instanceof Fault)) throw error
      })
  }

  async #endAll(live: LiveThread): Promise<void> {
    const { active, queue } = live.state
    if (!active && queue.length === 0) return
    const origin = { dialect: 'engine', principal: 'engine' }
    const command = {
      do: 'cancel',
      reason: 'the thread is erased',
      when: 'now',
      queue: 'drop',
      origin,
    } as const
    await this.#commit(live, [command], null).catch((error) => {
      if (!(error instanceof Fault)) throw error
    })
    const going = live.state.active
    if (going) await this.#runEnded(live.id, going.id, AbortSignal.timeout(ERASE_MS))
  }

  #openCommand(thread: NewThread): CommandOf<'open'> {
    const { settings } = this.#deps
    return {
      do: 'open',
      agent: thread.agent,
      model: thread.model ?? null,
      title: thread.title ?? null,
      workspace: thread.workspace ?? settings.workspace,
      account: thread.account,
      policy: thread.policy ?? null,
      parent: null,
      forkedFrom: null,
      history: [],
      origin: thread.origin,
    }
  }

  /** Gives the command the id it lacks. */
  #name(request: Request): Command {
    switch (request.do) {
      case 'submit':
      case 'compact':
      case 'retry':
        return { ...request, run: request.run ?? this.#deps.newId() }
      case 'steer':
        return { ...request, id: request.id ?? this.#deps.newId() }
      default:
        return request
    }
  }

  async #once(
    idempotency: Idempotency | undefined,
    act: () => Promise<Receipt> | Receipt,
  ): Promise<Receipt> {
    if (!idempotency) return act()
    const earlier = await this.recall(idempotency)
    if (earlier) return earlier
    try {
      return await act()
    } catch (error) {
      // Somebody was quicker with the same key: theirs is the answer.
      if (!(error instanceof Fault) || error.code !== 'duplicate') throw error
      const answer = await this.recall(idempotency)
      if (!answer) throw error
      return answer
    }
  }

  async #execute(live: LiveThread, commands: Command[], options: Options): Promise<Receipt> {
    const command = commands.at(-1) as Command
    const grants = options.remember ? await this.#toRemember(live.state, command) : []
    const committed = await this.#commit(live, commands, options.idempotency ?? null, grants)
    if (grants.length > 0) this.#grants.forget()
    return receiptOf(command, committed)
  }

  /** Grants for the calls that the answer allows. */
  async #toRemember(thread: Thread, command: Command): Promise<Document[]> {
    if (command.do !== 'answer') return []
    const settled = decide(thread, command)
    if (settled instanceof Fault || !thread.active) return []
    const name = thread.active.agent ?? thread.agent
    const agent = this.catalog.agent(name)
    const { tools } = agent ? await this.toolbox.open(agent) : { tools: [] }
    const allowed = new Set(settled.flatMap(allowedCalls))
    return thread.active.asks
      .flatMap((a) => (a.body.kind === 'approval' ? a.body.calls : []))
      .filter((c) => allowed.has(c.call))
      .map((c) => {
        const pattern = tools.find((t) => t.name === c.tool)?.grant(c.input) ?? null
        return this.#grants.document({ agent: name, tool: c.tool, pattern })
      })
  }

  #commit(
    live: LiveThread,
    commands: Command[],
    idempotency: Idempotency | null,
    documents: Document[] = [],
  ): Promise<Committed> {
    const command = commands.at(-1) as Command
    return live.commit(decideAll(commands), {
      isLone: idempotency !== null,
      documents: (committed) => {
        if (!idempotency) return documents
        const kept = this.#kept(idempotency, receiptOf(command, committed))
        return [...documents, { ...kept, ifAbsent: true }]
      },
    })
  }

  #kept({ key, hash }: Idempotency, receipt: Receipt): Document {
    const kept: Kept = { hash, receipt, at: this.#deps.clock() }
    return { kind: 'idempotency', key, body: kept as unknown as Json }
  }

  // ---- reading ----------------------------------------------------------------------------

  async thread(id: string): Promise<Thread> {
    return (await this.#current(id)).state
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
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  grants(agent: string): Promise<Grant[]> {
    return this.#grants.of(agent)
  }

  stats(): Record<string, number> {
    return {
      threadsInMemory: this.#threads.count,
      activeRuns: this.#drivers.active,
      readers: this.#readers.count,
      leases: this.#leases.count,
      eventsAppended: this.#appended,
      firstWords: this.#firstWords.count,
      firstWordsWaitMs: this.#firstWords.ms,
    }
  }

  // ---- what follows from a commit ---------------------------------------------------------

  async #known(id: string): Promise<LiveThread> {
    // A thread is one object in memory: who only asks whether it exists makes none.
    const isThere = this.#threads.peek(id) !== null || (await this.store.thread(id)) !== null
    const live = isThere ? await this.#threads.get(id) : null
    if (live && live.state.seq > 0 && !live.isRetired) return live
    throw new Fault('not_found', `There is no thread ${id}.`)
  }

  /** As of now: a thread that this process does not drive may have been moved on by another. */
  async #current(
    id: string,
    open = (thread: string): Promise<LiveThread> => this.#known(thread),
  ): Promise<LiveThread> {
    const wasThere = this.#threads.peek(id) !== null
    const live = await open(id)
    if (wasThere && live.epoch === null) await live.catchUp()
    return live
  }

  /** The same for a thread that need not exist yet. */
  #fresh(id: string): Promise<LiveThread> {
    return this.#current(id, (thread) => this.#threads.get(thread))
  }

  #committed(live: LiveThread, events: Event[]): void {
    this.#appended += events.length
    this.#readers.publish(live.id, events)
    if (this.#unheard.size > 0) this.#hearFirst(events)
    const told = milestones(events)
    if (told.length === 0) return
    for (const listener of this.#listeners) this.#tell(listener, told)
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

  #hearFirst(events: Event[]): void {
    for (const { type, run } of events) {
      const since = run === null || !isDelta(type) ? undefined : this.#unheard.get(run)
      if (run === null || since === undefined) continue
      this.#unheard.delete(run)
      this.#firstWords.count++
      this.#firstWords.ms += this.#deps.clock() - since
    }
  }

  #tell(listener: (events: Event[]) => void, events: Event[]): void {
    try {
      listener(events)
    } catch (err) {
      this.#deps.log.error({ err }, 'a listener broke')
    }
  }

  #react(live: LiveThread, event: Event): void {
    if (event.type === 'run.cancelling' && event.data.when === 'now')
      this.#drivers.abort(live.id, 'cancel')
    if (isAskEvent(event)) for (const tell of this.#askListeners.get(live.id) ?? []) tell(event)
    if (event.type !== 'run.ended') return
    this.#unheard.delete(event.run as string)
    for (const wake of this.#ended.get(event.run as string) ?? []) wake()
  }

  /** What only the process does that appended the event. */
  #conclude(live: LiveThread, { type, run, seq, at }: Event): void {
    if (type === 'run.ended') this.#packSoon(live, seq)
    const isCounted = type === 'run.created' && this.#unheard.size < UNHEARD_LIMIT
    if (isCounted) this.#unheard.set(run as string, at)
  }

  /** The deltas of an ended run are rewritten in less space, when nobody is kept waiting by it. */
  #packSoon(live: LiveThread, seq: number): void {
    const timer = setTimeout(() => {
      if (this.#isClosed) return
      this.#deps.store
        .pack(live.id, seq)
        .catch((err) => this.#deps.log.warn({ err, thread: live.id }, 'packing failed'))
    }, PACK_AFTER_MS)
    timer.unref()
  }

  #onAsks(thread: string, listener: (event: AskEvent) => void): () => void {
    const listeners = this.#askListeners.get(thread) ?? new Set()
    this.#askListeners.set(thread, listeners.add(listener))
    const leave = this.#watch(thread)
    return () => {
      leave()
      listeners.delete(listener)
      if (listeners.size === 0) this.#askListeners.delete(thread)
    }
  }

  /** The thread stays in memory and up to date, wherever it is driven. Returns how to let it go. */
  #watch(thread: string): () => void {
    this.#watched.set(thread, (this.#watched.get(thread) ?? 0) + 1)
    return () => {
      const left = (this.#watched.get(thread) ?? 1) - 1
      if (left > 0) this.#watched.set(thread, left)
      else this.#watched.delete(thread)
    }
  }

  async #runEnded(thread: string, run: string, signal: AbortSignal): Promise<void> {
    const leave = this.#watch(thread)
    try {
      const { active, queue } = (await this.#fresh(thread)).state
      const isOpen = active?.id === run || queue.some((r) => r.id === run)
      if (isOpen && !signal.aborted) await this.#endOf(run, signal)
    } finally {
      leave()
    }
  }

  #endOf(run: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wakers = this.#ended.get(run) ?? new Set()
      this.#ended.set(run, wakers)
      const done = (): void => {
        wakers.delete(done)
        if (wakers.size === 0) this.#ended.delete(run)
        signal.removeEventListener('abort', done)
        resolve()
      }
      wakers.add(done)
      signal.addEventListener('abort', done, { once: true })
    })
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
    return epoch !== null || this.#watched.has(id) || this.#readers.isFollowed(id)
  }

  async #erased(thread: string): Promise<void> {
    this.#readers.end('erased', thread)
    const live = await this.#threads.peek(thread)
    if (!live) return
    live.retire()
    this.#leases.lose(live)
    this.#threads.forget(thread)
  }

  /** Forgets the answers of requests that nobody repeats any more. */
  async #sweep(): Promise<void> {
    try {
      const before = this.#deps.clock() - KEEP_ANSWERS_MS
      for (const { key, body } of await this.store.list('idempotency'))
        if ((body as unknown as Kept).at < before) await this.store.drop('idempotency', key)
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
      ({ id }) => this.#drivers.isDriving(id) || this.#watched.has(id),
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

/** Does the answer mean this ask of a child? One that names nothing means all. */
function concerns({ ask, call }: CommandOf<'answer'>, child: ChildAsk): boolean {
  if (ask !== undefined) return ask === child.ask
  if (call === undefined) return true
  if (child.body.kind === 'question') return child.body.call === call
  return 'calls' in child.body && child.body.calls.some((c) => c.call === call)
}

const isAskEvent = (event: Event): event is AskEvent =>
  event.type === 'ask.opened' ||
  event.type === 'ask.settled' ||
  event.type === 'child.asked' ||
  event.type === 'child.settled'

const CLAIM = 200
const UNHEARD_LIMIT = 10_000
const PACK_AFTER_MS = 250

/** How long the work of a thread that is erased may take to stop. */
const ERASE_MS = 10_000

const SWEEP_MS = 3_600_000
const KEEP_ANSWERS_MS = 7 * 24 * 3_600_000

/** What is kept of a request with an idempotency key. */
interface Kept {
  hash: string
  receipt: Receipt
  at: number
}

/** Several commands as one decision: all of them, or the Fault of the first that is refused. */
function decideAll(commands: Command[]): Decision {
  return (thread, at) => {
    const drafts: Draft[] = []
    let state = thread
    for (const command of commands) {
      const decided = decide(state, command)
      if (decided instanceof Fault) return decided
      drafts.push(...decided)
      state = advance(state, decided, at)
    }
    return drafts
  }
}

function advance(thread: Thread, drafts: Draft[], at: number): Thread {
  return drafts.reduce(
    (state, d) => evolve(state, { thread: state.id, seq: state.seq + 1, at, ...d } as Event),
    thread,
  )
}

const allowedCalls = (d: Draft): string[] =>
  d.type === 'ask.settled'
    ? Object.entries(d.data.rulings).flatMap(([call, r]) => (r.allow ? [call] : []))
    : []

function receiptOf(command: Command, { thread, events }: Committed): Receipt {
  const base = { thread: thread.id, seq: thread.seq, position: null, replayed: false }
  const created = events.find((e) => e.type === 'run.created')
  if (created?.run) {
    const place = thread.queue.findIndex((r) => r.id === created.run)
    // With nothing active, the head of the queue is about to begin.
    const position = thread.active ? place + 1 : place
    const delivery = position === 0 ? 'started' : 'queued'
    return { ...base, run: created.run, delivery, position: position || null }
  }
  const delivery = events.some((e) => e.type === 'run.steered') ? 'steered' : 'done'
  const run = events.find((e) => e.run !== null)?.run ?? runOf(command) ?? null
  return { ...base, run, delivery }
}

const runOf = (command: Command): string | undefined => ('run' in command ? command.run : undefined)
