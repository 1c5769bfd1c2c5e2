/** What only the store in a folder does: its lock, its files, a full disk, damage, migrations. */

import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Fault } from '../src/kernel/fault.ts'
import { openSqliteStore } from '../src/store/index.ts'
import { migrations } from '../src/store/migrations.ts'
import { connect, type SqliteConnection } from '../src/store/sqlite-connection.ts'
import { loadSqlite } from '../src/store/sqlite-library.ts'
import { migrate } from '../src/store/sqlite-upkeep.ts'
import { facts } from './given.ts'
import { readAll, speaking } from './store-contract/author.ts'
import { closing } from './store-contract/backend.ts'
import { dice } from './store-contract/random.ts'

const page = { limit: 9, offset: 0 }

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'manifold-sqlite-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'data')
}

async function inspect<T>(folder: string, look: (db: SqliteConnection) => T): Promise<T> {
  const db = connect(await loadSqlite(), join(folder, 'manifold.db'))
  try {
    return look(db)
  } finally {
    db.close()
  }
}

const rows = (db: SqliteConnection, text: string) => db.all({ text, params: [] })

/** The tables and indexes, as `schema.sql` has them. */
const dump = (db: SqliteConnection): string =>
  rows(db, 'select sql from sqlite_master where sql is not null order by name')
    .map((r) => `${r.sql};\n`)
    .join('\n')

describe('the data folder', () => {
  it('belongs to one process; a second one is told who has it', async () => {
    const folder = newFolder()
    const store = closing(await openSqliteStore({ folder }))
    const refused = openSqliteStore({ folder })
    await expect(refused).rejects.toThrow(Fault)
    await expect(refused).rejects.toThrow(folder)
    await expect(refused).rejects.toThrow(`process ${process.pid}`)
    const author = await speaking(store, 't1')
    await expect(openSqliteStore({ folder })).rejects.toThrow('in use')
    await store.close()
    expect(await readAll(closing(await openSqliteStore({ folder })), 't1')).toEqual(author.events)
  })

  it('is readable by its owner only', async () => {
    const folder = newFolder()
    const store = closing(await openSqliteStore({ folder }))
    await speaking(store, 't1')
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(readdirSync(folder).sort()).toEqual([
      'lock.db',
      'lock.pid',
      'manifold.db',
      'manifold.db-shm',
      'manifold.db-wal',
    ])
    for (const name of readdirSync(folder))
      expect([name, statSync(join(folder, name)).mode & 0o777]).toEqual([name, 0o600])
  })

  it('syncs every commit', async () => {
    const folder = newFolder()
    await (await openSqliteStore({ folder })).close()
    const [mode, sync] = await inspect(folder, (db) => [
      rows(db, 'pragma journal_mode')[0]?.journal_mode,
      rows(db, 'pragma synchronous')[0]?.synchronous,
    ])
    expect([mode, sync]).toEqual(['wal', 2])
  })
})

describe('a commit that fails', () => {
  it('ends the store; what was acknowledged is safe', async () => {
    const folder = newFolder()
    const failures: Error[] = []
    const onFatal = (error: Error): void => void failures.push(error)
    const store = closing(await openSqliteStore({ folder, onFatal, maxPages: 120 }))
    const author = await speaking(store, 't1')
    const other = await speaking(store, 't2')
    const fill = async (): Promise<void> => {
      for (let i = 0; i < 100; i++) await author.write([facts.text('t1-run', 'x'.repeat(20_000))])
    }
    await expect(fill()).rejects.toThrow('full')
    expect(failures).toHaveLength(1)
    await expect(other.write([facts.text('t2-run', 'x')])).rejects.toThrow('takes no more work')
    await expect(store.threads(page)).rejects.toThrow('takes no more work')
    await expect(store.claim('w', 1, 2, 1)).rejects.toThrow('takes no more work')
    expect(failures).toHaveLength(1)
    await store.close()
    const again = closing(await openSqliteStore({ folder }))
    expect(await readAll(again, 't1')).toEqual(author.events)
    expect(await readAll(again, 't2')).toEqual(other.events)
    expect(author.events.length).toBeGreaterThan(5)
  })
})

