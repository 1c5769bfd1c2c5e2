import { afterEach, expect, test } from 'vitest'
import { frames, type SseFrame } from '../../../test/support/sse.ts'
import { openWorld, type World } from '../../../test/support/world.ts'
import type { Principal } from '../../kernel/ports.ts'
import { createServer, type Server } from '../../server/server.ts'
import { native } from './index.ts'

type Body = Record<string, unknown>

interface Answer {
  status: number
  headers: Headers
  body: Body
}

const open: { server: Server; world: World }[] = []

afterEach(async () => {
  for (const { server, world } of open.splice(0)) {
    await server.close()
    await world.close()
  }
})

async function start(principal?: Principal) {
  const world = await openWorld({ settings: { drainMs: 100 } })
  const quiet = () => {}
  const dialect = native(world.engine, { version: '1.2.3', startedAt: Date.now() })
  const server = createServer({
    engine: world.engine,
    dialects: [principal ? { ...dialect, admit: () => principal } : dialect],
    host: '127.0.0.1',
    port: 0,
    access: { tokens: { matches: () => false } },
    log: { debug: quiet, info: quiet, warn: quiet, error: (f) => console.error(f) },
  })
  open.push({ server, world })
  const { url } = await server.listen()
  const at = `${url}/manifold/v1`
  const ask = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    const init = body === undefined ? {} : { body: JSON.stringify(body) }
    const answer = await fetch(at + path, { method, headers, ...init })
    const text = await answer.text()
    const parsed = (text === '' ? {} : JSON.parse(text)) as Body
    return { status: answer.status, headers: answer.headers, body: parsed }
  }
  return { world, server, at, ask }
}

const script = (...turns: unknown[]) => `script ${JSON.stringify(turns)}`
const says = (text: string) => [{ say: text }]
const hang = [{ say: 'Thinking' }, { hang: true }]
const items = (answer: Answer) => answer.body.items as Body[]

/** Frames up to the first that satisfies `is`, or the end of the stream. */
async function read(url: string, is: (f: SseFrame) => boolean, headers = {}) {
  const seen: SseFrame[] = []
  const answer = await fetch(url, { headers: { accept: 'text/event-stream', ...headers } })
  for await (const frame of frames(answer)) {
    seen.push(frame)
    if (is(frame)) break
  }
  return seen
}

const withIds = (seen: SseFrame[]) => seen.filter((f) => f.id !== null)

test('a run is begun, streamed, read again in pages, and resumed anywhere', async () => {
  const { at, ask } = await start()
  const begun = await ask('POST', '/runs', { input: script(says('Hello there.')) })
  expect(begun.status).toBe(202)
  expect(begun.body).toMatchObject({ delivery: 'started', position: null, replayed: false })
  const { thread, run } = begun.body
  const seen = await read(`${at}/threads/${thread}/stream`, (f) => f.event === 'run.ended')
  const told = withIds(seen)
  expect(told.map((f) => Number(f.id))).toEqual(told.map((_, i) => i + 1))
  expect(told[0]?.event).toBe('thread.opened')
  expect(told.at(-1)?.event).toBe('run.ended')

  const page = await ask('GET', `/threads/${thread}/events`)
  expect(items(page)).toEqual(told.map((f) => JSON.parse(f.data)))
  expect(page.body).toMatchObject({ next: told.length, isComplete: true })
  const part = await ask('GET', `/threads/${thread}/events?after=2&limit=1`)
  expect((part.body.next as number) > 2).toBe(true)

  const rest = await read(`${at}/threads/${thread}/events`, (f) => f.event === 'ready', {
    'last-event-id': '3',
  })
  expect(withIds(rest).map((f) => f.id)).toEqual(told.slice(3).map((f) => f.id))
  expect(JSON.parse(rest.at(-1)?.data ?? '')).toEqual({ seq: told.length })

  const ofRun = withIds(await read(`${at}/runs/${run}/stream`, () => false))
  expect(ofRun.map((f) => JSON.parse(f.data).run)).toEqual(ofRun.map(() => run))
  expect(ofRun.at(-1)?.event).toBe('run.ended')
  const again = await fetch(`${at}/runs/${run}/stream?after=${told.length}`)
  expect(again.status).toBe(204)
  expect(items(await ask('GET', `/runs/${run}/events`))).toHaveLength(ofRun.length)
})

