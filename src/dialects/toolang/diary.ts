/**
 * What happened to the agent as a whole: when it started and stopped, what was authored, which runs
 * began and ended. Runs are read from the feed of all threads and cost nothing; the rest is kept as
 * documents, each at the place in the feed at which it was written. The cursor is that place.
 */

import type { Event } from '../../kernel/event.ts'
import type { Json } from '../../kernel/part.ts'
import type { Engine, Principal } from '../../kernel/ports.ts'
import type { Live } from '../../wire/projection.ts'
import { sseFrame } from '../../wire/sse.ts'
import { mayUse, second } from './context.ts'
import type { Journal } from './journal.ts'
import { projection } from './project.ts'
import { beforeRun } from './scope.ts'

type Fields = Record<string, Json>

/** A line of the diary. `update` is how the older log of updates calls it; null: it is not in there. */
export interface Line {
  cursor: number
  at: number
  type: string
  payload: Fields
  update: { id: number; kind: string; payload: Fields } | null
  /** Null: everybody may read it. */
  account: string | null
}

export interface NewLine {
  type: string
  payload: Fields
  update: { kind: string; payload: Fields } | null
  account?: string
}

export interface Diary {
  write(line: NewLine): Promise<void>
  close(): void
  /** Lines after the cursor, at most `limit`. */
  lines(who: Principal, after: number, limit: number): Promise<Line[]>
  /** The newest updates, oldest first. */
  updates(who: Principal, limit: number): Promise<Line[]>
  /** Every line up to here is there already; what is written from now on comes after it. */
  head(): Promise<number>
  stream(who: Principal, agent: string, after: number): Live
}

/** Lines that one place in the feed has room for: runs below, what was written above. */
const ROOM = 4096
const WRITTEN = 1024
const KIND = 'toolang.diary'
const key = (cursor: number): string => String(cursor).padStart(16, '0')

export function createDiary(engine: Engine, journal: Journal, now: () => number): Diary {
  const { store } = engine
  const listeners = new Set<(line: Line) => void>()
  let writing: Promise<unknown> = Promise.resolve()
  let known: Line[] | null = null
  let last: { cursor: number; update: number } | null = null

  /** The last place of the feed that has anything, by doubling and halving. */
  const headPos = async (): Promise<number> => {
    const isBeyond = async (pos: number) => (await store.feed(pos, 1)).cursor === pos
    let low = last === null ? 0 : Math.floor(last.cursor / ROOM)
    if (await isBeyond(low)) return low
    let step = 1
    while (!(await isBeyond(low + step))) {
      low += step
      step *= 2
    }
    let high = low + step
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      if (await isBeyond(middle)) high = middle
      else low = middle
    }
    return high
  }

  const append = async ({ type, payload, update, account }: NewLine): Promise<void> => {
    last ??= await lastWritten()
    const place = (await headPos()) * ROOM + WRITTEN
    const cursor = Math.max(place, last.cursor + 1)
    const id = update === null ? last.update : last.update + 1
    const line: Line = {
      ...{ cursor, at: now(), type, payload, account: account ?? null },
      update: update && { id, ...update },
    }
    await store.put({ kind: KIND, key: key(cursor), body: line as unknown as Json })
    last = { cursor, update: id }
    known?.push(line)
    for (const tell of [...listeners]) tell(line)
  }

  /** Read once; what another process writes is seen when it tells of anything. */
  const written = async (): Promise<Line[]> => {
    known ??= (await store.list(KIND)).map((d) => d.body as unknown as Line)
    return known
  }

  const lastWritten = async () => {
    const all = await written()
    const update = all.reduce((max, l) => Math.max(max, l.update?.id ?? 0), 0)
    return { cursor: all.at(-1)?.cursor ?? 0, update }
  }

  /** What the commit at that place in the feed tells. */
  const runLines = async (who: Principal, pos: number, events: Event[]): Promise<Line[]> => {
    const lines: Line[] = []
    for (const event of events) {
      const line = await runLine(engine, journal, who, event)
      if (line) lines.push({ ...line, cursor: pos * ROOM + lines.length })
    }
    return lines
  }

  const forget = store.onAdvance(() => {
    known = null
  })

  const diary: Diary = {
    close: forget,
    write(line) {
      const done = writing.then(() => append(line))
      writing = done.catch(() => undefined)
      return done
    },
    async lines(who, after, limit) {
      const kept = (await written()).filter((l) => l.cursor > after && mayRead(who, l))
      const lines: Line[] = []
      let pos = Math.max(0, Math.floor(after / ROOM) - 1)
      while (lines.length < limit) {
        const page = await store.feed(pos, 1)
        const place = page.cursor === pos ? Number.POSITIVE_INFINITY : page.cursor * ROOM
        while (kept[0] && kept[0].cursor < place) lines.push(kept.shift() as Line)
        if (page.cursor === pos) break
        pos = page.cursor
        lines.push(...(await runLines(who, pos, page.events)).filter((l) => l.cursor > after))
      }
      return lines.slice(0, limit)
    },
    async updates(who, limit) {
      const all = (await written()).filter((l) => l.update !== null && mayRead(who, l))
      return limit === 0 ? [] : limit < 0 ? all : all.slice(-limit)
    },
    head: async () => {
      last ??= await lastWritten()
      return Math.max((await headPos()) * ROOM + WRITTEN - 1, last.cursor)
    },
    stream: (who, agent, after) => ({
      open(out) {
        let isOver = false
        let isBusy = false
        let isBehind = false
        let cursor = after
        const drain = async () => {
          for (;;) {
            isBehind = false
            const lines = await diary.lines(who, cursor, 200)
            for (const line of lines) {
              if (isOver) return
              cursor = line.cursor
              if (!out.write(frame(line, agent))) await out.drained()
            }
            if (lines.length === 0 && !isBehind) return
          }
        }
        const pump = async () => {
          isBehind = true
          if (isBusy) return
          isBusy = true
          try {
            await drain()
          } catch {
            out.close()
          } finally {
            isBusy = false
          }
        }
        /** What was written at a place that has been read already would be missed. */
        const hear = (line: Line) => {
          if (line.cursor > cursor) void pump()
          else if (!isOver && mayRead(who, line)) out.write(frame(line, agent))
        }
        listeners.add(hear)
        const stops = [
          engine.onCommit(() => void pump()),
          store.onAdvance(() => void pump()),
          () => listeners.delete(hear),
        ]
        void pump()
        return () => {
          isOver = true
          for (const stop of stops) stop()
        }
      },
      heartbeat: { everyMs: 15_000, text: ': ping\n\n' },
    }),
  }
  return diary
}