describe('a read that fails', () => {
  it('ends the store, for the file is damaged', async () => {
    const folder = newFolder()
    const store = await openSqliteStore({ folder })
    for (let i = 0; i < 50; i++)
      await store.put({ kind: 'k', key: `${i}`, body: 'y'.repeat(20_000) })
    await store.close()
    const file = join(folder, 'manifold.db')
    const bytes = readFileSync(file)
    bytes.fill(0xee, bytes.length / 2)
    writeFileSync(file, bytes)
    const failures: Error[] = []
    const onFatal = (error: Error): void => void failures.push(error)
    const again = closing(await openSqliteStore({ folder, onFatal }))
    await expect(again.list('k')).rejects.toThrow('malformed')
    expect(failures).toHaveLength(1)
    await expect(again.threads(page)).rejects.toThrow('takes no more work')
  })
})

describe('opening', () => {
  it('refuses a damaged file after an end that was not clean', async () => {
    const folder = newFolder()
    const store = await openSqliteStore({ folder })
    const author = await speaking(store, 't1')
    for (let i = 0; i < 20; i++) await author.write([facts.text('t1-run', 'y'.repeat(5000))])
    await store.close()
    const file = join(folder, 'manifold.db')
    const bytes = readFileSync(file)
    bytes.fill(0xee, 4096 * 2, 4096 * 12)
    writeFileSync(file, bytes)
    writeFileSync(`${file}-wal`, 'left behind')
    await expect(openSqliteStore({ folder })).rejects.toThrow('damaged')
  })

  it('frees the leases of the process before, and keeps their epochs', async () => {
    const folder = newFolder()
    const store = await openSqliteStore({ folder })
    await speaking(store, 't1')
    expect(await store.claim('w1', 1, 1e15, 5)).toEqual([{ thread: 't1', epoch: 1 }])
    await store.close()
    const again = closing(await openSqliteStore({ folder }))
    expect(await again.claim('w2', 2, 1e15, 5)).toEqual([{ thread: 't1', epoch: 2 }])
  })

  it('refuses a store that a newer version has written', async () => {
    const folder = newFolder()
    await (await openSqliteStore({ folder })).close()
    await inspect(folder, (db) =>
      db.exec("insert into migrations (number, name, applied_at) values (9999, '9999_new.sql', 1)"),
    )
    await expect(openSqliteStore({ folder })).rejects.toThrow('newer Manifold')
    await inspect(folder, (db) => db.exec('delete from migrations where number = 9999'))
    closing(await openSqliteStore({ folder }))
  })

  it('makes rows again that an older program wrote', async () => {
    const folder = newFolder()
    const store = await openSqliteStore({ folder })
    await speaking(store, 't1')
    const row = await store.thread('t1')
    await store.close()
    await inspect(folder, (db) => db.exec('update threads set workspace = null'))
    const again = closing(await openSqliteStore({ folder }))
    expect(await again.thread('t1')).toEqual(row)
    expect(row?.workspace).toBe('/w')
  })

  it('copies the file before it changes its tables', async () => {
    const folder = newFolder()
    const store = await openSqliteStore({ folder })
    const author = await speaking(store, 't1')
    await store.close()
    const next = { number: 9998, name: '9998_next.sql', text: 'create table later (x TEXT);' }
    await inspect(folder, (db) => migrate(db, folder, [...migrations(), next]))
    await inspect(folder, (db) => migrate(db, folder, [...migrations(), next]))
    const backups = readdirSync(join(folder, 'backups'))
    expect(backups).toHaveLength(1)
    const backup = join(folder, 'backups', backups[0] as string)
    expect(statSync(backup).mode & 0o777).toBe(0o600)
    const copy = connect(await loadSqlite(), backup)
    const count = rows(copy, "select seq from threads where id = 't1'")[0]?.seq
    expect([count, dump(copy).includes('later')]).toEqual([author.thread.seq, false])
    copy.close()
    expect(await inspect(folder, dump)).toContain('later')
  })

  it('keeps a copy for a month, and touches no other file beside it', async () => {
    const folder = newFolder()
    await (await openSqliteStore({ folder })).close()
    const day = 24 * 3_600_000
    const [old, young] = [31, 29].map((days) => `manifold-3-${Date.now() - days * day}.db`)
    const names = [old, young, 'manifold-mine.db'] as string[]
    mkdirSync(join(folder, 'backups'))
    for (const name of names) writeFileSync(join(folder, 'backups', name), '')
    closing(await openSqliteStore({ folder }))
    expect(readdirSync(join(folder, 'backups')).sort()).toEqual([young, 'manifold-mine.db'])
  })

  it('keeps the answers and the prompts that an older program wrote for as long as they count', async () => {
    const folder = newFolder()
    await (await openSqliteStore({ folder })).close()
    rmSync(join(folder, 'manifold.db'))
    await inspect(folder, (db) => {
      migrate(db, folder, migrations().slice(0, 3))
      const put = "insert into documents (kind, key, body) values ('idempotency', 'k', '1')"
      db.exec(`${put}, ('instructions', 'h', '"prompt"'), ('k', 'k', '1')`)
    })
    const store = closing(await openSqliteStore({ folder }))
    expect(await store.named('instructions', 'h')).toBe('prompt')
    const week = 7 * 24 * 3_600_000
    await store.dropExpired(week - 1)
    expect(await store.get('idempotency', 'k')).toBe(1)
    await store.dropExpired(week)
    expect(await store.get('idempotency', 'k')).toBeNull()
    expect(await store.get('k', 'k')).toBe(1)
  })

  it('makes the tables that schema.sql shows', async () => {
    const folder = newFolder()
    await (await openSqliteStore({ folder })).close()
    const schema = readFileSync(new URL('../src/store/schema.sql', import.meta.url), 'utf8')
    expect(await inspect(folder, dump)).toBe(schema)
  })
})