test('the view of a thread and its run', async () => {
  const { world, ask } = await start()
  const opened = await ask('POST', '/threads', { title: 'T', input: script(says('Hi.')) })
  expect(opened.status).toBe(201)
  const { id, receipt } = opened.body as { id: string; receipt: { run: string } }
  expect(opened.headers.get('location')).toContain(`/manifold/v1/threads/${id}`)
  await world.ended(id)
  const { body } = await ask('GET', `/threads/${id}`)
  expect(body).toMatchObject({
    title: 'T',
    status: 'idle',
    active: null,
    totalMessages: 2,
    runs: 1,
  })
  expect((body.messages as Body[]).map((m) => m.role)).toEqual(['user', 'assistant'])
  expect((await ask('GET', `/threads/${id}?messages=1`)).body.messages).toHaveLength(1)
  const run = await ask('GET', `/runs/${receipt.run}`)
  expect(run.body).toMatchObject({
    thread: id,
    status: 'completed',
    dialect: 'native',
    trouble: null,
  })
  expect(items(await ask('GET', '/runs?status=completed,failed'))).toHaveLength(1)
  expect(items(await ask('GET', '/runs?status=running'))).toEqual([])
  expect((await ask('GET', '/threads?limit=1')).body).toMatchObject({ total: 1, next: null })

  const changed = await ask('PATCH', `/threads/${id}`, { title: 'New' })
  expect(changed.body.title).toBe('New')
  const untitled = await ask('PATCH', `/threads/${id}`, { title: null })
  const listed = (await ask('GET', '/threads')).body.items as Body[]
  const shown = listed.find((thread) => thread.id === id)?.title
  expect(shown).toMatch(/^script/)
  expect(untitled.body.title).toBe(shown)
  expect((await ask('DELETE', `/threads/${id}`)).status).toBe(204)
  expect((await ask('GET', `/threads/${id}`)).status).toBe(404)
})

test('the same key and request is one run; another request under the key is refused', async () => {
  const { ask } = await start()
  const key = { 'idempotency-key': 'k-1' }
  const body = { input: script(says('One.')) }
  const first = await ask('POST', '/runs', body, key)
  const second = await ask('POST', '/runs', body, key)
  expect(second.body).toEqual({ ...first.body, replayed: true })
  expect(second.headers.get('idempotency-replayed')).toBe('true')
  const other = await ask('POST', '/runs', { input: 'other' }, key)
  expect([other.status, (other.body.error as Body).code]).toEqual([409, 'duplicate'])
  expect((await ask('GET', '/runs')).body.total).toBe(1)
  const at = `/threads/${first.body.thread}/submit`
  const third = await ask('POST', at, { input: script(says('Two.')) }, { 'idempotency-key': 'k-2' })
  const fourth = await ask(
    'POST',
    at,
    { input: script(says('Two.')) },
    { 'idempotency-key': 'k-2' },
  )
  expect(fourth.body).toEqual({ ...third.body, replayed: true })
  const empty = await ask('POST', '/threads', {}, key)
  const fork = await ask(
    'POST',
    `/threads/${first.body.thread}/fork`,
    {},
    { 'idempotency-key': 'f' },
  )
  expect([empty.status, fork.status]).toEqual([400, 400])
  const titled = await ask('PATCH', `/threads/${first.body.thread}`, { title: 'T' }, key)
  expect([titled.status, (titled.body.error as Body).code]).toEqual([409, 'duplicate'])
})

test('a run can be one call of a tool, and be sampled in its own way', async () => {
  const { ask, at } = await start()
  const { body: thread } = await ask('POST', '/threads', {})
  const submit = `/threads/${thread.id}/submit`
  const both = await ask('POST', submit, { input: 'x', call: { tool: 'list' } })
  const neither = await ask('POST', submit, { busy: 'queue' })
  expect([both.status, neither.status]).toEqual([400, 400])
  const called = await ask('POST', submit, { call: { tool: 'list' } })
  expect(called).toMatchObject({ status: 202, body: { delivery: 'started' } })
  await read(`${at}/runs/${called.body.run}/stream`, (f) => f.data.includes('run.ended'))
  const { body: run } = await ask('GET', `/runs/${called.body.run}`)
  expect(run).toMatchObject({ status: 'completed', model: 'none', preview: 'list {}' })
  const sampling = { temperature: 0.2, topP: 0.5 }
  const said = await ask('POST', submit, { input: script(says('Hi.')), sampling })
  const events = await ask('GET', `/runs/${said.body.run}/events?limit=1`)
  expect(items(events)[0]).toMatchObject({ data: { sampling } })
  const wrong = await ask('POST', submit, { input: 'x', sampling: { topP: 2 } })
  expect(wrong.status).toBe(400)
})