const mayRead = (who: Principal, { account }: Line): boolean =>
  account === null || mayUse(who, account)

/** A run that began or ended, as the agent tells it. */
async function runLine(
  engine: Engine,
  journal: Journal,
  who: Principal,
  event: Event,
): Promise<Omit<Line, 'cursor'> | null> {
  const wanted = event.type === 'run.started' ? 'run_start' : 'run_end'
  if (event.run === null || (event.type !== 'run.started' && event.type !== 'run.ended'))
    return null
  const row = await engine.store.thread(event.thread)
  if (!row || !mayUse(who, row.account)) return null
  const at = await journal.reckon(event.thread, event.seq)
  const run = at.run(event.run)
  if (!run) return null
  const place = { kind: at.kind, thread: event.thread }
  let state = beforeRun(place, run).state
  if (wanted === 'run_end') {
    const ended = { ...state, runs: { [run.id]: closing(run.cursor) } }
    state = ended
  } else {
    const [created] = await engine.store.read(event.thread, run.firstSeq - 1, 1)
    if (created) state = projection.tell(state, created)[0]
  }
  const told = projection.tell(state, event)[1].find((t) => t.type === wanted)
  if (!told) return null
  const { type, ...payload } = told.payload
  const status: Fields = wanted === 'run_start' ? { status: 'running' } : {}
  return {
    at: event.at,
    type: 'thread_update',
    payload: { ...payload, ...status, type: type ?? wanted },
    update: null,
    account: row.account,
  }
}

/** A run of which only the end is still to be told. */
const closing = (cursor: number) => ({
  ...{ kind: 'message' as const, cursor, parts: [], meta: {}, requestId: null, createdAt: 0 },
  ...{ inputs: 1, step: 0, reads: [], model: null, tools: {}, error: null },
})

export const agentEvent = ({ cursor, at, type, payload }: Line, agent: string) => ({
  ...{ id: cursor, cursor, domain: 'agent', domain_id: agent, type, event_type: type },
  at: second(at),
  payload,
})

const frame = (line: Line, agent: string): string =>
  sseFrame({ id: line.cursor, event: 'event', data: agentEvent(line, agent) })
