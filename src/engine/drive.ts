/**
 * Moves one thread on: take the lease, fold, ask `next`, do that one step, again. A thread whose
 * server died is driven by the very same loop; there is no other recovery.
 */

import { draft } from '../kernel/event.ts'
import { Fault } from '../kernel/fault.ts'
import { next, type Step } from '../kernel/next.ts'
import { isLeft } from '../kernel/run.ts'
import { type AbortReason, activeRun, type Context, unlessCancelled, type Work } from './context.ts'
import { withDeadline } from './deadline.ts'
import { Fenced, type LiveThread } from './live.ts'
import { performLimit, performQuestion, performRecovery, performRule } from './perform/asks.ts'
import { performCall } from './perform/call.ts'
import { performChildren } from './perform/child.ts'
import {
  performEnd,
  performExpiry,
  performMend,
  performTurnEnd,
  performUnwind,
} from './perform/closing.ts'
import { performCompaction } from './perform/compaction.ts'
import { performHooks } from './perform/hooks.ts'
import { performAnswer, performModel } from './perform/model.ts'
import { type Begun, performStart } from './perform/start.ts'
import { performTools } from './perform/tools.ts'
import { type Equipment, equip, rulesFor } from './rules.ts'

/** How long a thread rests when the store does not answer. */
export const AWAY_MS = 1_000

export const isAway = (error: unknown): boolean =>
  error instanceof Fault && error.code === 'unavailable'

/** What a drive must know of its lease. */
export interface Licence {
  /** True when the thread is this process's to drive. */
  acquire(live: LiveThread): Promise<boolean>
  /** The same, by the word of the store. */
  confirm(live: LiveThread): Promise<boolean>
}

export class Drive {
  readonly live: LiveThread
  #context: Context
  #licence: Licence
  #abort = new AbortController()
  #isPoked = false
  #isWatching = false
  #isStopping = false

  constructor(context: Context, licence: Licence, live: LiveThread) {
    this.#context = context
    this.#licence = licence
    this.live = live
  }

  /** Something was appended by somebody else since `next` was asked. */
  get isPoked(): boolean {
    return this.#isPoked
  }

  poke(): void {
    this.#isPoked = true
  }

  /** Stops the step that is going on. */
  abort(reason: AbortReason): void {
    this.#abort.abort(reason)
  }

