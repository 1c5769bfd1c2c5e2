/**
 * The native API against its own document: every operation is called, and every answer - refusals
 * too - has a status and a form that `openapi.json` declares for it.
 */

import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Answer, openProduct, type Product } from '../support/product.ts'
import { framesUntil } from '../support/sse.ts'

type Json = Record<string, unknown>

interface Operation {
  operationId: string
  parameters: { name: string; in: string; required: boolean }[]
  requestBody?: { content: Record<string, { schema: Json }> }
  responses: Record<string, { description: string; content?: Record<string, { schema: Json }> }>
}

interface Document {
  openapi: string
  info: Json
  paths: Record<string, Record<string, Operation>>
}

let product: Product
let document: Document
let validator: Ajv2020
/** Operations that have answered as they should, not counting refusals. */
const called = new Set<string>()

beforeAll(async () => {
  product = await openProduct({ model: 'scripted:x' })
  document = (await product.ask('GET', '/manifold/v1/openapi.json')).body
  validator = new Ajv2020({ strict: false, validateFormats: false, allErrors: true })
  validator.addSchema({ $id: 'doc', ...document })
})

afterAll(() => product.close())

const AT = '/manifold/v1'
const SLOW = { timeout: 20_000 }

function operationOf(method: string, path: string): [string, Operation] {
  const parts = path.split('?')[0]?.split('/') ?? []
  const fits = Object.keys(document.paths).filter((template) => {
    const names = template.split('/')
    return (
      names.length === parts.length && names.every((n, i) => n.startsWith('{') || n === parts[i])
    )
  })
  const [template] = fits.sort((a, b) => a.split('{').length - b.split('{').length)
  const operation = document.paths[template as string]?.[method.toLowerCase()]
  if (!operation) throw new Error(`${method} ${path} is not documented`)
  return [template as string, operation]
}

const pointer = (...keys: string[]): string =>
  keys.map((k) => `/${encodeURIComponent(k.replaceAll('~', '~0').replaceAll('/', '~1'))}`).join('')

function expectFits(schema: string, value: unknown, what: string): void {
  const validate = validator.compile({ $ref: `doc#${schema}` })
  const isFit = validate(value)
  expect(isFit ? [] : validate.errors, what).toEqual([])
}

/** Asks, and holds the request and the answer against the document. */
async function ask(method: string, path: string, body?: unknown, headers = {}): Promise<Answer> {
  const answer = await product.ask(method, AT + path, body, headers)
  const [template, operation] = operationOf(method, AT + path)
  const what = `${operation.operationId} ${answer.status} ${JSON.stringify(answer.body).slice(0, 200)}`
  const at = ['paths', template, method.toLowerCase()]
  const name = operation.responses[answer.status] ? String(answer.status) : 'default'
  const response = operation.responses[name]
  expect(response, what).toBeDefined()
  if (response?.content)
    expectFits(
      pointer(...at, 'responses', name, 'content', 'application/json', 'schema'),
      answer.body,
      what,
    )
  else expect(answer.body, what).toBe('')
  if (name === 'default') expect(answer.status).toBeGreaterThanOrEqual(400)
  else called.add(`${method} ${template}`)
  if (name !== 'default' && body !== undefined)
    expectFits(pointer(...at, 'requestBody', 'content', 'application/json', 'schema'), body, what)
  return answer
}

const script = (...turns: unknown[]): string => `script ${JSON.stringify(turns)}`
const writes = [{ call: 'write', input: { path: 'a.txt', content: 'x' } }]
const question = [{ call: 'ask_user', input: { question: 'Which?', options: [{ label: 'A' }] } }]
const lasts = [{ say: 'Going on' }, { hang: true }]

/** Resolves when the thread has told an event of the type. */
const told = (thread: string, type: string) =>
  framesUntil(`${product.url}${AT}/threads/${thread}/stream`, (f) => f.event === type)