test('an approval waits in the inbox until it is answered, once', async () => {
  const { world, ask } = await start()
  const write = { call: 'write', input: { path: 'a.txt', content: 'x' } }
  const { body } = await ask('POST', '/runs', { input: script([write], says('Written.')) })
  const thread = body.thread as string
  await world.until(thread, (e) => e.type === 'ask.opened')
  const [asked] = items(await ask('GET', '/asks'))
  expect(asked).toMatchObject({ thread, run: body.run, body: { kind: 'approval' } })
  expect((await ask('GET', `/asks/${asked?.id}`)).body).toEqual(asked)
  expect((await ask('GET', `/threads/${thread}`)).body).toMatchObject({
    status: 'waiting',
    asks: [asked],
    active: { turn: { calls: [{ tool: 'write', outcome: null }] } },
  })
  expect((await ask('POST', `/asks/${asked?.id}/answer`, { remember: true })).status).toBe(400)
  const answered = await ask('POST', `/asks/${asked?.id}/answer`, { allow: true })
  expect(answered.status).toBe(202)
  const events = await world.ended(thread)
  expect(events.find((e) => e.type === 'tool.ended')?.data).toMatchObject({ outcome: 'ok' })
  expect((await ask('POST', `/asks/${asked?.id}/answer`, { allow: true })).status).toBe(404)
})

test('a busy thread rejects, queues, steers; the queue is edited, moved, dropped, promoted', async () => {
  const { world, ask } = await start()
  const { body } = await ask('POST', '/runs', { input: script(hang) })
  const at = `/threads/${body.thread}`
  await world.until(body.thread as string, (e) => e.type === 'text.delta')
  const rejected = await ask('POST', `${at}/submit`, { input: 'x', busy: 'reject' })
  expect([rejected.status, (rejected.body.error as Body).code]).toEqual([409, 'busy'])
  const first = await ask('POST', `${at}/submit`, { input: 'first' })
  const second = await ask('POST', `${at}/submit`, { input: script(says('2')) })
  const third = await ask('POST', `${at}/submit`, { input: 'third' })
  expect([first, second, third].map((r) => r.body.position)).toEqual([1, 2, 3])
  const steered = await ask('POST', `/runs/${body.run}/steer`, { input: 'look here' })
  expect(steered.body.delivery).toBe('steered')

  const both = await ask('PATCH', `${at}/queue/${third.body.run}`, { input: 'new', place: 0 })
  expect(both.status).toBe(400)
  const key = { 'idempotency-key': 'move-1' }
  const moved = await ask('PATCH', `${at}/queue/${third.body.run}`, { place: 0 }, key)
  const again = await ask('PATCH', `${at}/queue/${third.body.run}`, { place: 0 }, key)
  expect([moved, again].map((a) => a.headers.get('idempotency-replayed'))).toEqual([null, 'true'])
  expect(again.body.seq).toBe(moved.body.seq)
  const edited = await ask('PATCH', `${at}/queue/${third.body.run}`, { input: 'new' })
  expect(items(edited).map((e) => e.run)).toEqual([third, first, second].map((r) => r.body.run))
  expect(items(edited)[0]?.input).toEqual([{ kind: 'text', text: 'new' }])
  const dropped = await ask('DELETE', `${at}/queue/${third.body.run}`)
  expect(items(dropped)).toHaveLength(2)
  await ask('POST', `${at}/queue/${second.body.run}/promote`)
  expect(items(await ask('GET', `${at}/queue`)).map((e) => e.run)).toEqual(
    [second, first].map((r) => r.body.run),
  )
  const cancelled = await ask('POST', `/runs/${body.run}/cancel`, { queue: 'drop' })
  expect(cancelled.status).toBe(202)
  await world.ended(body.thread as string, body.run as string)
  const late = await ask('POST', `/runs/${body.run}/cancel`)
  expect([late.status, (late.body.error as Body).code]).toEqual([409, 'not_active'])
})

