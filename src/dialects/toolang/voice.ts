/** Collects what one fact makes a run say, numbered in the run and in the thread. */

import type { Event } from '../../kernel/event.ts'
import type { Json } from '../../kernel/part.ts'
import { runId, threadId } from './id.ts'
import { originOfKind, type RunTelling, type Telling, type Told } from './telling.ts'

export type Payload = Record<string, Json>

export class Voice {
  run: RunTelling
  readonly names: { run_id: string; thread_id: string }
  #state: Telling
  #id: string
  #event: Event
  #told: Told[] = []

  constructor(state: Telling, id: string, run: RunTelling, event: Event) {
    this.#state = state
    this.#id = id
    this.#event = event
    this.run = run
    this.names = { run_id: runId(id), thread_id: threadId(state.kind, state.thread) }
  }

  get origin(): string {
    return originOfKind(this.#state.kind)
  }

  say(type: string, payload: Payload): void {
    this.run = { ...this.run, cursor: this.run.cursor + 1 }
    this.#push(type, payload, this.run.cursor)
  }

  #push(type: string, payload: Payload, runCursor: number): void {
    const index = this.#told.length
    const cursor = this.#state.cursor + index + 1
    const { seq, at } = this.#event
    this.#told.push({ cursor, run: this.#id, runCursor, seq, index, at, type, payload })
  }

  end(isOver: boolean): [Telling, Told[]] {
    const { [this.#id]: _, ...others } = this.#state.runs
    const runs = isOver ? others : { ...others, [this.#id]: this.run }
    return [{ ...this.#state, cursor: this.#state.cursor + this.#told.length, runs }, this.#told]
  }
}
