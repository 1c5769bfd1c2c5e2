/** A new thread from what was said in another, up to and with one message. */

import type { Actor } from '../../kernel/accounts.ts'
import type { Event } from '../../kernel/event.ts'
import type { Engine } from '../../kernel/ports.ts'
import type { Thread } from '../../kernel/thread.ts'
import type { Context } from './context.ts'
import { originOf } from './hints.ts'
import { assign, postMessage, type Shown, transcriptOf } from './message.ts'
import { noMessage } from './scope.ts'

export interface Fork {
  thread: Thread
  mapping: { old_id: string; new_id: string }[]
}

export async function forkThread(
  { engine, settings }: Context,
  actor: Actor,
  source: Thread,
  message: string,
): Promise<Fork> {
  const { shown } = await transcriptOf(engine, source)
  const at = shown.findIndex((m) => m.id === message)
  const last = shown[at]
  if (!last) throw noMessage()
  const kept = shown.slice(0, at + 1)
  const place = await placeOf(engine, source, kept)
  const fork = await engine.fork(place.thread, place.seq, originOf(actor))
  const copies = kept.filter((m) => m.parts !== null)
  const mapping: Fork['mapping'] = []
  for (const copy of copies) {
    const id = settings.newId()
    const { at: time, content, parts, input } = copy
    const posted = { id, at: time, user: actor.id, content, parts: parts ?? [], input }
    await postMessage(engine, fork.id, posted)
    mapping.push({ old_id: copy.id, new_id: id })
  }
  const idOf = new Map(mapping.map((m) => [m.old_id, m.new_id]))
  const runs = new Set(copies.flatMap((m) => (m.run === null ? [] : [m.run])))
  for (const run of runs) {
    const own = copies.filter((m) => m.run === run).map((m) => idOf.get(m.id) as string)
    await assign(engine, fork.id, run, own)
  }
  const told = await transcriptOf(engine, fork)
  return { thread: fork, mapping: order(kept, told.shown, mapping) }
}

/** What the log tells has new ids by itself; both threads tell it in the same order. */
function order(kept: Shown[], told: Shown[], mapping: Fork['mapping']): Fork['mapping'] {
  const known = new Map(mapping.map((m) => [m.old_id, m.new_id]))
  const fresh = told.filter((m) => m.parts === null)
  return kept.map((m) => ({
    old_id: m.id,
    new_id: known.get(m.id) ?? fresh.shift()?.id ?? m.id,
  }))
}

interface Place {
  thread: string
  seq: number
}

/**
 * Where a log stands when the last of the messages has been said, and nothing after it. What a fork
 * has from its source is found in the source.
 */
async function placeOf(engine: Engine, source: Thread, kept: readonly Shown[]): Promise<Place> {
  const last = kept.findLast((m) => m.run !== null)
  const run = last?.run ? await engine.store.run(last.run) : null
  if (!last || !run || run.account !== source.account) return { thread: source.id, seq: 1 }
  const { thread, firstSeq, lastSeq } = run
  if (last.role === 'assistant') return { thread, seq: lastSeq }
  const begun = (event: Event): boolean => event.type === 'run.started' && event.run === run.id
  for (let seq = firstSeq - 1; seq < lastSeq; ) {
    const events = await engine.store.read(thread, seq, 500)
    const found = events.find(begun)
    if (found) return { thread, seq: found.seq }
    if (events.length === 0) break
    seq = events.at(-1)?.seq ?? seq + 1
  }
  return { thread, seq: firstSeq }
}
