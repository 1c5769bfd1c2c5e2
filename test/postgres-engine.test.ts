/**
 * The engine on PostgreSQL: alone, as several engines on one database, and as processes that are
 * killed and stopped. Without a PostgreSQL it says that it was skipped, and why.
 */

import { afterAll, describe } from 'vitest'
import { alone } from './postgres-engine/alone.ts'
import { processes } from './postgres-engine/processes.ts'
import { takeover } from './postgres-engine/takeover.ts'
import { together } from './postgres-engine/together.ts'
import { startPostgres } from './support/postgres.ts'

const postgres = await startPostgres()
afterAll(async () => {
  if ('url' in postgres) await postgres.stop()
})

if ('skipped' in postgres) console.warn(`PostgreSQL tests are skipped: ${postgres.skipped}`)

describe.skipIf('skipped' in postgres)('the engine on PostgreSQL', () => {
  const url = 'url' in postgres ? postgres.url : ''
  describe('in one process', () => alone(url))
  describe('in several', () => together(url))
  describe('taken over', () => takeover(url))
  describe('as processes', () => processes(url))
})
