/**
 * `manifold chat`: a conversation in the terminal, or line by line through a pipe. Nothing depends
 * on this program staying: runs go on without it, and it can come back to any thread.
 */

import type { Receipt } from '../../kernel/ports.ts'
import type { OpenAsk } from '../../kernel/run.ts'
import type { Client } from '../client.ts'
import { type Answer, Conversation, type Delivery } from '../conversation.ts'
import { type PrintStyle, warning } from '../phrase.ts'
import { answerOf, nobodysAnswer, promptOf } from '../reply.ts'
import { createPipeScreen, createTerminalScreen, type Screen, type Terminal } from '../screen.ts'
import { runSlash } from './slash.ts'

export interface ChatOptions {
  client: Client
  terminal: Terminal
  style: PrintStyle
  isTerminal: boolean
  thread: string | null
  agent: string | null
  model: string | null
  /** Approve what is asked when nobody is there to ask. */
  yes: boolean
  /** Listens for Ctrl-C where no terminal reads the keys; returns the way to stop. */
  onInterrupt?(listener: () => void): () => void
  retryMs?: number
}

/** Resolves with the exit code: 1 when a message from a pipe was not answered to its end. */
export async function chat(options: ChatOptions): Promise<number> {
  if (options.thread)
    await options.client.get(`/threads/${encodeURIComponent(options.thread)}`, { messages: 0 })
  else await options.client.get('/threads', { limit: 1 })
  return await new Promise<number>((resolve) => new Chat(options, resolve).begin())
}

export class Chat {
  readonly options: ChatOptions
  readonly screen: Screen
  /** For the next thread. */
  agent: string | null
  model: string | null
  conversation: Conversation | null = null
  readonly #leave: (code: number) => void
  readonly #unlisten: () => void
  /** Lines of a pipe that wait for the answer before them. */
  readonly #lines: string[] = []
  #isInputEnded = false
  /** Things asked for by the person and not done yet; they are done one after the other. */
  #pending = 0
  #work: Promise<void> = Promise.resolve()
  #isLeaving = false
  /** What the last Ctrl-C met; the same once more means to leave. */
  #interrupted: 'run' | 'prompt' | null = null
  #hasFailed = false
  /** A run that the server has promised and whose end has not been seen yet. */
  #expected: string | null = null
  /** Asks that were answered here and are not settled yet. */
  readonly #answered = new Set<string>()

  constructor(options: ChatOptions, leave: (code: number) => void) {
    this.options = options
    this.agent = options.agent
    this.model = options.model
    this.#leave = leave
    const on = {
      line: (text: string) => this.#line(text),
      interrupt: () => this.#interrupt(),
      ended: () => this.#inputEnded(),
    }
    const { isTerminal, terminal } = options
    this.screen = isTerminal ? createTerminalScreen(terminal, on) : createPipeScreen(terminal, on)
    this.#unlisten = options.onInterrupt?.(() => this.#interrupt()) ?? (() => {})
  }

  begin(): void {
    if (this.options.isTerminal)
      this.say(`${this.options.client.url} · /help lists what can be typed`)
    if (this.options.thread) this.open(this.options.thread)
    else this.refresh()
  }

  /** A dim line of the program's own. */
  say(text: string): void {
    this.screen.write(`${this.options.style.paint.dim(text)}\n`)
  }

  open(thread: string, own?: string | null): void {
    this.conversation?.close()
    this.#expected = null
    const { client, style, retryMs } = this.options
    this.conversation = new Conversation(
      thread,
      {
        client,
        style,
        write: (text) => this.screen.write(text),
        changed: () => this.refresh(),
        lost: (fault) => this.#lost(fault),
        ...(retryMs === undefined ? {} : { retryMs }),
      },
      own === undefined ? {} : { own },
    )
  }

  /** The next message begins a new thread. */
  forget(): void {
    this.conversation?.close()
    this.conversation = null
    this.#expected = null
    this.refresh()
  }

  async submit(text: string, busy: Delivery): Promise<void> {
    const { agent, model } = this
    const receipt = this.conversation
      ? await this.conversation.submit(text, busy)
      : await this.options.client.insist<Receipt>('/runs', {
          input: text,
          ...(agent ? { agent } : {}),
          ...(model ? { model } : {}),
        })
    if (!this.conversation) this.open(receipt.thread, receipt.run)
    const isNext = receipt.delivery === 'started' || !this.options.isTerminal
    if (isNext && receipt.delivery !== 'steered') this.#expected = receipt.run
    this.refresh()
  }

