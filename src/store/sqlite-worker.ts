/**
 * The thread that writes. It has the only writing connection: a group of jobs comes in, is
 * committed and synced, and its answers go out. After a failed commit it does nothing more.
 */

import { parentPort, workerData } from 'node:worker_threads'
import type { Row, Statement } from './db.ts'
import type { Answer, Job } from './job.ts'
import { connect, type SqliteConnection } from './sqlite-connection.ts'
import { loadSqlite } from './sqlite-library.ts'
import { type Transaction, transact } from './transact.ts'

export interface WorkerSettings {
  file: string
  /** The file may not grow past that many pages. */
  maxPages: number | null
}

export type Request = { do: 'open' } | { do: 'commit'; jobs: Job[] } | { do: 'close' }

export type Response =
  | { is: 'open' }
  | { is: 'committed'; answers: Answer[] }
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

function commit(db: SqliteConnection, jobs: Job[]): Answer[] {
  db.exec('begin immediate')
  const { answers, rest } = perform(db, transact(jobs, NO_LOCKS))
  for (const statement of rest) db.all(statement)
  db.exec('commit')
  return answers
}

function tidy(db: SqliteConnection): void {
  const [row] = db.all({ text: 'pragma freelist_count', params: [] })
  if ((row?.freelist_count as number) > SPARE_PAGES)
    db.exec(`pragma incremental_vacuum(${RETURNED_PAGES})`)
}

const freesSpace = (job: Job): boolean => job.do === 'repack' || job.do === 'erase'

async function serve(settings: WorkerSettings): Promise<void> {
  const library = await loadSqlite()
  let db: SqliteConnection | null = null
  const say = (response: Response): void => parentPort?.postMessage(response)
  const handle = (request: Request): void => {
    if (request.do === 'open') {
      db = connect(library, settings.file)
      if (settings.maxPages) db.exec(`pragma max_page_count = ${settings.maxPages}`)
      say({ is: 'open' })
    } else if (request.do === 'commit' && db) {
      say({ is: 'committed', answers: commit(db, request.jobs) })
      if (request.jobs.some(freesSpace)) tidy(db)
    } else if (request.do === 'close') {
      // Left over words in the write-ahead log are how an end that was not clean is known.
      db?.exec('pragma wal_checkpoint(truncate)')
      db?.close()
      db = null
      say({ is: 'closed' })
      parentPort?.close()
    }
  }
  parentPort?.on('message', (request: Request) => {
    try {
      handle(request)
    } catch (error) {
      db?.close()
      db = null
      say({ is: 'failed', message: (error as Error).message })
    }
  })
}

void serve(workerData as WorkerSettings)
