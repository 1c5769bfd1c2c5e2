/**
 * Two servers on one PostgreSQL: what is done through one counts for what goes on in the other. The
 * real system's cancel and interrupt end at the process (fault 6), and its queue cannot be read there
 * (fault 8). Without a PostgreSQL this says that it was skipped, and why.
 */

import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openPostgresStore } from '../../src/store/index.ts'
import { startPostgres } from '../support/postgres.ts'
import { isEnd, type Json, type OahServer, script, startOah, type Told } from './oah-server.ts'

const postgres = await startPostgres()
if ('skipped' in postgres) console.warn(`skipped, there is no PostgreSQL: ${postgres.skipped}`)

const HANG = script([{ say: 'I begin' }, { hang: true }])

describe.skipIf('skipped' in postgres)('two servers on one database', () => {
  let one: OahServer
  let other: OahServer
  let folder: string

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'manifold-oah-two-'))
    const url = 'url' in postgres ? postgres.url : ''
    const schema = `test_${randomUUID().replaceAll('-', '')}`
    const world = {
      folder,
      open: () => openPostgresStore({ url, schema }),
      settings: { pollMs: 50, leaseMs: 3_000 },
    }
    one = await startOah({ world })
    other = await startOah({ world })
  })

  afterAll(async () => {
    await one.stop(false)
    await other.stop(false)
    rmSync(folder, { recursive: true, force: true })
    if ('url' in postgres) await postgres.stop()
  })

  const speaks = (run: unknown) => (f: Told) => f.event === 'message.delta' && f.data.runId === run

  it('cancel, interrupt and guide reach what the other one does', async () => {
    const session = await one.newSession()
    const { runId } = await one.say(session, HANG)
    await other.stream(session, speaks(runId))
    await other.ask('POST', `/api/v1/runs/${runId}/cancel`)
    expect(await one.ended(runId as string)).toMatchObject({ status: 'cancelled' })
    const second = await one.say(session, HANG)
    await one.stream(session, speaks(second.runId))
    const urgent = await other.say(session, 'now', { runningRunBehavior: 'interrupt' })
    expect(await one.ended(urgent.runId as string)).toMatchObject({ status: 'completed' })
    expect(await other.ended(second.runId as string)).toMatchObject({ status: 'cancelled' })
    const third = await other.say(session, HANG)
    await one.stream(session, speaks(third.runId))
    const waiting = await one.say(session, 'guided')
    await other.ask('POST', `/api/v1/runs/${waiting.runId}/guide`)
    expect(await other.ended(waiting.runId as string)).toMatchObject({ status: 'completed' })
    const told = await one.stream(session, isEnd(waiting.runId))
    const same = await other.stream(session, isEnd(waiting.runId))
    expect(same).toEqual(told)
    expect(told.map((f) => f.id)).toEqual(told.map((_, i) => i))
  })

  it('the queue can be read from both while something waits', async () => {
    const session = await one.newSession()
    const { runId } = await one.say(session, HANG)
    await one.stream(session, speaks(runId))
    const waiting = await other.say(session, 'waits')
    for (const server of [one, other]) {
      const path = `/api/v1/sessions/${session}/queue`
      const { status, body } = await server.ask<{ items: Json[] }>('GET', path)
      expect([status, body.items.map((i) => i.runId)]).toEqual([200, [waiting.runId]])
      expect(body.items[0]?.createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    }
    await other.ask('POST', `/api/v1/runs/${runId}/cancel`)
    expect(await other.ended(waiting.runId as string)).toMatchObject({ status: 'completed' })
  })

  it('what one makes is there for the other', async () => {
    const workspace = await one.newWorkspace({ name: 'shared' })
    const { body } = await other.ask('GET', `/api/v1/workspaces/${workspace}`)
    expect(body).toMatchObject({ id: workspace, name: 'shared' })
    const session = await other.newSession(workspace)
    const list = await one.ask<{ items: Json[] }>('GET', `/api/v1/workspaces/${workspace}/sessions`)
    expect(list.body.items.map((s) => s.id)).toEqual([session])
  })
})