test('a thread is forked and a run is done again', async () => {
  const { world, ask } = await start()
  const { body } = await ask('POST', '/runs', { input: script(says('One.')) })
  await world.ended(body.thread as string, body.run as string)
  const fork = await ask('POST', `/threads/${body.thread}/fork`)
  expect(fork.body).toMatchObject({ totalMessages: 2, forkedFrom: { thread: body.thread } })
  const input = script(says('Another.'))
  const retried = await ask('POST', `/runs/${body.run}/retry`, { input })
  const events = await world.ended(body.thread as string, retried.body.run as string)
  expect(events.some((e) => e.type === 'thread.rewound')).toBe(true)
  const { messages } = (await ask('GET', `/threads/${body.thread}`)).body
  expect(JSON.stringify(messages)).not.toContain('One.')
})

test('what is wrong with a request is said, with what to do', async () => {
  const { ask } = await start()
  const none = '01890a5d-ac96-774b-bcce-b302099a8057'
  const cases: [string, string, unknown, number, string][] = [
    ['POST', '/runs', { input: 'x', nope: 1 }, 400, 'nope'],
    ['POST', '/runs', { input: '  ' }, 400, 'input'],
    ['POST', '/runs', { input: 5 }, 400, 'input: Expected string or array.'],
    ['POST', '/runs', { input: [{ kind: 'text' }] }, 400, 'input.0.text'],
    ['POST', '/runs', { input: [{ kind: 'sound' }] }, 400, 'input.0.kind'],
    ['POST', '/runs', undefined, 400, 'body'],
    ['POST', '/runs', { input: 'x', agent: 'nobody' }, 422, 'assistant'],
    ['POST', '/runs', { input: 'x', model: 'nowhere:x' }, 422, 'nowhere'],
    ['POST', '/runs', { input: 'x', workspace: 'rel' }, 400, 'absolute'],
    ['GET', `/threads/${none}`, undefined, 404, none],
    ['GET', '/threads/xyz/stream', undefined, 404, 'xyz'],
    ['GET', '/runs?status=odd', undefined, 400, 'status'],
    ['GET', '/threads?limit=0', undefined, 400, 'limit'],
    ['GET', '/threads?status=odd', undefined, 400, 'status'],
    ['GET', '/nothing', undefined, 404, 'GET /manifold/v1 lists what there is.'],
  ]
  for (const [method, path, body, status, text] of cases) {
    const answer = await ask(method, path, body)
    expect([path, answer.status]).toEqual([path, status])
    expect((answer.body.error as Body).message).toContain(text)
  }
  const put = await ask('PUT', '/runs')
  expect([put.status, put.headers.get('allow')]).toEqual([405, 'POST, GET, HEAD, OPTIONS'])
  const begun = await ask('POST', '/runs', { input: script(says('x')) })
  const ahead = await ask('GET', `/threads/${begun.body.thread}/events?after=999999`)
  expect(ahead.status).toBe(400)
})

test('agents, models, tools, usage, health and the documents', async () => {
  const { world, ask } = await start()
  const { body } = await ask('POST', '/runs', { input: script(says('x')) })
  await world.ended(body.thread as string)
  const agents = await ask('GET', '/agents')
  expect(items(agents).map((a) => a.name)).toContain('assistant')
  const assistant = await ask('GET', '/agents/assistant')
  expect(assistant.body).toHaveProperty('limits')
  expect(assistant.body).not.toHaveProperty('extra')
  expect((await ask('GET', '/models')).body.preferred).toBe('scripted:test')
  expect(items(await ask('GET', '/tools')).map((t) => t.name)).toContain('write')
  const usage = items(await ask('GET', '/usage?by=agent'))
  expect(usage).toMatchObject([{ agent: 'assistant', calls: 1 }])
  expect(Object.keys(usage[0] ?? {})).toEqual(['agent', 'calls', 'usage'])
  expect((await ask('GET', '/health')).body).toMatchObject({ status: 'ok', version: '1.2.3' })

  const document = await ask('GET', '/openapi.json')
  const index = await ask('GET', '')
  const documented = Object.entries(document.body.paths as Record<string, Body>).flatMap(
    ([path, methods]) => Object.keys(methods).map((m) => `${m.toUpperCase()} ${path}`),
  )
  const listed = (index.body.routes as Body[]).map((r) => `${r.method} ${r.path}`)
  expect(documented.sort()).toEqual(listed.sort())
})

