/** What the native API tells and does beside threads: agents' files, grants, jobs, figures. */

import { afterAll, beforeAll, expect, it } from 'vitest'
import { openProduct, type Product } from '../support/product.ts'
import { framesUntil } from '../support/sse.ts'

const AT = '/manifold/v1'
let product: Product

beforeAll(async () => {
  product = await openProduct({ model: 'scripted:x' })
})

afterAll(() => product.close())

const ask = (method: string, path: string, body?: unknown, headers = {}) =>
  product.ask(method, AT + path, body, headers)
const script = (...turns: unknown[]): string => `script ${JSON.stringify(turns)}`
const told = (thread: string, type: string, after = 0) =>
  framesUntil(
    `${product.url}${AT}/threads/${thread}/stream?after=${after}`,
    (f) => f.event === type,
  )

it('an agent is written as it was read, or not at all', async () => {
  const config = { description: 'Writes.', model: 'scripted:x' }
  expect((await ask('POST', '/agents', { name: 'writer', config })).status).toBe(201)
  expect((await ask('POST', '/agents', { name: 'writer' })).body.error.code).toBe('conflict')
  const { revision } = (await ask('GET', '/agents/writer/source')).body
  const edited = await ask('PUT', '/agents/writer', { instructions: 'Be brief.', revision })
  expect(edited.body).toMatchObject({ about: 'Writes.', instructions: 'Be brief.' })
  const late = await ask('PUT', '/agents/writer', { instructions: 'Be long.', revision })
  expect([late.status, late.body.error.code]).toEqual([409, 'stale'])
  const wrong = await ask('PUT', '/agents/writer', { config: { limits: { turns: 'many' } } })
  expect(wrong.body.error).toMatchObject({ code: 'invalid' })
  expect(wrong.body.error.message).toContain('limits.turns')
  expect((await ask('GET', '/agents/writer')).body).toMatchObject({ instructions: 'Be brief.' })
})

it('a model that cannot answer says why, and one that can what it said', async () => {
  const good = (await ask('POST', '/agents/writer/check')).body
  expect(good).toMatchObject({ ok: true, trouble: null, text: expect.stringContaining('ready') })
  const keyless = await ask('POST', '/agents/writer/check', {
    model: 'anthropic:claude-sonnet-4-5',
  })
  expect(keyless.body).toMatchObject({ ok: false, trouble: { code: 'no_credentials' } })
  const nowhere = await ask('POST', '/agents/writer/check', { model: 'nowhere:x' })
  expect(nowhere.body).toMatchObject({ ok: false, trouble: { code: 'unknown_model' } })
})

it('what was allowed for good is asked again once it is taken back', async () => {
  const writes = script([{ call: 'write', input: { path: 'b.txt', content: 'x' } }])
  const { thread } = (await ask('POST', '/runs', { input: writes })).body
  await told(thread, 'ask.opened')
  const [asked] = (await ask('GET', `/asks?thread=${thread}`)).body.items
  await ask('POST', `/asks/${asked.id}/answer`, { allow: true, remember: true })
  await told(thread, 'run.ended')
  const [grant] = (await ask('GET', '/agents/assistant/grants')).body.items
  const never = { tool: 'write', pattern: 'never' }
  expect((await ask('POST', '/agents/assistant/grants/revoke', never)).status).toBe(404)
  await ask('POST', '/agents/assistant/grants/revoke', grant)
  const { seq } = (await ask('GET', `/threads/${thread}`)).body
  await ask('POST', `/threads/${thread}/submit`, { input: writes })
  await told(thread, 'ask.opened', seq)
})

it('a task that is done can be done once more, and its runs are what became of it', async () => {
  const made = await ask('POST', '/jobs', { kind: 'task', body: script([{ say: 'Done.' }]) })
  const { id } = made.body
  const stage = async () => (await ask('GET', `/jobs/${id}`)).body.stage
  await expect.poll(stage, { timeout: 20_000 }).toBe('done')
  expect((await ask('POST', `/jobs/${id}/run`)).status).toBe(202)
  const done = async () =>
    (await ask('GET', `/jobs/${id}`)).body.occurrences.map((o: { status: string }) => o.status)
  await expect.poll(done, { timeout: 20_000 }).toEqual(['completed', 'completed'])
  const { body } = await ask('PATCH', `/jobs/${id}`, { schedule: 'FREQ=DAILY' })
  expect(body.error).toMatchObject({ code: 'invalid', message: expect.stringContaining('chore') })
  expect((await ask('DELETE', `/jobs/${id}`)).body.error.code).toBe('conflict')
})

it('a chore that is being done is not begun a second time', async () => {
  const schedule = 'FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=1;BYHOUR=0;BYMINUTE=0'
  const body = script([{ say: 'Going on' }, { hang: true }])
  const { id } = (await ask('POST', '/jobs', { kind: 'chore', body, schedule })).body
  const begun = (await ask('POST', `/jobs/${id}/run`)).body
  await told(id, 'text.delta')
  expect(begun.nextAt).toBeGreaterThan(Date.now())
  expect((await ask('POST', `/jobs/${id}/run`)).body.error.code).toBe('busy')
  const { occurrences } = (await ask('GET', `/jobs/${id}`)).body
  expect(occurrences).toMatchObject([{ count: null, dueAt: null, status: 'running' }])
  await ask('POST', `/threads/${id}/cancel`)
  await told(id, 'run.ended')
})

it('figures say of how many runs they are', async () => {
  const failing = script([{ fail: { code: 'provider_error', message: 'Out of order.' } }])
  const { thread } = (await ask('POST', '/runs', { input: failing })).body
  await told(thread, 'run.ended')
  const runs = (await ask('GET', '/usage/runs')).body
  expect(runs.runs).toBe(runs.of)
  expect(runs.dialects.map((d: { dialect: string }) => d.dialect)).toContain('native')
  expect(runs.failures[0]).toMatchObject({ runs: 1, latest: { thread } })
  const tools = (await ask('GET', '/usage/tools?runs=2')).body
  expect(tools).toMatchObject({ runs: 2, of: runs.of })
  const all = (await ask('GET', '/usage/tools')).body.items
  const write = all.find((t: { tool: string }) => t.tool === 'write')
  const { slowest, maxMs } = write
  const { event } = (await ask('GET', `/threads/${slowest.thread}/moments/${slowest.seq}`)).body
  expect(event.data).toMatchObject({ tool: 'write', durationMs: maxMs })
})
