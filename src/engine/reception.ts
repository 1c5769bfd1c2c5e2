/**
 * Takes commands and makes them durable: names what they make, decides them on the state they will
 * be applied to, and answers the same request with the same receipt.
 */

import type { Command, CommandOf } from '../kernel/command.ts'
import { decide } from '../kernel/decide.ts'
import type { Draft, Event } from '../kernel/event.ts'
import { Fault } from '../kernel/fault.ts'
import { isUuid } from '../kernel/id.ts'
import type {
  Document,
  Idempotency,
  NewThread,
  Receipt,
  Request,
  SubmitOptions,
} from '../kernel/ports.ts'
import type { ChildAsk } from '../kernel/run.ts'
import { advance, historyOf, type Thread } from '../kernel/thread.ts'
import type { Committed, Decision } from './batch.ts'
import type { EngineDeps } from './context.ts'
import type { Grants } from './grants.ts'
import type { LiveThread } from './live.ts'
import { type Kept, keptAs, receiptOf } from './receipt.ts'
import type { Threads } from './threads.ts'

export class Reception {
  #deps: EngineDeps
  #threads: Threads
  #grants: Grants

  constructor(deps: EngineDeps, threads: Threads, grants: Grants) {
    this.#deps = deps
    this.#threads = threads
    this.#grants = grants
  }

  async openThread(
    thread: NewThread,
    options: { idempotency?: Idempotency } = {},
  ): Promise<Thread> {
    const receipt = await this.#once(options.idempotency, () =>
      this.#make(thread, [this.#openCommand(thread)], options),
    )
    return (await this.#threads.current(receipt.thread)).state
  }