describe('space', () => {
  it('a packed stream takes less than one and a half times its text', async () => {
    const folder = newFolder()
    const store = await openSqliteStore({ folder })
    const author = await speaking(store, 't1')
    const d = dice(5)
    const words =
      'the a of to and is in it you that he was for on are with as his they be at one have this'
    let text = ''
    while (text.length < 4000)
      text += `${d.pick(words.split(' '))}${d.pick([' ', ' ', ', ', '. '])}`
    const pieces = text.match(/.{1,4}/gs) ?? []
    for (const piece of pieces) await author.write([facts.text('t1-run', piece)])
    await store.pack('t1', author.thread.seq)
    expect(await readAll(store, 't1')).toEqual(author.events)
    await store.close()
    const bytes = await inspect(folder, (db) => {
      const sum = 'select sum(length(body) + 2 * length(thread) + 40) as bytes, count(*) as count'
      return rows(db, `${sum} from log where pos is null`)[0]
    })
    expect(bytes?.count).toBe(1)
    expect(bytes?.bytes).toBeLessThan(text.length * 1.5)
  })

  it('gives back what packing has freed', async () => {
    const folder = newFolder()
    const store = closing(await openSqliteStore({ folder }))
    const author = await speaking(store, 't1')
    for (let i = 0; i < 3; i++) await author.write([facts.text('t1-run', 'z'.repeat(2_500_000))])
    const before = Number((await store.health()).freePages)
    await store.erase('t1')
    await store.drop('k', 'waits for the writer to be done')
    const after = Number((await store.health()).freePages)
    expect(before).toBe(0)
    expect(after).toBeLessThan(7_500_000 / 4096 - 400)
  })
})
