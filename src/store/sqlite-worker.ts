/**
 * The thread that writes. It has the only writing connection: a group of jobs comes in, is
 * committed and synced, and its answers go out. After a failed commit it does nothing more.
 */

import { parentPort, workerData } from 'node:worker_threads'
import type { Row, Statement } from './db.ts'
import type { Answer, Job } from './job.ts'
import { connect, type SqliteConnection } from './sqlite-connection.ts'
import { JournalWriter, type Said, type Spoken } from './sqlite-journal.ts'
import { loadSqlite, resultCode } from './sqlite-library.ts'
import { type Transaction, transact } from './transact.ts'

export interface WorkerSettings {
  file: string
  /** The file may not grow past that many pages. */
  maxPages: number | null
}

export type Request =
  /** The journal as it is: its last row, and the last seq of each thread in it. */
  | { do: 'open'; no: number; heads: [thread: string, seq: number][] }
  | { do: 'commit'; jobs: Job[]; spoken: Spoken }
  | { do: 'close' }

export type Response =
  | { is: 'open' }
  | { is: 'committed'; answers: Answer[]; said: Said }
  /** Nothing was written, for the data of one of the jobs cannot be. */
  | { is: 'unfit'; reason: string }
  | { is: 'closed' }
  | { is: 'failed'; message: string }

const NO_LOCKS = { held: '', free: '' }

/** Free pages are given back when there are many, a few at a time. */
const SPARE_PAGES = 1024
const RETURNED_PAGES = 512

function perform<T>(db: SqliteConnection, transaction: Transaction<T>): T {
  let step = transaction.next()
  while (!step.done) {
    const rows: Row[][] = step.value.map((statement: Statement) => db.all(statement))
    step = transaction.next(rows)
  }
  return step.value
}

interface Open {
  db: SqliteConnection
  journal: JournalWriter
}

const isFleeting = (job: Job): boolean => job.do === 'run' && job.isFleeting === true

/** Leases alone are written without waiting for the disk; the next commit that waits has them too. */
function commit(open: Open, jobs: Job[], spoken: Spoken): Response {
  const isLasting = spoken.chunks.length > 0 || !jobs.every(isFleeting)
  if (isLasting) return commitNow(open, jobs, spoken)
  open.db.exec('pragma synchronous = normal')
  const response = commitNow(open, jobs, spoken)
  open.db.exec('pragma synchronous = full')
  return response
}

function commitNow({ db, journal }: Open, jobs: Job[], spoken: Spoken): Response {
  db.exec('begin immediate')
  let answers: Answer[]
  try {
    const done = perform(db, transact(jobs, NO_LOCKS, journal.heads))
    for (const statement of done.rest) db.all(statement)
    answers = done.answers
  } catch (error) {
    if (!isOfData(error)) throw error
    db.exec('rollback')
    return { is: 'unfit', reason: (error as Error).message }
  }
  journal.noticed(jobs, answers)
  const said = journal.speak(spoken)
  db.exec('commit')
  return { is: 'committed', answers, said }
}

/** SQLITE_TOOBIG, SQLITE_CONSTRAINT, SQLITE_MISMATCH. */
const isOfData = (error: unknown): boolean => [18, 19, 20].includes(resultCode(error))

/** Answers whether there is more to give back. */
function tidy(db: SqliteConnection): boolean {
  const [row] = db.all({ text: 'pragma freelist_count', params: [] })
  const spare = row?.freelist_count as number
  if (spare <= SPARE_PAGES) return false
  db.exec(`pragma incremental_vacuum(${RETURNED_PAGES})`)
  return spare - RETURNED_PAGES > SPARE_PAGES
}

const freesSpace = (job: Job): boolean =>
  job.do === 'repack' || job.do === 'settle' || job.do === 'trim' || job.do === 'erase'

async function serve(settings: WorkerSettings): Promise<void> {
  const library = await loadSqlite()
  let open: Open | null = null
  let hasSpare = false
  const say = (response: Response): void => parentPort?.postMessage(response)
  const handle = (request: Request): void => {
    if (request.do === 'open') {
      const db = connect(library, settings.file)
      if (settings.maxPages) db.exec(`pragma max_page_count = ${settings.maxPages}`)
      open = { db, journal: new JournalWriter(db, request.no, request.heads) }
      say({ is: 'open' })
    } else if (request.do === 'commit' && open) {
      say(commit(open, request.jobs, request.spoken))
      if (hasSpare || request.jobs.some(freesSpace)) hasSpare = tidy(open.db)
    } else if (request.do === 'close') {
      // Left over words in the write-ahead log are how an end that was not clean is known.
      open?.db.exec('pragma wal_checkpoint(truncate)')
      open?.db.close()
      open = null
      say({ is: 'closed' })
      parentPort?.close()
    }
  }
  parentPort?.on('message', (request: Request) => {
    try {
      handle(request)
    } catch (error) {
      open?.db.close()
      open = null
      say({ is: 'failed', message: (error as Error).message })
    }
  })
}

void serve(workerData as WorkerSettings)
