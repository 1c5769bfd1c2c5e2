/**
 * What the Store port promises, on SQLite and on PostgreSQL. Without a PostgreSQL that half says
 * that it was skipped, and why.
 */

import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, onTestFinished } from 'vitest'
import { openPostgresStore, openSqliteStore } from '../src/store/index.ts'
import { appending } from './store-contract/append.ts'
import { type Backend, closing } from './store-contract/backend.ts'
import { feeding } from './store-contract/feeding.ts'
import { lastRuns } from './store-contract/last-runs.ts'
import { leasing } from './store-contract/leases.ts'
import { listing } from './store-contract/lists.ts'
import { packing } from './store-contract/packing.ts'
import { refusing } from './store-contract/refusing.ts'
import { removing } from './store-contract/removal.ts'
import { reopening } from './store-contract/reopening.ts'
import { severing } from './store-contract/severing.ts'
import { sharing } from './store-contract/sharing.ts'
import { startPostgres } from './support/postgres.ts'

const postgres = await startPostgres()
afterAll(async () => {
  if ('url' in postgres) await postgres.stop()
})

const sqlite: Backend = {
  name: 'SQLite',
  isShared: false,
  place: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'manifold-store-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const open = async () => closing(await openSqliteStore({ folder }))
    return { store: await open(), open, address: { kind: 'sqlite', folder } }
  },
}

const server = (url: string): Backend => ({
  name: 'PostgreSQL',
  isShared: true,
  place: async () => {
    const schema = `test_${randomUUID().replaceAll('-', '')}`
    const open = async () => closing(await openPostgresStore({ url, schema }))
    return { store: await open(), open, address: { kind: 'postgres', url, schema } }
  },
})

function contract(backend: Backend): void {
  describe('append', () => appending(backend))
  describe('leases', () => leasing(backend))
  describe('feed', () => feeding(backend))
  describe('pack', () => packing(backend))
  describe('lists', () => listing(backend))
  describe('last runs', () => lastRuns(backend))
  describe('refusal', () => refusing(backend))
  describe('removal', () => removing(backend))
  describe('reopening', () => reopening(backend))
}

describe('store on SQLite', () => contract(sqlite))

if ('skipped' in postgres) console.warn(`PostgreSQL tests are skipped: ${postgres.skipped}`)

describe.skipIf('skipped' in postgres)('store on PostgreSQL', () => {
  const backend = server('url' in postgres ? postgres.url : '')
  contract(backend)
  describe('shared by processes', () => sharing(backend))
  describe('cut off', () => severing(backend))
})