  /** No further step begins. One that only waits for others, which have drives of their own, ends. */
  stop(): void {
    this.#isStopping = true
    if (this.#isWatching) this.abort('shutdown')
  }

  /** Goes on until nothing is owed; then gives the time at which something will be, or null. */
  async run(): Promise<number | null> {
    const { live } = this
    live.beginDrive()
    try {
      return await this.#loop()
    } catch (error) {
      return await this.#failed(error)
    } finally {
      // What an overtaken drive has left unsaid is refused before another one may begin.
      if (live.isLost) await live.settled()
    }
  }

  async #loop(): Promise<number | null> {
    const { live } = this
    while (!this.#isStopping && !live.isLost && (await this.#licence.acquire(live))) {
      this.#isPoked = false
      this.#isWatching = false
      const step = await this.#step()
      if (this.#isPoked) continue
      if (step.do === 'rest') return null
      if (step.do === 'wait') return step.until
    }
    return null
  }

  /** Asks what is owed, and does it. */
  async #step(): Promise<Step> {
    const { live } = this
    this.#abort = new AbortController()
    // The lease may have been waited for until the server was told to stop.
    if (this.#isStopping) return { do: 'rest' }
    const thread = live.state
    if (!thread.active) {
      const head = thread.queue[0]
      if (!head) return { do: 'rest' }
      const begun = await performStart(this.#context, live, head)
      if (begun) await this.#answer(begun)
      return { do: 'start', run: head.id }
    }
    const equipment = await equip(this.#context, thread)
    if (!equipment) return this.#giveUp()
    // What came in while the tools were fetched counts.
    const step = next(live.state, await rulesFor(this.#context, live.state, equipment))
    if (takesUp(step) && isLeft(activeRun(live.state))) await takeUp(live)
    if (this.#isStopping) return step
    await this.#perform(step, equipment)
    return step
  }

  async #perform(step: Step, equipment: Equipment): Promise<void> {
    const context = this.#context
    const { live } = this
    const work = this.#workWith(equipment)
    switch (step.do) {
      case 'start':
      case 'rest':
      case 'wait':
        return
      case 'mend':
        return performMend(live)
      case 'model':
        return this.#limited(work, () => performModel(context, work, step))
      case 'call':
        return performCall(work)
      case 'hooks':
        // Hooks have times of their own, and some are told that the time is over.
        return performHooks(context, work, step)
      case 'compact':
        return this.#limited(work, () => performCompaction(context, work, step.by))
      case 'tools':
        return this.#limited(work, () => performTools(context, work, step.calls))
      case 'child':
        this.#isWatching = true
        return this.#limited(work, () => performChildren(context, work, step.calls))
      case 'rule':
        return performRule(context, work, step)
      case 'question':
        return performQuestion(context, work, step.call)
      case 'recover':
        return performRecovery(context, work, step)
      case 'limit':
        return performLimit(context, work, step.limitUsd)
      case 'expire':
        return performExpiry(live, step.ask)
      case 'end-turn':
        return performTurnEnd(live)
      case 'unwind':
        return performUnwind(context, live)
      case 'end':
        return performEnd(live, step)
      default:
        return step satisfies never
    }
  }

  #workWith(equipment: Equipment): Work {
    return { ...equipment, live: this.live, signal: this.#abort.signal }
  }

  #answer({ equipment, opening }: Begun): Promise<void> {
    const work = this.#workWith(equipment)
    return this.#limited(work, () => performAnswer(this.#context, work, opening))
  }

  #limited(work: Work, perform: () => Promise<void>): Promise<void> {
    // A cancel may have been appended between the decision and the beginning of the step.
    if (activeRun(work.live.state).cancelling?.when === 'now') this.abort('cancel')
    return withDeadline(this.#context, work, this.#abort, perform)
  }

  async #giveUp(): Promise<Step> {
    const { agent } = activeRun(this.live.state)
    const message = `The agent ${agent} is not in the catalog any more.`
    const trouble = { code: 'unknown_agent', message }
    await performUnwind(this.#context, this.live, trouble)
    return { do: 'end', outcome: 'failed', stop: 'error', trouble }
  }

  /**
   * Who was overtaken, or is cut off from the store, stops quietly: the run goes on elsewhere, or
   * later. Gives when to try again.
   */
  async #failed(error: unknown): Promise<number | null> {
    const { clock, log } = this.#context
    const thread = this.live.id
    if (error instanceof Fenced) return null
    if (isAway(error)) return clock() + AWAY_MS
    try {
      // On a state that another process has moved on any step breaks.
      if (!(await this.#licence.confirm(this.live))) return null
      log.error({ thread, err: error }, 'a step broke')
      // A bug in a step neither spins nor leaves a run that looks alive: the run fails, and says so.
      const trouble = { code: 'internal', message: 'The server made a mistake in this run.' }
      await performUnwind(this.#context, this.live, trouble)
    } catch (err) {
      if (isAway(err)) return clock() + AWAY_MS
      log.error({ thread, err }, 'the run could not be ended')
    }
    return null
  }
}

/** Steps that go on with what has begun already. */
const takesUp = (step: Step): boolean =>
  step.do === 'tools' || step.do === 'child' || step.do === 'compact' || step.do === 'recover'

/** It is known when the run was taken up again: the time in which no server had it does not count. */
async function takeUp(live: LiveThread): Promise<void> {
  await live.commit(
    unlessCancelled(({ id }) => [draft('run.recovered', id, {})]),
    { isDriver: true },
  )
}