it('is a document of OpenAPI 3.1', () => {
  expect(document.openapi).toBe('3.1.0')
  expect(document.info).toMatchObject({ title: 'Manifold', version: expect.any(String) })
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.values(methods).map((operation) => ({ path, ...operation })),
  )
  const ids = operations.map((o) => o.operationId)
  expect(new Set(ids).size).toBe(ids.length)
  for (const { path, parameters, responses } of operations) {
    const named = parameters.filter((p) => p.in === 'path' && p.required).map((p) => p.name)
    expect(named).toEqual([...path.matchAll(/\{(\w+)\}/g)].map((m) => m[1]))
    expect(Object.keys(responses)).toContain('default')
  }
})

it('threads, runs, asks and events answer as they are declared', async () => {
  const opened = await ask('POST', '/threads', { title: 'T', agent: 'assistant' })
  await ask('PATCH', `/threads/${opened.body.id}`, { title: 'Other' })
  const both = await ask('POST', '/threads', { input: script([{ say: 'Hi.' }]) })
  await told(both.body.id, 'run.ended')
  const begun = await ask('POST', '/runs', { input: script(writes, question, [{ say: 'Ok.' }]) })
  const { thread, run } = begun.body
  await told(thread, 'ask.opened')
  await ask('GET', `/threads/${thread}?messages=5`)
  const [asked] = (await ask('GET', '/asks')).body.items
  await ask('GET', `/asks/${asked.id}`)
  await ask('POST', `/asks/${asked.id}/answer`, { allow: true, remember: true })
  await expect
    .poll(async () => (await ask('GET', `/asks?thread=${thread}`)).body.total, SLOW)
    .toBe(1)
  const [second] = (await ask('GET', `/asks?thread=${thread}`)).body.items
  await ask('POST', `/asks/${second.id}/answer`, { answer: 'A' })
  await told(thread, 'run.ended')
  await ask('GET', '/threads?limit=2&parent=none')
  await ask('GET', '/runs?status=completed,failed&limit=2')
  await ask('GET', `/runs/${run}`)
  await ask('GET', `/threads/${thread}/events?limit=3`)
  await ask('GET', `/runs/${run}/events`)
  await ask('GET', '/events?limit=10')
  const retried = await ask('POST', `/runs/${run}/retry`, { input: script([{ say: 'Again.' }]) })
  await expect
    .poll(async () => (await ask('GET', `/runs/${retried.body.run}`)).body.status, SLOW)
    .toBe('completed')
  await ask('POST', `/threads/${thread}/fork`, {})
  await ask('POST', `/threads/${thread}/compact`, {})
  await ask('DELETE', `/threads/${opened.body.id}`)
})

it('a busy thread and its queue answer as they are declared', async () => {
  const { thread, run } = (await ask('POST', '/runs', { input: script(lasts) })).body
  await told(thread, 'text.delta')
  const entry = await ask('POST', `/threads/${thread}/submit`, { input: 'one', busy: 'queue' })
  const parts = [{ kind: 'text', text: 'two' }]
  const other = await ask('POST', `/threads/${thread}/submit`, { input: parts })
  await ask('GET', `/threads/${thread}/queue`)
  await ask('GET', `/threads/${thread}`)
  await ask('PATCH', `/threads/${thread}/queue/${entry.body.run}`, { place: 1 })
  await ask('PATCH', `/threads/${thread}/queue/${entry.body.run}`, { input: 'changed' })
  await ask('POST', `/threads/${thread}/queue/${entry.body.run}/promote`, {})
  await ask('DELETE', `/threads/${thread}/queue/${other.body.run}`)
  await ask('POST', `/runs/${run}/steer`, { input: 'Be brief.' })
  await ask('POST', `/runs/${run}/cancel`, { queue: 'drop' })
  await told(thread, 'run.ended')
  const again = await ask('POST', `/threads/${thread}/submit`, { input: script(lasts) })
  await ask('POST', `/threads/${thread}/cancel`, {})
  await ask('GET', `/runs/${again.body.run}`)
})

