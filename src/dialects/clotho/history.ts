/** A chat's turns as they can be read from its log. */

import type { Event } from '../../kernel/event.ts'
import type { Json } from '../../kernel/part.ts'
import type { Engine } from '../../kernel/ports.ts'
import type { Thread } from '../../kernel/thread.ts'
import { type Answer, answerKey, turnsOf } from './turns.ts'

/** Reads the log through: what an answer cost, and which prompt was used, stands nowhere else. */
export async function readTurns(engine: Engine, thread: Thread): Promise<Json[]> {
  const answers = new Map<string, Answer>()
  let prompt: string | null = null
  for (let after = 0; after < thread.seq; ) {
    const page: Event[] = await engine.store.read(thread.id, after, PAGE)
    for (const event of page) {
      if (event.type === 'turn.started') prompt = event.data.instructions
      if (event.type === 'turn.answered')
        answers.set(answerKey(event.run, event.data.turn), event.data)
    }
    const last = page.at(-1)
    if (!last) break
    after = last.seq
  }
  return turnsOf(thread, await systemOf(engine, thread, prompt), answers)
}

const PAGE = 1000

/** The prompt of the last model call; before the first, what the agent brings to it. */
async function systemOf(engine: Engine, thread: Thread, prompt: string | null): Promise<string> {
  const kept = prompt === null ? null : await engine.store.named('instructions', prompt)
  if (typeof kept === 'string') return kept
  return engine.catalog.agent(thread.agent)?.instructions ?? ''
}
