/**
 * Moves threads on: take the lease, fold, ask `next`, do that one step, again. A thread whose
 * server died is driven by the very same loop; there is no other recovery.
 */

import { decide } from '../kernel/decide.ts'
import { draft, type Trouble } from '../kernel/event.ts'
import { Fault } from '../kernel/fault.ts'
import { next, type Step, workedMs } from '../kernel/next.ts'
import { isLeft } from '../kernel/run.ts'
import { endRun, unwind } from '../kernel/unwind.ts'
import { NO_USAGE } from '../kernel/usage.ts'
import { type AbortReason, activeRun, type Context, unlessCancelled, type Work } from './context.ts'
import { Fenced, type LiveThread } from './live.ts'
import { performLimit, performQuestion, performRecovery, performRule } from './perform/asks.ts'
import { performCall } from './perform/call.ts'
import { endChildren, performChildren } from './perform/child.ts'
import { performCompaction } from './perform/compaction.ts'
import { performHooks } from './perform/hooks.ts'
import { performAnswer, performModel } from './perform/model.ts'
import { type Begun, performStart } from './perform/start.ts'
import { performTools, reapCalls } from './perform/tools.ts'
import { type Equipment, equip, rulesFor } from './rules.ts'

/** How long a step that was told to stop is waited for; one that does not listen is left behind. */
const DEAF_MS = 2_000

/** How often at most the time of a step is looked at. */
const LOOK_MS = 20

interface Drive {
  live: LiveThread
  abort: AbortController
  /** Something was appended by somebody else since `next` was asked. */
  isPoked: boolean
  /** It only waits for others, which have drives of their own. */
  isWatching: boolean
  finished: Promise<void>
}

/** What a drive must know of its lease. */
interface Licence {
  /** True when the thread is this process's to drive. */
  acquire(live: LiveThread): Promise<boolean>
  /** The same, by the word of the store. */
  confirm(live: LiveThread): Promise<boolean>
}

/** How long a thread rests when the store does not answer. */
const AWAY_MS = 1_000

export class Drivers {
  #context: Context
  #licence: Licence
  /** Told when a drive has ended. */
  #freed: () => void
  #drives = new Map<string, Drive>()
  #waiting = new Set<string>()
  #timers = new Map<string, NodeJS.Timeout>()
  #isStopping = false

  constructor(context: Context, licence: Licence, freed: () => void) {
    this.#context = context
    this.#licence = licence
    this.#freed = freed
  }

  get active(): number {
    return this.#drives.size
  }

  isDriving(thread: string): boolean {
    return this.#drives.has(thread)
  }

