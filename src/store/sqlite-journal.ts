/**
 * The journal on its two sides: read whole into memory when the file is opened, and written by the
 * writing thread, which has no need to look at the tables for a thread it has just written to.
 */

import type { Event } from '../kernel/event.ts'
import type { Refusal } from '../kernel/ports.ts'
import { decode } from './codec.ts'
import type { Row } from './db.ts'
import type { Answer, AppendJob, Chunk, Job } from './job.ts'
import { entryOf, Journal, journalBody, readJournal } from './journal.ts'
import * as sql from './sql.ts'
import type { SqliteConnection } from './sqlite-connection.ts'

// ---- at the beginning ---------------------------------------------------------------------

/** What the journal has that the log has not. */
export function openJournal(db: SqliteConnection): Journal {
  const journal = new Journal()
  const threads = new Map<string, Kept[]>()
  for (const { no, body } of db.all(sql.journalRows())) {
    const { erased, chunks } = readJournal(body as string)
    for (const thread of erased) threads.delete(thread)
    for (const chunk of chunks) {
      const kept = threads.get(chunk.thread) ?? []
      threads.set(chunk.thread, kept)
      kept.push({ no: no as number, chunk })
    }
    journal.reach(no as number)
  }
  const lacking = [...threads].flatMap(([thread, kept]) => notInLog(db, thread, kept))
  for (const { no, chunk } of lacking.sort((a, b) => a.no - b.no)) {
    const events = decode(chunk.thread, chunk.firstSeq, chunk.body)
    journal.note(chunk.thread, entryOf(chunk, events, no))
  }
  return journal
}

interface Kept {
  no: number
  chunk: Chunk
}

/** A thread that is not there was erased; and what was settled may still be in the journal. */
function notInLog(db: SqliteConnection, thread: string, kept: Kept[]): Kept[] {
  if (db.all(sql.rowById('threads', thread)).length === 0) return []
  const first = (kept[0] as Kept).chunk.firstSeq
  const packed = db.all(sql.deltaChunks(thread, first - 1, Number.MAX_SAFE_INTEGER))
  const isPacked = ({ firstSeq, lastSeq }: Chunk): boolean =>
    packed.some((r) => (r.first_seq as number) <= firstSeq && lastSeq <= (r.last_seq as number))
  return kept.filter(({ chunk }) => !isPacked(chunk))
}

// ---- what is for the journal --------------------------------------------------------------

/** Appends of deltas, as columns: little to hand over, and nothing to look up. */
export interface Spoken {
  chunks: Chunk[]
  epochs: (number | null)[]
}

/** Where each job of a group goes; a thread with other work keeps its order by going all one way. */
export function part(jobs: Job[]): { rest: Job[]; said: Speech[]; isSaid: boolean[] } {
  const other = new Set(jobs.flatMap((job) => (isSpeech(job) ? [] : threadOf(job))))
  const isSaid = jobs.map((job) => isSpeech(job) && !other.has(job.chunk.thread))
  const said = jobs.filter((_, i) => isSaid[i]) as Speech[]
  return { rest: jobs.filter((_, i) => !isSaid[i]), said, isSaid }
}

export const spokenOf = (said: Speech[]): Spoken => ({
  chunks: said.map((j) => j.chunk),
  epochs: said.map((j) => j.epoch),
})

export type Speech = AppendJob & { said: Event[] }

const isSpeech = (job: Job): job is Speech =>
  job.do === 'append' &&
  job.said !== undefined &&
  job.documents.length + job.absent.length === 0 &&
  job.admission === null

function threadOf(job: Job): string[] {
  switch (job.do) {
    case 'append':
    case 'repack':
      return [job.chunk.thread]
    case 'erase':
    case 'settle':
    case 'reindex':
      return [job.thread]
    case 'run':
    case 'trim':
      return []
  }
}

// ---- in the writing thread ----------------------------------------------------------------

/** What became of the spoken: the row they are in, and those that are not. */
export interface Said {
  no: number
  refused: [index: number, refusal: Refusal][]
}

interface Known {
  seq: number
  epoch: number
}

const KNOWN_LIMIT = 20_000

export class JournalWriter {
  readonly #db: SqliteConnection
  #no: number
  /** The last seq of threads that the journal has something of. */
  readonly heads: Map<string, number>
  /** What the tables and the journal together say of threads that were written to of late. */
  readonly #known = new Map<string, Known>()

  constructor(db: SqliteConnection, no: number, heads: [thread: string, seq: number][]) {
    this.#db = db
    this.#no = no
    this.heads = new Map(heads)
  }

  /** Other work has been done: what is known of the threads it touched is known no more. */
  noticed(jobs: Job[], answers: Answer[]): void {
    const erased = jobs.flatMap((job) => (job.do === 'erase' ? [job.thread] : []))
    if (erased.length > 0) this.#write([], erased)
    for (const thread of erased) this.heads.delete(thread)
    for (const thread of jobs.flatMap(threadOf)) this.#known.delete(thread)
    // A lease that was taken: its statement gives back whose.
    for (const rows of answers)
      if (Array.isArray(rows)) for (const row of rows) this.#known.delete(row.id as string)
    for (const job of jobs)
      if (job.do === 'settle' && this.heads.get(job.thread) === job.chunks.at(-1)?.lastSeq)
        this.heads.delete(job.thread)
  }

  speak({ chunks, epochs }: Spoken): Said {
    this.#look(chunks)
    const said: Chunk[] = []
    const refused: Said['refused'] = []
    chunks.forEach((chunk, i) => {
      const known = this.#known.get(chunk.thread)
      const refusal = refuse(chunk, epochs[i] ?? null, known)
      if (refusal) refused.push([i, refusal])
      else {
        ;(known as Known).seq = chunk.lastSeq
        this.heads.set(chunk.thread, chunk.lastSeq)
        said.push(chunk)
      }
    })
    if (said.length > 0) this.#write(said, [])
    return { no: this.#no, refused }
  }

  #look(chunks: Chunk[]): void {
    if (this.#known.size > KNOWN_LIMIT) this.#known.clear()
    const unknown = new Set(chunks.map((c) => c.thread).filter((t) => !this.#known.has(t)))
    for (const statement of sql.lockThreads([...unknown], NO_LOCKS))
      for (const row of this.#db.all(statement)) this.#learn(row)
  }

  #learn(row: Row): void {
    const id = row.id as string
    const seq = Math.max(row.seq as number, this.heads.get(id) ?? 0)
    this.#known.set(id, { seq, epoch: row.epoch as number })
  }

  #write(chunks: Chunk[], erased: string[]): void {
    this.#no += 1
    this.#db.all(sql.insertJournal(this.#no, journalBody(chunks, erased)))
  }
}

const NO_LOCKS = { held: '', free: '' }

function refuse(
  { firstSeq }: Chunk,
  epoch: number | null,
  known: Known | undefined,
): Refusal | null {
  if (!known) return 'version'
  if (epoch !== null && known.epoch > epoch) return 'fenced'
  return known.seq === firstSeq - 1 ? null : 'version'
}