it('what there is is told as it is declared', async () => {
  await ask('GET', '/agents')
  await ask('GET', '/agents/assistant')
  await ask('GET', '/models')
  await ask('GET', '/tools')
  await ask('GET', '/usage')
  await ask('GET', '/usage?by=day')
  await ask('GET', '/health')
  await ask('GET', '')
  await ask('GET', '/openapi.json')
})

it('the log, agents, jobs and the server answer as they are declared', async () => {
  const { thread } = (await ask('POST', '/runs', { input: script([{ say: 'Hi.' }]) })).body
  await told(thread, 'run.ended')
  await ask('GET', `/threads/${thread}/outline`)
  await ask('GET', `/threads/${thread}/moments/1`)
  await ask('GET', `/threads/${thread}/moments/4?messages=2`)
  await ask('GET', `/threads/${thread}/frames?limit=3`)
  await ask('POST', '/agents', { name: 'tester', instructions: 'Be brief.' })
  await ask('GET', '/agents/tester/source')
  await ask('PUT', '/agents/tester', { config: { model: 'scripted:x' } })
  await ask('POST', '/agents/tester/check', {})
  const [grant] = (await ask('GET', '/agents/assistant/grants')).body.items
  expect(grant).toMatchObject({ tool: 'write' })
  const left = await ask('POST', '/agents/assistant/grants/revoke', grant)
  expect(left.body.items).not.toContainEqual(grant)
  await ask('GET', '/agents/tester/capabilities')
  await ask('DELETE', '/agents/tester')
  const schedule = 'FREQ=DAILY;BYHOUR=9;BYMINUTE=0'
  const job = (await ask('POST', '/jobs', { kind: 'chore', body: 'Look.', schedule })).body.id
  await ask('GET', '/jobs?kind=chore')
  await ask('POST', `/jobs/${job}/run`)
  await told(job, 'run.ended')
  await ask('GET', `/jobs/${job}`)
  await ask('PATCH', `/jobs/${job}`, { state: 'archived' })
  await ask('DELETE', `/jobs/${job}`)
  await ask('GET', '/usage/runs')
  await ask('GET', '/usage/tools')
  await ask('GET', '/server')
  await ask('GET', '/connect')
  await ask('POST', '/connect/clotho/token')
})

it('refusals have one form', async () => {
  const nobody = '01890a5d-ac96-774b-bcce-b302099a8057'
  const refused = [
    await ask('POST', '/runs', { input: 'x', nope: 1 }),
    await ask('POST', '/runs', { input: 'x', model: 'nowhere:x' }),
    await ask('POST', '/runs', { input: 'x', agent: 'nobody' }),
    await ask('GET', `/threads/${nobody}`),
    await ask('GET', `/threads/${nobody}/stream`),
    await ask('POST', `/asks/${nobody}/answer`, { allow: true }),
    await ask('GET', '/runs?limit=0'),
    await ask('POST', '/threads', {}, { 'idempotency-key': 'k' }),
    await ask('PUT', '/agents/assistant', { config: { temperature: 9 } }),
    await ask('POST', '/jobs', { kind: 'chore', body: 'x', schedule: 'FREQ=OFTEN' }),
    await ask('GET', `/threads/${nobody}/moments/1`),
    await ask('GET', '/threads?limit=5&limit=6'),
  ]
  expect(refused.map((r) => r.status)).toEqual([
    400, 422, 422, 404, 404, 404, 400, 400, 400, 400, 404, 400,
  ])
  const message = (at: number) => refused[at]?.body.error.message
  expect(message(9)).toContain("The schedule means nothing: invalid 'FREQ': OFTEN. It is")
  expect(message(11)).toContain('limit: Send it once.')
})

it('no operation was left out but the streams', () => {
  const all = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  expect(all.filter((operation) => !called.has(operation))).toEqual([
    `GET ${AT}/threads/{thread}/stream`,
    `GET ${AT}/runs/{run}/stream`,
  ])
})