  quit(code = this.#hasFailed ? 1 : 0): void {
    if (this.#isLeaving) return
    this.#isLeaving = true
    this.#unlisten()
    const { conversation } = this
    conversation?.close()
    if (this.options.isTerminal && conversation)
      this.say(`the same command with --thread ${conversation.thread} comes back to this`)
    this.screen.close()
    this.#leave(code)
  }

  /** Brings the prompt, or the next line of the pipe, in step with what is going on. */
  refresh(): void {
    if (this.#isLeaving) return
    this.#seeExpected()
    const ask = this.#openAsk()
    if (this.options.isTerminal) this.screen.prompt(ask ? promptOf(ask) : this.#idlePrompt())
    else if (ask) this.#attempt(() => this.#answer(ask, nobodysAnswer(ask, this.options.yes)))
    else if (!this.#isOccupied()) this.#takeLine()
  }

  #takeLine(): void {
    const line = this.#lines.shift()
    if (line !== undefined) this.#handle(line)
    else if (this.#isInputEnded) this.quit()
  }

  isRunning(): boolean {
    return this.#expected !== null || (this.conversation?.state.active ?? null) !== null
  }

  #isOccupied(): boolean {
    return this.#pending > 0 || this.isRunning()
  }

  #idlePrompt(): string | null {
    return this.#isOccupied() ? null : '> '
  }

  #openAsk(): OpenAsk | undefined {
    return this.conversation?.state.asks.find((ask) => !this.#answered.has(ask.ask))
  }

  #seeExpected(): void {
    const last = this.conversation?.state.last
    if (!last || last.run !== this.#expected) return
    this.#expected = null
    if (last.outcome !== 'completed') this.#hasFailed = true
  }

  #line(text: string): void {
    this.#interrupted = null
    const words = text.trim()
    if (words === '') return
    if (this.options.isTerminal) {
      this.#handle(words)
    } else {
      this.#lines.push(words)
      this.refresh()
    }
  }

  #handle(text: string): void {
    this.#attempt(async () => {
      if (text.startsWith('/')) return await runSlash(this, text)
      const ask = this.options.isTerminal ? this.#openAsk() : undefined
      if (!ask) return await this.submit(text, 'queue')
      const answer = answerOf(ask, text)
      if ('hint' in answer) this.say(answer.hint)
      else await this.#answer(ask, answer)
    })
  }

  async #answer(ask: OpenAsk, answer: Answer): Promise<void> {
    this.#answered.add(ask.ask)
    await this.conversation?.answer(ask.ask, answer).catch((error: unknown) => {
      // A person may try again; for a pipe the answer would be the same.
      if (this.options.isTerminal) this.#answered.delete(ask.ask)
      throw error
    })
  }

  /** Runs one thing that the person asked for; what goes wrong is told and harms nothing else. */
  #attempt(act: () => Promise<void>): void {
    this.#pending++
    this.#work = this.#work
      .then(act)
      .catch((error: unknown) => this.#trouble(error))
      .then(() => {
        this.#pending--
        this.refresh()
      })
  }

  #trouble(error: unknown): void {
    this.#hasFailed = true
    const text = error instanceof Error ? error.message : String(error)
    this.screen.write(`${warning(this.options.style, text)}\n`)
  }

  #lost(fault: Error): void {
    this.#trouble(fault)
    if (this.options.isTerminal) this.forget()
    else this.quit()
  }

  #interrupt(): void {
    const met = this.isRunning() ? 'run' : 'prompt'
    const isAgain = this.#interrupted === met
    this.#interrupted = met
    if (isAgain) this.quit(this.options.isTerminal ? 0 : 130)
    else if (met === 'run') this.#attempt(async () => await this.conversation?.cancel())
    else this.say('(once more Ctrl-C, or /quit, to leave)')
  }

  #inputEnded(): void {
    this.#isInputEnded = true
    if (this.options.isTerminal) this.quit()
    else this.refresh()
  }
}