  async begin(
    thread: NewThread,
    request: Extract<Request, { do: 'submit' }>,
    options: SubmitOptions = {},
  ): Promise<Receipt> {
    return this.#once(options.idempotency, () =>
      this.#make(thread, [this.#openCommand(thread), this.#name(request)], options),
    )
  }

  async submit(id: string, request: Request, options: SubmitOptions = {}): Promise<Receipt> {
    return this.#once(options.idempotency, async () => {
      if (request.do === 'answer')
        return this.#answer(await this.#threads.current(id), request, options)
      return this.#execute(await this.#threads.known(id), [this.#name(request)], options)
    })
  }

  async recall(idempotency: Idempotency): Promise<Receipt | null> {
    const kept = (await this.#deps.store.get('idempotency', idempotency.key)) as Kept | null
    if (!kept) return null
    if (kept.hash === idempotency.hash) return { ...kept.receipt, replayed: true }
    throw new Fault(
      'duplicate',
      'This idempotency key was used for another request. Use a new key.',
    )
  }

  /** A new thread with the transcript of another one. */
  async fork(source: Thread, origin: NewThread['origin']): Promise<Thread> {
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
      forkedFrom: { thread: source.id, seq: source.seq },
      history: historyOf(source),
      origin,
    }
    return (await this.#orForget(live, this.commit(live, [open]))).thread
  }

  /** Appends what the commands come to: all of them, or the Fault of the first that is refused. */
  commit(
    live: LiveThread,
    commands: Command[],
    options: SubmitOptions = {},
    remembering: (events: Event[]) => Document[] = () => [],
  ): Promise<Committed> {
    const { idempotency, maxRuns } = options
    const command = commands.at(-1) as Command
    return live.commit(decideAll(commands), {
      isLone: idempotency !== undefined,
      maxRuns,
      documents: (committed) => {
        const documents = remembering(committed.events)
        if (!idempotency) return documents
        const kept = keptAs(idempotency, receiptOf(command, committed), this.#deps.clock())
        return [...documents, { ...kept, ifAbsent: true }]
      },
    })
  }

  /** A thread that is not there yet, under the id that was given or one of its own. */
  async #make({ id }: NewThread, commands: Command[], options: SubmitOptions): Promise<Receipt> {
    if (id === undefined) {
      const live = this.#threads.create(this.#deps.newId())
      return this.#orForget(live, this.#execute(live, commands, options))
    }
    if (isUuid(id)) return this.#execute(await this.#threads.fresh(id), commands, options)
    throw new Fault('invalid', 'The id of a thread is a UUID in lower case, with dashes.')
  }

  /** A thread whose making is refused leaves memory at once: nobody knows of it. */
  async #orForget<T>({ id }: LiveThread, making: Promise<T>): Promise<T> {
    try {
      return await making
    } catch (error) {
      this.#threads.forget(id)
      throw error
    }
  }

  /** An answer reaches the asks of the thread's children too: a person need not know whose they are. */
  async #answer(
    live: LiveThread,
    request: CommandOf<'answer'>,
    options: SubmitOptions,
  ): Promise<Receipt> {
    const { asks = [], childAsks = [] } = live.state.active ?? {}
    const children = childAsks.filter((a) => concerns(request, a))
    const taken =
      children.length > 0 ? await this.#answerChildren(children, request, options) : null
    const isForOwn = asks.length > 0 && request.ask === undefined && request.call === undefined
    if (!taken || isForOwn) return this.#execute(live, [request], options)
    if (taken instanceof Fault) throw taken
    const receipt = { ...taken, thread: live.id, seq: live.state.seq }
    const { idempotency } = options
    if (!idempotency) return receipt
    const isNew = await this.#deps.store.putNew(keptAs(idempotency, receipt, this.#deps.clock()))
    return isNew ? receipt : ((await this.recall(idempotency)) ?? receipt)
  }

  /**
   * Each child by itself, as a request that is answered once. What one of them refuses, because
   * somebody else was quicker there, takes nothing back from those that took the answer; a Fault
   * when none did.
   */
  async #answerChildren(
    children: ChildAsk[],
    request: CommandOf<'answer'>,
    { remember = false, idempotency }: SubmitOptions,
  ): Promise<Receipt | Fault> {
    let said: Receipt | Fault = new Fault('not_waiting', 'Nobody waits for this answer.')
    for (const { thread, ask } of children) {
      const own = idempotency && { ...idempotency, key: `${idempotency.key}/${ask}` }
      try {
        const options = own ? { remember, idempotency: own } : { remember }
        said = await this.submit(thread, { ...request, ask }, options)
      } catch (error) {
        if (!(error instanceof Fault) || error.code === 'unavailable') throw error
        if (said instanceof Fault) said = error
      }
    }
    return said
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

  async #once(idempotency: Idempotency | undefined, act: () => Promise<Receipt>): Promise<Receipt> {
    if (!idempotency) return act()
    const earlier = await this.recall(idempotency)
    if (earlier) return earlier
    try {
      return await act()
    } catch (error) {
      // It may be refused because the same request was quicker: that one's answer is the answer.
      const answer = error instanceof Fault ? await this.recall(idempotency) : null
      if (!answer) throw error
      return answer
    }
  }

  async #execute(live: LiveThread, commands: Command[], options: SubmitOptions): Promise<Receipt> {
    const command = commands.at(-1) as Command
    const remembering = options.remember ? await this.#grantsOf(live.state, command) : undefined
    const committed = await this.commit(live, commands, options, remembering)
    if (remembering) this.#grants.forget()
    return receiptOf(command, committed)
  }

  /** Gives the grants for what an answer allows, once that is known: others rule at the same time. */
  async #grantsOf(
    { active, agent: own, workspace }: Thread,
    command: Command,
  ): Promise<(events: Event[]) => Document[]> {
    if (command.do !== 'answer' || !active) return () => []
    const { catalog, toolbox } = this.#deps
    const name = active.agent ?? own
    const agent = catalog.agent(name)
    const { tools } = agent ? await toolbox.open(agent) : { tools: [] }
    const asked = active.asks.flatMap(({ ask, body }) =>
      body.kind === 'approval' ? body.calls.map((c) => ({ ask, ...c })) : [],
    )
    return (events) =>
      asked
        .filter(({ ask, call }) => events.some((e) => isAllowed(e, ask, call)))
        .map(({ tool, input, grant }) => {
          const made = tools.find((t) => t.name === tool)
          // What the person was told that it covers; an older ask has told nothing.
          const pattern = grant === undefined ? made?.grant(input, workspace) : grant
          return this.#grants.document({ agent: name, tool, pattern: pattern ?? null })
        })
  }
}

/** Does the answer mean this ask of a child? One that names nothing means all. */
function concerns({ ask, call }: CommandOf<'answer'>, child: ChildAsk): boolean {
  if (ask !== undefined) return ask === child.ask
  if (call === undefined) return true
  if (child.body.kind === 'question') return child.body.call === call
  return 'calls' in child.body && child.body.calls.some((c) => c.call === call)
}

function decideAll(commands: Command[]): Decision {
  return (thread, at) => {
    const drafts: Draft[] = []
    for (const command of commands) {
      const decided = decide(drafts.length > 0 ? advance(thread, drafts, at) : thread, command)
      if (decided instanceof Fault) return decided
      drafts.push(...decided)
    }
    return drafts
  }
}

const isAllowed = ({ type, data }: Event, ask: string, call: string): boolean =>
  type === 'ask.settled' && data.ask === ask && data.rulings[call]?.allow === true
