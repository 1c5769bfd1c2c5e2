/** One connection to the file, with the settings that make it safe, and its prepared statements. */

import type { Row, Statement, Value } from './db.ts'
import type { Sqlite, SqliteLibrary } from './sqlite-library.ts'

const PREPARED_LIMIT = 500

interface Prepared {
  statement: { all(...params: Value[]): Row[] }
  /** Which parameter each mark of the text stands for, from 0. */
  order: number[]
}

export interface SqliteConnection {
  all(statement: Statement): Row[]
  exec(text: string): void
  close(): void
}

export function connect(library: SqliteLibrary, file: string): SqliteConnection {
  const db = new library.DatabaseSync(file)
  db.exec(`
    pragma busy_timeout = 10000;
    pragma auto_vacuum = incremental;
    pragma journal_mode = wal;
    pragma synchronous = full;
    pragma foreign_keys = on;
    pragma journal_size_limit = 67108864;
    pragma temp_store = memory;
  `)
  const prepared = new Map<string, Prepared>()

  function prepare(text: string): Prepared {
    const known = prepared.get(text)
    if (known) return known
    if (prepared.size >= PREPARED_LIMIT) prepared.clear()
    const made = prepareIn(db, text)
    prepared.set(text, made)
    return made
  }

  return {
    all: ({ text, params }) => {
      const { statement, order } = prepare(text)
      return statement.all(...order.map((i) => params[i] as Value))
    },
    exec: (text) => db.exec(text),
    close: () => {
      prepared.clear()
      db.close()
    },
  }
}

/** SQLite binds by position: each `$n` becomes a mark, and a parameter named twice is bound twice. */
function prepareIn(db: Sqlite, text: string): Prepared {
  const order: number[] = []
  const marked = text.replace(/\$(\d+)/g, (_, n: string) => {
    order.push(Number(n) - 1)
    return '?'
  })
  return { statement: db.prepare(marked), order }
}

/** The first value of the first row. */
export const oneValue = (db: SqliteConnection, text: string): Value =>
  Object.values(db.all({ text, params: [] })[0] ?? {})[0] ?? null
