/**
 * One thread in two dialects at once: whatever is begun, approved, steered, queued or cancelled
 * through one is seen through the other, in its own words and with its own cursor.
 */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Follower, follow, NATIVE, OWNWARE, type Told } from '../crash/client.ts'
import { openProduct, type Product } from '../support/product.ts'

let product: Product
const followers: Follower[] = []

beforeAll(async () => {
  product = await openProduct({ model: 'scripted:x' })
})

afterEach(() => {
  for (const follower of followers.splice(0)) follower.close()
})

afterAll(() => product.close())

// ---- two clients ----------------------------------------------------------------------------

const ask = (method: string, path: string, body?: unknown) => product.ask(method, path, body)
const script = (...turns: unknown[]): string => `script ${JSON.stringify(turns)}`
const says = (text: string) => [{ say: text }]
const writes = (path: string) => [{ call: 'write', input: { path, content: 'x' } }]
/** Long enough for a second command to meet it; ended by what the test does, never by time. */
const lasts = [{ say: 'Going on' }, { hang: true }]

const dressed = (thread: string): string => `thread_${thread.replaceAll('-', '')}`
const undressed = (id: string): string =>
  id.replace(/^thread_(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')

/** Both streams of one thread, from its beginning. */
function watch(thread: string) {
  const native = follow(NATIVE(() => product.url, thread))
  const ownware = follow(OWNWARE(() => product.url, dressed(thread)))
  followers.push(native, ownware)
  return { native, ownware }
}

async function until({ told }: Follower, type: string, count = 1): Promise<Told> {
  for (;;) {
    const found = told.filter((t) => t.data.type === type)
    if (found.length >= count) return found[count - 1] as Told
    await pause(5)
  }
}

const types = ({ told }: Follower): unknown[] => told.map((t) => t.data.type)
const data = (told: Told): Record<string, unknown> => told.data.data as Record<string, unknown>
const textOf = ({ told }: Follower): string =>
  told
    .filter((t) => t.data.type === 'text.delta')
    .map((t) => t.data.text ?? data(t).text)
    .join('')

async function startOwnware(prompt: string, more: object = {}) {
  const { status, body } = await ask('POST', '/api/v1/run', {
    profileId: 'assistant',
    prompt,
    ...more,
  })
  expect(status).toBe(200)
  return { thread: undressed(body.threadId), run: body.runId as string }
}

async function startNative(input: string) {
  const { status, body } = await ask('POST', '/manifold/v1/runs', { input })
  expect(status).toBe(202)
  return { thread: body.thread as string, run: body.run as string }
}

async function askIn(thread: string): Promise<{ id: string }> {
  const { body } = await ask('GET', `/manifold/v1/asks?thread=${thread}`)
  expect(body.items).toHaveLength(1)
  return body.items[0]
}

/** Every cursor from 1 on, once. */
function expectDense(...all: Follower[]): void {
  for (const { told } of all) expect(told.map((t) => t.cursor)).toEqual(told.map((_, i) => i + 1))
}

// ---- scenarios --------------------------------------------------------------------------------

describe('begun through Ownware', () => {
  it('approved through native', async () => {
    const { thread } = await startOwnware(script(writes('own.txt'), says('Written.')))
    const { native, ownware } = watch(thread)
    await until(ownware, 'permission.request')
    const { id } = await askIn(thread)
    expect((await ask('POST', `/manifold/v1/asks/${id}/answer`, { allow: true })).status).toBe(202)
    await Promise.all([until(ownware, 'session.end'), until(native, 'run.ended')])
    expect(ownware.told.find((t) => t.data.type === 'permission.response')?.data.granted).toBe(true)
    expect(data(await until(native, 'run.created')).origin).toMatchObject({ dialect: 'ownware' })
    expect(data(await until(native, 'ask.settled')).origin).toMatchObject({ dialect: 'native' })
    expect([textOf(native), textOf(ownware)]).toEqual(['Written.', 'Written.'])
    expect(readFileSync(join(product.folder, 'workspace/own.txt'), 'utf8')).toBe('x')
    expectDense(native, ownware)
    const late = await ask('POST', `/api/v1/threads/${dressed(thread)}/resume`, {
      action: 'approve',
    })
    expect(late.status).toBe(404)
  })

  it('steered from native: the model reads it before its next step', async () => {
    const { thread, run } = await startOwnware(script(writes('steer.txt'), says('Heard.')))
    const { native, ownware } = watch(thread)
    await until(ownware, 'permission.request')
    const steered = await ask('POST', `/manifold/v1/runs/${run}/steer`, { input: 'Be brief.' })
    expect(steered.body.delivery).toBe('steered')
    await ask('POST', `/api/v1/threads/${dressed(thread)}/resume`, { action: 'approve' })
    await Promise.all([until(ownware, 'session.end'), until(native, 'run.ended')])
    const said = ownware.told.filter((t) => t.data.type === 'user.message')
    expect(said.map((t) => t.data.text).slice(1)).toEqual(['Be brief.'])
    const places = types(ownware)
    expect(places.lastIndexOf('user.message')).toBeGreaterThan(places.indexOf('tool.call.end'))
    expect(places.lastIndexOf('user.message')).toBeLessThan(places.lastIndexOf('turn.start'))
    expectDense(native, ownware)
  })

  it('queued behind from native, while Ownware itself is told that the thread is busy', async () => {
    const { thread, run } = await startOwnware(script(lasts))
    const { native, ownware } = watch(thread)
    await until(native, 'text.delta')
    const busy = await ask('POST', '/api/v1/run', {
      profileId: 'assistant',
      prompt: 'x',
      threadId: dressed(thread),
    })
    expect(busy.status).toBe(409)
    const at = `/manifold/v1/threads/${thread}`
    const queued = await ask('POST', `${at}/submit`, { input: script(says('Second.')) })
    expect(queued.body).toMatchObject({ delivery: 'queued', position: 1 })
    expect(types(ownware).filter((t) => t === 'user.message')).toHaveLength(1)
    expect((await ask('POST', `/api/v1/runs/${run}/cancel`)).status).toBe(202)
    await until(ownware, 'session.end', 2)
    await until(native, 'run.ended', 2)
    const ends = ownware.told.filter((t) => t.data.type === 'session.end')
    expect(ends.map((t) => t.data.reason)).toEqual(['aborted', 'end_turn'])
    const snapshot = await ask('GET', `/api/v1/runs/${queued.body.run}`)
    expect(snapshot.body).toMatchObject({ status: 'succeeded', threadId: dressed(thread) })
    expectDense(native, ownware)
  })

  it('cancelled from native while it waits for an approval', async () => {
    const { thread, run } = await startOwnware(script(writes('never.txt'), says('No.')))
    const { native, ownware } = watch(thread)
    await until(ownware, 'permission.request')
    await ask('POST', `/manifold/v1/runs/${run}/cancel`)
    expect((await until(ownware, 'session.end')).data.reason).toBe('aborted')
    expect(data(await until(native, 'run.ended')).outcome).toBe('cancelled')
    expect((await ask('GET', `/api/v1/runs/${run}`)).body.status).toBe('cancelled')
    expect(existsSync(join(product.folder, 'workspace/never.txt'))).toBe(false)
    expectDense(native, ownware)
  })
})

describe('begun through native', () => {
  it('denied through Ownware', async () => {
    const { thread } = await startNative(script(writes('no.txt'), says('Then not.')))
    const { native, ownware } = watch(thread)
    const request = await until(ownware, 'permission.request')
    const denied = await ask('POST', `/api/v1/threads/${dressed(thread)}/resume`, {
      action: 'deny',
      requestId: request.data.requestId,
    })
    expect(denied.body).toMatchObject({ approved: false, pendingCount: 0 })
    await Promise.all([until(ownware, 'session.end'), until(native, 'run.ended')])
    expect(data(await until(native, 'ask.settled')).origin).toMatchObject({ dialect: 'ownware' })
    expect(data(await until(native, 'tool.ended')).outcome).toBe('denied')
    expect((await until(ownware, 'tool.call.end')).data.isError).toBe(true)
    expect(existsSync(join(product.folder, 'workspace/no.txt'))).toBe(false)
    expectDense(native, ownware)
  })

  it('asks a question, which Ownware answers', async () => {
    const question = [{ call: 'ask_user', input: { question: 'Which?' } }]
    const { thread } = await startNative(script(question, says('So be it.')))
    const { native, ownware } = watch(thread)
    expect((await until(ownware, 'permission.request')).data.toolName).toBe('ask_user')
    const answered = await ask('POST', `/api/v1/threads/${dressed(thread)}/resume`, {
      action: 'answer',
      answer: 'the red one',
    })
    expect(answered.status).toBe(200)
    expect(data(await until(native, 'ask.settled')).answer).toBe('the red one')
    await Promise.all([until(ownware, 'session.end'), until(native, 'run.ended')])
    expect((await until(ownware, 'tool.call.end')).data.result).toContain('the red one')
  })

  it('continued and aborted through Ownware, with all that was said', async () => {
    const { thread } = await startNative(script(says('First.')))
    const { native, ownware } = watch(thread)
    await until(ownware, 'session.end')
    await startOwnware(script(lasts), { threadId: dressed(thread) })
    await until(native, 'text.delta', 2)
    const aborted = await ask('POST', `/api/v1/threads/${dressed(thread)}/abort`)
    expect(aborted.body).toMatchObject({ aborted: true, cancelRequested: true })
    expect(data(await until(native, 'run.ended', 2)).outcome).toBe('cancelled')
    await until(ownware, 'session.end', 2)
    const { body } = await ask('GET', `/api/v1/threads/${dressed(thread)}/messages`)
    expect(JSON.stringify(body)).toContain('First.')
    expect((await ask('GET', `/manifold/v1/threads/${thread}`)).body.totalMessages).toBe(4)
    expectDense(native, ownware)
  })
})

it('an approval outlives the server: asked through Ownware, answered through native', async () => {
  const { thread } = await startOwnware(script(writes('later.txt'), says('At last.')))
  const { native, ownware } = watch(thread)
  await Promise.all([until(ownware, 'permission.request'), until(native, 'ask.opened')])
  await product.restart()
  const { id } = await askIn(thread)
  await ask('POST', `/manifold/v1/asks/${id}/answer`, { allow: true })
  await Promise.all([until(ownware, 'session.end'), until(native, 'run.ended')])
  expect(ownware.connects).toBeGreaterThan(1)
  expect([textOf(native), textOf(ownware)]).toEqual(['At last.', 'At last.'])
  expectDense(native, ownware)
})

it('what was always allowed through one dialect is not asked through the other', async () => {
  const edits = [{ call: 'shell', input: { command: 'echo granted' } }]
  const first = await startOwnware(script(edits, says('One.')))
  const { ownware } = watch(first.thread)
  await until(ownware, 'permission.request')
  await ask('POST', `/api/v1/threads/${dressed(first.thread)}/resume`, { action: 'always' })
  await until(ownware, 'session.end')
  const second = await startNative(script(edits, says('Two.')))
  const { native } = watch(second.thread)
  await until(native, 'run.ended')
  expect(types(native)).not.toContain('ask.opened')
  expect(data(await until(native, 'tool.ended'))).toMatchObject({ outcome: 'ok' })
})

it("a sub-agent's approval is seen on the parent's stream in both, and answered there", async () => {
  const child = script(writes('child.txt'), says('Child done.'))
  const task = [{ call: 'task', input: { name: 'helper', prompt: child } }]
  const { thread } = await startOwnware(script(task, says('Parent done.')))
  const { native, ownware } = watch(thread)
  await Promise.all([until(ownware, 'permission.request'), until(native, 'child.asked')])
  const resumed = await ask('POST', `/api/v1/threads/${dressed(thread)}/resume`, {
    action: 'approve',
  })
  expect(resumed.status).toBe(200)
  await Promise.all([until(ownware, 'session.end'), until(native, 'run.ended')])
  expect(types(ownware)).toContain('agent.complete')
  expect(existsSync(join(product.folder, 'workspace/child.txt'))).toBe(true)
  expectDense(native, ownware)
})