  /** How many more threads can be driven. */
  get room(): number {
    const { maxActive, drives } = this.#context.settings
    return drives ? Math.max(0, maxActive - this.#drives.size - this.#waiting.size) : 0
  }

  /**
   * Something may be owed to the thread. Cheap; may be said too often. False when it has to wait, so
   * that another process may be quicker. Children never wait: their parents do, and hold a place.
   */
  poke(live: LiveThread): boolean {
    if (this.#isStopping || !this.#context.settings.drives) return false
    const drive = this.#drives.get(live.id)
    if (drive) {
      drive.isPoked = true
      return true
    }
    const isFull = this.#drives.size >= this.#context.settings.maxActive
    if (isFull && live.state.parent === null) {
      this.#waiting.add(live.id)
      return false
    }
    this.#begin(live)
    return true
  }

  /** Stops the step that is going on in the thread. */
  abort(thread: string, reason: AbortReason): void {
    this.#drives.get(thread)?.abort.abort(reason)
  }

  /** Nothing more is done in the thread; resolves when what was going on has stopped. */
  async leave(thread: string, withinMs: number): Promise<void> {
    const drive = this.#drives.get(thread)
    clearTimeout(this.#timers.get(thread))
    this.#timers.delete(thread)
    if (!drive) return
    drive.abort.abort('lost')
    await soon(drive.finished, withinMs)
  }

  /** No new step begins; what is going on may finish until `drainMs` have passed. */
  async stop(drainMs: number): Promise<void> {
    this.#isStopping = true
    for (const timer of this.#timers.values()) clearTimeout(timer)
    const all = [...this.#drives.values()]
    for (const drive of all) if (drive.isWatching) drive.abort.abort('shutdown')
    const cut = setTimeout(() => {
      for (const drive of all) drive.abort.abort('shutdown')
    }, drainMs)
    await soon(Promise.all(all.map((d) => d.finished)), drainMs + DEAF_MS)
    clearTimeout(cut)
  }

  #begin(live: LiveThread): void {
    clearTimeout(this.#timers.get(live.id))
    this.#timers.delete(live.id)
    const drive: Drive = {
      live,
      abort: new AbortController(),
      isPoked: false,
      isWatching: false,
      finished: Promise.resolve(),
    }
    this.#drives.set(live.id, drive)
    drive.finished = this.#run(drive)
  }

  async #run(drive: Drive): Promise<void> {
    const { live } = drive
    live.beginDrive()
    try {
      await this.#loop(drive)
    } catch (error) {
      await this.#failed(live, error)
    }
    // What an overtaken drive has left unsaid is refused before another one may begin.
    if (live.isLost) await live.settled()
    this.#drives.delete(live.id)
    if (drive.isPoked && !this.#isStopping && live.epoch !== null) this.#begin(live)
    this.#admitWaiting()
    this.#freed()
  }

  /** Who was overtaken, or is cut off from the store, stops quietly: the run goes on elsewhere, or later. */
  async #failed(live: LiveThread, error: unknown): Promise<void> {
    try {
      if (error instanceof Fenced) return
      if (isAway(error)) return this.#pause(live)
      // On a state that another process has moved on any step breaks.
      if (await this.#licence.confirm(live)) await this.#broken(live, error)
    } catch (err) {
      if (isAway(err)) this.#pause(live)
      else this.#context.log.error({ thread: live.id, err }, 'the run could not be ended')
    }
  }

  #pause(live: LiveThread): void {
    if (!this.#isStopping) this.#wakeAt(live.id, this.#context.clock() + AWAY_MS)
  }

  /** A bug in a step neither spins nor leaves a run that looks alive: the run fails, and says so. */
  async #broken(live: LiveThread, error: unknown): Promise<void> {
    this.#context.log.error({ thread: live.id, err: error }, 'a step broke')
    const trouble = { code: 'internal', message: 'The server made a mistake in this run.' }
    await failRun(this.#context, live, trouble)
  }

  #admitWaiting(): void {
    const [id] = this.#waiting
    if (id === undefined) return
    this.#waiting.delete(id)
    this.#wakeAt(id, 0)
  }

  async #loop(drive: Drive): Promise<void> {
    const { live } = drive
    while (!this.#isStopping && !live.isLost && (await this.#licence.acquire(live))) {
      drive.isPoked = false
      drive.isWatching = false
      const step = await this.#step(drive)
      if (step.do === 'wait' && step.until !== null) this.#wakeAt(live.id, step.until)
      if ((step.do === 'wait' || step.do === 'rest') && !drive.isPoked) return
    }
  }

  /** By name: the thread may have left memory and come back by then. */
  #wakeAt(id: string, until: number): void {
    if (this.#isStopping) return
    const delay = Math.max(0, Math.min(until - this.#context.clock(), 2 ** 30))
    clearTimeout(this.#timers.get(id))
    const timer = setTimeout(() => {
      this.#timers.delete(id)
      this.#context.live(id).then(
        (live) => this.poke(live),
        (err) => {
          this.#context.log.error({ thread: id, err }, 'a thread could not be read')
          if (isAway(err)) this.#wakeAt(id, this.#context.clock() + AWAY_MS)
          else this.#admitWaiting()
        },
      )
    }, delay)
    timer.unref()
    this.#timers.set(id, timer)
  }

  /** Asks what is owed, and does it. */
  async #step(drive: Drive): Promise<Step> {
    const { live } = drive
    drive.abort = new AbortController()
    const thread = live.state
    const run = thread.active
    if (!run) {
      const head = thread.queue[0]
      if (!head || this.#isStopping) return { do: 'rest' }
      const begun = await performStart(this.#context, live, head)
      if (begun) await this.#answer(drive, begun)
      return { do: 'start', run: head.id }
    }
    const equipment = await equip(this.#context, thread)
    if (!equipment) return this.#giveUp(live)
    // What came in while the tools were fetched counts.
    const step = next(live.state, await rulesFor(this.#context, live.state, equipment))
    if (this.#isStopping) return step
    if (takesUp(step) && isLeft(activeRun(live.state))) await recover(live)
    await this.#perform(drive, step, equipment)
    return step
  }

  #answer(drive: Drive, { equipment, opening }: Begun): Promise<void> {
    const work: Work = { ...equipment, live: drive.live, signal: drive.abort.signal }
    return this.#limited(drive, work, () => performAnswer(this.#context, work, opening))
  }

  async #giveUp(live: LiveThread): Promise<Step> {
    const { agent } = activeRun(live.state)
    const message = `The agent ${agent} is not in the catalog any more.`
    const trouble = { code: 'unknown_agent', message }
    await failRun(this.#context, live, trouble)
    return { do: 'end', outcome: 'failed', stop: 'error', trouble }
  }

  async #perform(drive: Drive, step: Step, equipment: Equipment): Promise<void> {
    const context = this.#context
    const { live } = drive
    const work: Work = { ...equipment, live, signal: drive.abort.signal }
    switch (step.do) {
      case 'start':
      case 'rest':
      case 'wait':
        return
      case 'mend':
        return mend(live)
      case 'model':
        return this.#limited(drive, work, () => performModel(context, work, step))
      case 'call':
        return performCall(work)
      case 'hooks':
        // Hooks have times of their own, and some are told that the time is over.
        return performHooks(context, work, step)
      case 'compact':
        return this.#limited(drive, work, () => performCompaction(context, work, step.by))
      case 'tools':
        return this.#limited(drive, work, () => performTools(context, work, step.calls))
      case 'child':
        drive.isWatching = true
        return this.#limited(drive, work, () => performChildren(context, work, step.calls))
      case 'rule':
        return performRule(context, work, step)
      case 'question':
        return performQuestion(context, work, step.call)
      case 'recover':
        return performRecovery(context, work, step)
      case 'limit':
        return performLimit(context, work, step.limitUsd)
      case 'expire':
        return expire(live, step.ask)
      case 'end-turn':
        return endTurn(live)
      case 'unwind':
        return this.#unwind(work)
      case 'end':
        return end(live, step)
      default:
        return step satisfies never
    }
  }

  /** A step ends when the run's working time is used up. */
  async #limited(drive: Drive, work: Work, perform: () => Promise<void>): Promise<void> {
    // A cancel may have been appended between the decision and the beginning of the step.
    if (activeRun(work.live.state).cancelling?.when === 'now') drive.abort.abort('cancel')
    const watch = this.#watch(drive, work.agent.limits.wallMs)
    try {
      await perform()
    } finally {
      watch.stop()
    }
  }

  /** Looks again when the time seems over: it stands still while a person is waited for. */
  #watch(drive: Drive, wallMs: number): { stop(): void } {
    let timer: NodeJS.Timeout | undefined
    const look = (): void => {
      const run = drive.live.state.active
      const left = run ? wallMs - workedMs(run, this.#context.clock()) : 0
      if (run?.waitingSince === null && left <= 0) drive.abort.abort('limit')
      else timer = setTimeout(look, Math.max(LOOK_MS, Math.min(left, 2 ** 30)))
    }
    const run = activeRun(drive.live.state)
    const left = wallMs - workedMs(run, this.#context.clock())
    timer = setTimeout(look, Math.max(0, Math.min(left, 2 ** 30)))
    return { stop: () => clearTimeout(timer) }
  }

  async #unwind(work: Work): Promise<void> {
    const run = activeRun(work.live.state)
    reapCalls(this.#context, run.turn?.calls ?? [])
    const ended = await endChildren(this.#context, work.live)
    await work.live.commit((t) => (t.active?.id === run.id ? unwind(t.active, ended) : []), {
      isDriver: true,
    })
  }
}

/** Waits for the work, but not for ever. */
async function soon(work: Promise<unknown>, withinMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, withinMs)
  })
  await Promise.race([work, late])
  clearTimeout(timer)
}

const isAway = (error: unknown): boolean => error instanceof Fault && error.code === 'unavailable'

/** Closes what is open and ends the active run as failed. */
async function failRun(context: Context, live: LiveThread, trouble: Trouble): Promise<void> {
  const run = live.state.active
  if (!run) return
  reapCalls(context, run.turn?.calls ?? [])
  const ended = await endChildren(context, live)
  await live.commit(
    ({ active }) => {
      if (active?.id !== run.id) return []
      return unwind(active, ended, { outcome: 'failed', stop: 'error', trouble })
    },
    { isDriver: true },
  )
}

/** Steps that go on with what has begun already. */
const takesUp = (step: Step): boolean =>
  step.do === 'tools' || step.do === 'child' || step.do === 'compact' || step.do === 'recover'

/** It is known when the run was taken up again: the time in which no server had it does not count. */
async function recover(live: LiveThread): Promise<void> {
  await live.commit(
    unlessCancelled(({ id }) => [draft('run.recovered', id, {})]),
    { isDriver: true },
  )
}

/** An answer that nobody listens to any more: the server that heard it is gone. */
async function mend(live: LiveThread): Promise<void> {
  await live.commit(
    (thread) => {
      const run = activeRun(thread)
      if (run.turn?.phase !== 'streaming') return []
      const { index: turn, attempt } = run.turn
      const data = { turn, attempt, cause: 'restart' as const, retryAt: null, usage: NO_USAGE }
      return [draft('turn.interrupted', run.id, data)]
    },
    { isDriver: true },
  )
}

async function expire(live: LiveThread, ask: string): Promise<void> {
  const origin = { dialect: 'engine', principal: 'engine' }
  await live.commit(
    (thread) => {
      const drafts = decide(thread, { do: 'expire', ask, origin })
      return drafts instanceof Fault ? [] : drafts
    },
    { isDriver: true },
  )
}

async function endTurn(live: LiveThread): Promise<void> {
  await live.commit(
    (thread) => {
      const run = activeRun(thread)
      return [draft('turn.ended', run.id, { turn: run.turn?.index ?? 0 })]
    },
    { isDriver: true },
  )
}

/** A message that came in at the last moment is not lost: the run goes on with it. */
async function end(live: LiveThread, step: Extract<Step, { do: 'end' }>): Promise<void> {
  await live.commit(
    (thread) => {
      const run = activeRun(thread)
      if (run.cancelling || (step.outcome === 'completed' && run.steers.length > 0)) return []
      return [endRun(run, step.outcome, step.stop, step.trouble ?? null)]
    },
    { isDriver: true },
  )
}