test('lists go on below the last row that was seen', async () => {
  const { world, ask } = await start()
  for (const text of ['1', '2', '3']) {
    const { body } = await ask('POST', '/runs', { input: script(says(text)) })
    await world.ended(body.thread as string)
  }
  for (const path of ['/threads', '/runs']) {
    const all = items(await ask('GET', path))
    const first = await ask('GET', `${path}?limit=2`)
    await ask('POST', '/threads', {})
    const second = await ask('GET', `${path}?limit=2&before=${first.body.cursor}`)
    expect([...items(first), ...items(second)]).toEqual(all)
    expect(second.body).toMatchObject({ cursor: null, next: null })
    await ask('DELETE', `/threads/${items(await ask('GET', '/threads?limit=1'))[0]?.id}`)
  }
  const wrong = await ask('GET', '/threads?before=yesterday')
  expect([wrong.status, (wrong.body.error as Body).message]).toEqual([
    400,
    expect.stringContaining('cursor'),
  ])
})

test('the feed over all threads has no gap, and resumes', async () => {
  const { world, at, ask } = await start()
  const first = await ask('POST', '/runs', { input: script(says('1')) })
  await world.ended(first.body.thread as string)
  const isEndOf = (thread: unknown) => (f: SseFrame) =>
    f.event === 'events' &&
    (JSON.parse(f.data) as Body[]).some((e) => e.thread === thread && e.type === 'run.ended')
  const before = await read(`${at}/events`, isEndOf(first.body.thread))
  const cursor = withIds(before).at(-1)?.id as string
  const second = await ask('POST', '/runs', { input: script(says('2')) })
  const after = await read(`${at}/events`, isEndOf(second.body.thread), { 'last-event-id': cursor })
  const streamed = [...withIds(before), ...withIds(after)].flatMap((f) => JSON.parse(f.data))
  const stored = await ask('GET', '/events')
  expect(streamed).toEqual(items(stored))
  expect(streamed.some((e) => e.type === 'text.delta')).toBe(false)
})

test('the feed begins where somebody says, also at what comes from now on', async () => {
  const { world, at, ask } = await start()
  const first = await ask('POST', '/runs', { input: script(says('1')) })
  await world.ended(first.body.thread as string)
  const all = items(await ask('GET', '/events'))
  const places = all.map((e) => e.pos as number)
  expect(places).toEqual([...places].sort((a, b) => a - b))
  const half = await ask('GET', `/events?after=${places[0]}`)
  expect(items(half)).toEqual(all.filter((e) => e.pos !== places[0]))
  const latest = await ask('GET', '/events?after=latest')
  expect(latest.body).toEqual({ items: [], next: places.at(-1), isComplete: true })
  expect((await ask('GET', '/events?after=newest')).status).toBe(400)
  const live = await read(`${at}/events?after=latest`, (f) => {
    if (f.event === 'ready') void ask('POST', '/threads', {})
    return f.event === 'events'
  })
  const [event] = JSON.parse(live.at(-1)?.data ?? '[]')
  expect(event).toMatchObject({ type: 'thread.opened' })
  const back = await read(`${at}/events?after=latest`, (f) => f.event === 'events', {
    'last-event-id': String(places[0]),
  })
  expect(JSON.parse(back.at(-1)?.data ?? '[]')[0]).toEqual(items(half)[0])
})

test('another account sees nothing of what is not its own', async () => {
  const { world, at, ask } = await start({ id: 'u2', account: 'other' })
  const foreign = await world.begin([says('secret')])
  await world.ended(foreign.thread)
  for (const path of [`/threads/${foreign.thread}`, `/runs/${foreign.run}`])
    expect((await ask('GET', path)).status).toBe(404)
  for (const path of ['/threads', '/runs', '/asks', '/usage', '/events'])
    expect(items(await ask('GET', path))).toEqual([])
  const stream = await fetch(`${at}/threads/${foreign.thread}/stream`)
  expect(stream.status).toBe(404)
  const submitted = await ask('POST', `/threads/${foreign.thread}/submit`, { input: 'x' })
  expect(submitted.status).toBe(404)
  const own = await ask('POST', '/runs', { input: script(says('mine')) })
  expect((await ask('GET', `/threads/${own.body.thread}`)).status).toBe(200)
})

test('streams are told goodbye when the server stops, and go on from their cursor', async () => {
  const { server, at, ask } = await start()
  const { body } = await ask('POST', '/runs', { input: script(hang) })
  const reading = read(`${at}/threads/${body.thread}/stream`, () => false)
  await new Promise((r) => setTimeout(r, 100))
  await server.close()
  const last = (await reading).at(-1)
  expect(last?.event).toBe('bye')
  expect(JSON.parse(last?.data ?? '')).toEqual({ reason: 'shutdown', retryAfterMs: 1000 })
})
