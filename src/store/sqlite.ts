/**
 * The store in a folder: SQLite with one writing thread, and reads on a connection of the main
 * thread. A folder belongs to one process at a time.
 */

import { existsSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Store } from '../kernel/ports.ts'
import { Damage, type Db } from './db.ts'
import { fillRows } from './filling.ts'
import { commitFitting } from './fitting.ts'
import { createPrivate, lockFolder, openFolder } from './folder-lock.ts'
import type { Answer, Job, Unfit } from './job.ts'
import { entryOf, type Journal } from './journal.ts'
import { freeAllLeases } from './sql.ts'
import { connect, oneValue, type SqliteConnection } from './sqlite-connection.ts'
import { openJournal, part, spokenOf } from './sqlite-journal.ts'
import { loadSqlite, resultCode, type SqliteLibrary } from './sqlite-library.ts'
import { check, migrate } from './sqlite-upkeep.ts'
import type { Request, Response, WorkerSettings } from './sqlite-worker.ts'
import { createStore } from './store.ts'

export interface SqliteOptions {
  /** Is created when it is not there, readable by its owner only. */
  folder: string
  onFatal?: (error: Error) => void
  /** The file may not grow past that many pages of 4 KiB. For quotas, and to test a full disk. */
  maxPages?: number
}

/** Files up to this size are checked before use when the last process did not end well. */
const CHECKED_BYTES = 256 * 1024 * 1024

export async function openSqliteStore(options: SqliteOptions): Promise<Store> {
  const { folder, maxPages = null } = options
  openFolder(folder)
  const library = await loadSqlite()
  const unlock = lockFolder(library, folder)
  const file = join(folder, 'manifold.db')
  const thread = startWriter({ file, maxPages })
  try {
    const db = openFile(library, folder, file)
    const journal = openJournal(db)
    const heads = journal.threads().map((t): [string, number] => [t, journal.lastSeq(t)])
    await thread.ask({ do: 'open', no: journal.top, heads })
    const parts = sqliteDb({ db, file, thread, journal, unlock })
    const store = createStore(parts, options.onFatal)
    await fillRows(store, parts.all)
    return store
  } catch (error) {
    await thread.kill()
    unlock()
    throw error
  }
}

/** The connection that reads, to a file that is sound and up to date. */
function openFile(library: SqliteLibrary, folder: string, file: string): SqliteConnection {
  const isUnclean = existsSync(`${file}-wal`) && statSync(`${file}-wal`).size > 0
  createPrivate(file)
  const db = connect(library, file)
  try {
    if (isUnclean && statSync(file).size <= CHECKED_BYTES) check(db, 'quick_check')
    migrate(db, folder)
    // Whoever held a lease is gone: the folder is this process's alone.
    db.all(freeAllLeases())
    db.exec('pragma query_only = on')
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

interface Parts {
  db: SqliteConnection
  file: string
  thread: WriterThread
  journal: Journal
  unlock: () => void
}

const sqliteDb = ({ db, file, thread, journal, unlock }: Parts): Db => ({
  locks: { held: '', free: '' },
  isShared: false,
  depth: 4,
  journal,
  all: async (statement) => {
    try {
      return db.all(statement)
    } catch (error) {
      throw isDamage(error) ? new Damage(error as Error) : error
    }
  },
  commit: (jobs) => commitFitting(jobs, (some) => commit(thread, journal, some)),
  // Nobody else writes to the folder, so nothing is ever heard.
  onAdvance: () => () => {},
  wake: async () => {},
  onWake: () => () => {},
  health: async () => ({
    kind: 'sqlite',
    version: oneValue(db, 'select sqlite_version() as value'),
    file,
    bytes: statSync(file).size,
    walBytes: existsSync(`${file}-wal`) ? statSync(`${file}-wal`).size : 0,
    freePages: oneValue(db, 'pragma freelist_count'),
    migration: oneValue(db, 'select max(number) as value from migrations'),
  }),
  close: async () => {
    try {
      db.close()
      await thread.close()
    } finally {
      unlock()
    }
  },
})

/** Deltas go the short way. They are in memory before anybody is told that they are on disk. */
async function commit(
  thread: WriterThread,
  journal: Journal,
  jobs: Job[],
): Promise<Answer[] | Unfit> {
  const { rest, said, isSaid } = part(jobs)
  const response = await thread.ask({ do: 'commit', jobs: rest, spoken: spokenOf(said) })
  if (response.is === 'unfit') return { unfit: response.reason }
  if (response.is !== 'committed') throw new Error('the writing thread gave no answers')
  const { no, refused } = response.said
  const refusals = new Map(refused)
  journal.reach(no)
  said.forEach(({ chunk, said: events }, i) => {
    if (!refusals.has(i)) journal.note(chunk.thread, entryOf(chunk, events, no))
  })
  let [told, heard] = [0, 0]
  return jobs.map((_, i) =>
    isSaid[i] ? (refusals.get(heard++) ?? null) : (response.answers[told++] ?? null),
  )
}

/** SQLITE_IOERR, SQLITE_CORRUPT, SQLITE_NOTADB. */
const isDamage = (error: unknown): boolean => [10, 11, 26].includes(resultCode(error))

// ---- the writing thread -------------------------------------------------------------------

interface WriterThread {
  /** Requests are answered one after the other. */
  ask(request: Request): Promise<Response>
  close(): Promise<void>
  kill(): Promise<void>
}

function startWriter(settings: WorkerSettings): WriterThread {
  const worker = new Worker(...workerSource(settings))
  const waiting: { resolve(response: Response): void; reject(error: Error): void }[] = []
  let failure: Error | null = null
  const fail = (error: Error): void => {
    failure ??= error
    for (const { reject } of waiting.splice(0)) reject(error)
  }
  worker.on('message', (response: Response) => {
    if (response.is === 'failed') fail(new Error(response.message))
    else waiting.shift()?.resolve(response)
  })
  worker.on('error', fail)
  worker.on('exit', () => fail(new Error('the writing thread has ended')))
  const ask = (request: Request): Promise<Response> =>
    new Promise((resolve, reject) => {
      if (failure) return reject(failure)
      waiting.push({ resolve, reject })
      worker.postMessage(request)
    })
  const kill = async (): Promise<void> => void (await worker.terminate())
  const close = async (): Promise<void> => {
    try {
      if (!failure) await ask({ do: 'close' })
    } finally {
      await kill()
    }
  }
  return { ask, close, kill }
}

/** Compiled, the thread is a script beside this one; from source it first needs a loader of types. */
function workerSource(workerData: WorkerSettings): ConstructorParameters<typeof Worker> {
  if (!import.meta.url.endsWith('.ts'))
    return [new URL('./sqlite-worker.js', import.meta.url), { workerData, execArgv: [] }]
  const loader = createRequire(import.meta.url).resolve('tsx/cjs/api')
  const script = fileURLToPath(new URL('./sqlite-worker.ts', import.meta.url))
  const boot = `require(${JSON.stringify(loader)}).register(); require(${JSON.stringify(script)})`
  return [boot, { eval: true, workerData, execArgv: [] }]
}
