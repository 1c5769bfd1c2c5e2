/**
 * A thread's log as a whole and in one moment: what happened when, what the fold was then, and which
 * frames an event became in every dialect.
 */

import type { Event } from '../../kernel/event.ts'
import { Fault } from '../../kernel/fault.ts'
import type { InputPart } from '../../kernel/part.ts'
import type { Engine } from '../../kernel/ports.ts'
import type { Thread } from '../../kernel/thread.ts'
import { type Call, type Route, route } from '../../wire/dialect.ts'
import type { Lens } from '../../wire/lens.ts'
import { threadOf } from './desk.ts'
import type { House, Spoken } from './house.ts'
import * as schema from './log-schema.ts'
import { threadView } from './project.ts'
import { createTracer, type Tracer } from './tracer.ts'

const ONE = '/manifold/v1/threads/{thread}'
const tag = 'log'
const PAGE = 2_000
const MOST_TEXT = 65_536
const MOST_INPUT = 500

interface Looking {
  engine: Engine
  /** Made when it is first needed: dialects are known only when all of them are put together. */
  voices(): { spoken: Voice[]; tracer: Tracer }
}

type Voice = Spoken & { lens: Lens }

export function logRoutes(engine: Engine, house: House): Route[] {
  let made: ReturnType<Looking['voices']> | null = null
  const voices = () => {
    if (made) return made
    const spoken = house.dialects().filter((d): d is Voice => d.lens !== undefined)
    const lenses = spoken.map((d) => d.lens)
    made = { spoken, tracer: createTracer(engine.store, lenses) }
    return made
  }
  const looking: Looking = { engine, voices }
  return [outlineRoute(engine), momentRoute(looking), framesRoute(looking)]
}

// ---- the whole log ------------------------------------------------------------------------

const outlineRoute = (engine: Engine): Route =>
  route({
    method: 'GET',
    path: `${ONE}/outline`,
    tag,
    summary: 'The log without its contents: type, run and time of each event.',
    query: schema.OutlineQuery,
    answers: { 200: { about: 'The outline.', schema: schema.Outline } },
    handle: async (call) => {
      const { id, seq } = await threadOf(engine, call, call.path.thread as string)
      const { after = 0, limit = 20_000 } = call.query
      return { status: 200, json: await outlineOf(engine, id, { after, limit, seq }) }
    },
  })

async function outlineOf(
  { store }: Engine,
  thread: string,
  { after, limit, seq }: { after: number; limit: number; seq: number },
) {
  const types = new Map<string, number>()
  const runs = new Map<string, number>()
  const rows: number[][] = []
  let next = after
  while (rows.length < limit && next < seq) {
    const events = await store.read(thread, next, Math.min(PAGE, limit - rows.length))
    if (events.length === 0) break
    for (const { type, run, at } of events.slice(0, limit - rows.length))
      rows.push([indexIn(types, type), run === null ? -1 : indexIn(runs, run), at])
    next = after + rows.length
  }
  const names = { types: [...types.keys()], runs: [...runs.keys()] }
  return { first: after + 1, ...names, rows, next, isComplete: next >= seq }
}

function indexIn(names: Map<string, number>, name: string): number {
  const known = names.get(name)
  if (known !== undefined) return known
  names.set(name, names.size)
  return names.size - 1
}

// ---- one moment ---------------------------------------------------------------------------

const momentRoute = ({ engine, voices }: Looking): Route =>
  route({
    method: 'GET',
    path: `${ONE}/moments/{seq}`,
    tag,
    summary: 'One event, the fold before and after it, and its frames in every dialect.',
    query: schema.MomentQuery,
    answers: { 200: { about: 'The moment.', schema: schema.MomentView } },
    handle: async (call) => {
      const thread = await threadOf(engine, call, call.path.thread as string)
      const seq = seqOf(call.path.seq as string, thread.seq)
      const { spoken, tracer } = voices()
      const [moment] = await tracer.look(thread.id, seq, 1)
      if (!moment) throw absent(seq, thread.seq)
      const { messages = 0 } = call.query
      const { event, before, after } = moment
      return {
        status: 200,
        json: {
          event,
          before: before.seq === 0 ? null : foldView(before, messages),
          after: foldView(after, messages),
          dialects: spoken.map((d, i) => ({
            ...streamOf(d),
            frames: (moment.frames[i] ?? []).map(frameView),
          })),
        },
      }
    },
  })

/** The fold without what was attached to inputs, and only with their beginnings: they are events. */
function foldView(thread: Thread, messages: number) {
  const view = threadView(thread, messages)
  const { active, queue } = view
  return {
    ...view,
    active: active && { ...active, input: shortened(active.input) },
    queue: queue.map((entry) => ({ ...entry, input: shortened(entry.input) })),
  }
}

const shortened = (input: readonly InputPart[]): InputPart[] =>
  input.map((part) => {
    if (part.kind === 'text') return { ...part, text: part.text.slice(0, MOST_INPUT) }
    const { data: _, ...named } = part
    return named
  })

function seqOf(text: string, last: number): number {
  const seq = /^\d{1,15}$/.test(text) ? Number(text) : 0
  if (seq >= 1 && seq <= last) return seq
  throw absent(text, last)
}

const absent = (seq: string | number, last: number): Fault =>
  new Fault('not_found', `There is no event ${seq}: the log of the thread goes from 1 to ${last}.`)

// ---- many ---------------------------------------------------------------------------------

const framesRoute = ({ engine, voices }: Looking): Route =>
  route({
    method: 'GET',
    path: `${ONE}/frames`,
    tag,
    summary: 'What a stretch of the log became in every dialect, side by side.',
    query: schema.FramesQuery,
    answers: { 200: { about: 'A page.', schema: schema.FramePage } },
    handle: async (call: Call<Record<string, string>, { from?: number; limit?: number }>) => {
      const { id, seq } = await threadOf(engine, call, call.path.thread as string)
      const { from = 1, limit = 100 } = call.query
      const { spoken, tracer } = voices()
      const moments = from > seq ? [] : await tracer.look(id, from, limit)
      const items = moments.map(({ event, frames }) => ({
        ...placeOf(event),
        frames: frames.map((own) => own.map(frameView)),
      }))
      const next = from + items.length
      const isOver = items.length === 0 || next > seq
      return {
        status: 200,
        json: { dialects: spoken.map(streamOf), items, next: isOver ? null : next },
      }
    },
  })

const placeOf = ({ seq, type }: Event) => ({ seq, type })

const streamOf = ({ name, lens: { stream, carrier } }: Voice) => ({
  dialect: name,
  stream,
  carrier,
})

const frameView = (text: string) => ({
  text: text.slice(0, MOST_TEXT),
  bytes: Buffer.byteLength(text),
  isCut: text.length > MOST_TEXT,
})
