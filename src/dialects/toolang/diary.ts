/**
 * What happened to the agent as a whole: when it started and stopped, what was authored, which runs
 * began and ended. Runs are read from the feed of all threads and cost nothing; the rest is kept as
 * documents, each at the place in the feed at which it was written. The cursor is that place.
 */

import type { Json } from '../../kernel/part.ts'
import type { Engine, FeedPage, Principal } from '../../kernel/ports.ts'
import type { Live } from '../../wire/projection.ts'
import { sseFrame } from '../../wire/sse.ts'
import { mayUse, second, type ToolangSettings } from './context.ts'
import type { Journal } from './journal.ts'
import { runLine } from './run-line.ts'

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
/** Lines that are kept; when there are more, some of the oldest go at once. */
const MOST = 20_000
const SPARE = 500
const PAGE = 200
const KIND = 'toolang.diary'
const asJson = (line: Line): Json => line as unknown as Json
const key = (cursor: number): string => String(cursor).padStart(16, '0')

export function createDiary(
  engine: Engine,
  journal: Journal,
  { now, log }: Pick<ToolangSettings, 'now' | 'log'>,
): Diary {
  const { store } = engine
  const listeners = new Set<(line: Line) => void>()
  let writing: Promise<unknown> = Promise.resolve()
  let known: Line[] | null = null
  let last: { cursor: number; update: number } | null = null

  const append = async ({ type, payload, update, account }: NewLine): Promise<void> => {
    last ??= await lastWritten()
    const place = (await store.feedEnd()) * ROOM + WRITTEN
    const id = update === null ? last.update : last.update + 1
    const line: Line = {
      ...{ cursor: Math.max(place, last.cursor + 1), at: now(), type, payload },
      ...{ account: account ?? null, update: update && { id, ...update } },
    }
    // Another process may have written at that place.
    while (!(await store.putNew({ kind: KIND, key: key(line.cursor), body: asJson(line) })))
      line.cursor++
    last = { cursor: line.cursor, update: id }
    known?.push(line)
    await forgetOldest()
    for (const tell of [...listeners]) tell(line)
  }

  /** The diary is no log: what is long past goes. */
  const forgetOldest = async (): Promise<void> => {
    if (known === null || known.length <= MOST) return
    for (const { cursor } of known.splice(0, known.length - MOST + SPARE))
      await store.drop(KIND, key(cursor))
  }

  /** Read once; what another process writes is seen when it tells of anything. */
  const written = async (): Promise<Line[]> => {
    known ??= (await store.list(KIND))
      .map((d) => d.body as unknown as Line)
      .sort((a, b) => a.cursor - b.cursor)
    return known
  }

  const lastWritten = async () => {
    const all = await written()
    const update = all.reduce((max, l) => Math.max(max, l.update?.id ?? 0), 0)
    return { cursor: all.at(-1)?.cursor ?? 0, update }
  }

  /** What the commits of a page tell, each line numbered within its place. */
  const runLines = async (who: Principal, { events, places }: FeedPage): Promise<Line[]> => {
    const lines: Line[] = []
    for (const [i, event] of events.entries()) {
      const line = await runLine(engine, journal, who, event)
      if (!line) continue
      const from = (places[i] as number) * ROOM
      const before = lines.at(-1)?.cursor ?? 0
      lines.push({ ...line, cursor: Math.max(from, before + 1) })
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
      // Who wrote it hears that it failed; the next line is written all the same.
      writing = done.catch(() => undefined)
      return done
    },
    async lines(who, after, limit) {
      const all = await written()
      const kept = all.slice(beyond(all, after)).filter((l) => mayRead(who, l))
      const lines: Line[] = []
      let pos = Math.max(0, Math.floor(after / ROOM) - 1)
      let isOver = false
      while (lines.length < limit && !isOver) {
        const page = await store.feed(pos, PAGE)
        isOver = page.cursor === pos
        const found = await runLines(who, page)
        pos = page.cursor
        const end = isOver ? Number.POSITIVE_INFINITY : (pos + 1) * ROOM
        const upTo = kept.findIndex((l) => l.cursor >= end)
        found.push(...kept.splice(0, upTo < 0 ? kept.length : upTo))
        found.sort((a, b) => a.cursor - b.cursor)
        lines.push(...found.filter((l) => l.cursor > after))
      }
      return lines.slice(0, limit)
    },
    async updates(who, limit) {
      const all = (await written()).filter((l) => l.update !== null && mayRead(who, l))
      return limit === 0 ? [] : limit < 0 ? all : all.slice(-limit)
    },
    head: async () => {
      last ??= await lastWritten()
      return Math.max((await store.feedEnd()) * ROOM + WRITTEN - 1, last.cursor)
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
          } catch (err) {
            if (!isOver) log.error({ err }, 'a stream of agent events broke off')
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

/** Where the lines after the cursor begin; they stand in its order. */
function beyond(lines: readonly Line[], cursor: number): number {
  let low = 0
  let high = lines.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((lines[middle] as Line).cursor > cursor) high = middle
    else low = middle + 1
  }
  return low
}

const mayRead = (who: Principal, { account }: Line): boolean =>
  account === null || mayUse(who, account)

export const agentEvent = ({ cursor, at, type, payload }: Line, agent: string) => ({
  ...{ id: cursor, cursor, domain: 'agent', domain_id: agent, type, event_type: type },
  at: second(at),
  payload,
})

const frame = (line: Line, agent: string): string =>
  sseFrame({ id: line.cursor, event: 'event', data: agentEvent(line, agent) })
