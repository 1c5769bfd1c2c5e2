/** What is beside the runs: projects, shared threads, reports, and what was used by the hour. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ark, begin, isEnd, listen, openArk, type Person } from './arkloop-server.ts'

let now = Date.parse('2026-05-06T07:08:09.100Z')
let ark: Ark
let alice: Person
let bob: Person
let head: Person
let hand: Person

beforeAll(async () => {
  ark = await openArk({ now: () => now, world: { clock: () => now } })
  alice = await ark.register('alice')
  bob = await ark.register('bob')
  head = await ark.register('head')
  const { code } = (await head.ask('GET', '/v1/me/invite-code')).body
  hand = await ark.register('hand', code)
})
afterAll(() => ark.close())

const codeOf = ({ status, body }: { status: number; body: { code?: string } }) => [
  status,
  body.code,
]

/** A thread in which something was said. */
async function spoken(person: Person, text: string) {
  const made = await begin(person, [[{ say: text }]])
  await listen(ark.url, person, made.run, isEnd)
  return made.thread
}

describe('projects', () => {
  it('are made by who may, and hold threads', async () => {
    const made = await head.ask('POST', '/v1/projects', { name: ' Garden ', description: 'green' })
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({
      name: 'Garden',
      description: 'green',
      visibility: 'private',
      owner_user_id: head.id,
    })
    expect(made.body.org_id).toBe(made.body.account_id)
    expect((await hand.ask('GET', '/v1/projects')).body).toEqual([made.body])
    expect((await hand.ask('GET', `/v1/projects/${made.body.id}`)).body).toEqual(made.body)
    expect(codeOf(await hand.ask('POST', '/v1/projects', { name: 'x' }))).toEqual([
      403,
      'auth.forbidden',
    ])
    expect(codeOf(await head.ask('POST', '/v1/projects', { name: ' ' }))[0]).toBe(422)
    expect(codeOf(await bob.ask('GET', `/v1/projects/${made.body.id}`))).toEqual([
      404,
      'projects.not_found',
    ])

    const project_id = made.body.id
    const thread = (await head.ask('POST', '/v1/threads', { title: 'T', project_id })).body
    expect(thread.project_id).toBe(project_id)
    expect((await head.ask('GET', `/v1/threads/${thread.id}`)).body.project_id).toBe(project_id)
    const listed = (await head.ask('GET', '/v1/threads')).body
    expect(listed.find((t: { id: string }) => t.id === thread.id).project_id).toBe(project_id)
    const foreign = await bob.ask('POST', '/v1/threads', { project_id })
    expect(foreign).toMatchObject({
      status: 422,
      body: { message: 'project not found in account' },
    })
    expect((await head.ask('POST', '/v1/threads', { project_id: null })).status).toBe(422)
    const out = await head.ask('PATCH', `/v1/threads/${thread.id}`, { project_id: null })
    expect(out.body).not.toHaveProperty('project_id')
    const back = await head.ask('PATCH', `/v1/threads/${thread.id}`, { project_id })
    expect(back.body.project_id).toBe(project_id)
    expect((await head.ask('DELETE', `/v1/projects/${project_id}`)).status).toBe(204)
    const left = await head.ask('GET', `/v1/threads/${thread.id}`)
    expect(left.body).not.toHaveProperty('project_id')
  })

  it('that are open let colleagues read, and nobody else, and nothing more', async () => {
    const { id: project_id } = (
      await head.ask('POST', '/v1/projects', { name: 'Open', visibility: 'org' })
    ).body
    const thread = await spoken(head, 'Hello, colleagues.')
    const path = `/v1/threads/${thread}`
    expect(codeOf(await hand.ask('GET', path))).toEqual([403, 'policy.denied'])
    await head.ask('PATCH', path, { project_id })
    expect((await hand.ask('GET', path)).status).toBe(200)
    expect((await hand.ask('GET', `${path}/messages`)).body.at(-1).content).toBe(
      'Hello, colleagues.',
    )
    expect(codeOf(await hand.ask('PATCH', path, { title: 'x' }))).toEqual([403, 'policy.denied'])
    expect(codeOf(await hand.ask('POST', `${path}/messages`, { content: 'x' }))).toEqual([
      403,
      'policy.denied',
    ])
    for (const way of [path, `${path}/messages`])
      expect(codeOf(await bob.ask('GET', way))).toEqual([404, 'threads.not_found'])
  })
})

describe('sharing', () => {
  it('shows what was said up to then to whoever has the link, until it is taken back', async () => {
    const thread = await spoken(alice, 'First answer.')
    const path = `/v1/threads/${thread}:share`
    const made = await alice.ask('POST', path, { access_type: 'public' })
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({ access_type: 'public', live_update: false })
    const live = await alice.ask('POST', path, { access_type: 'public', live_update: true })
    expect((await alice.ask('GET', path)).body).toEqual([made.body, live.body])

    now += 60_000
    await alice.ask('POST', `/v1/threads/${thread}/messages`, { content: 'Later.' })
    const read = async (token: string) => (await ark.ask('GET', `/v1/s/${token}`)).body
    const still = await read(made.body.token)
    expect(still.requires_password).toBe(false)
    expect(still.thread).toMatchObject({ id: thread, title: 'A thread' })
    expect(still.messages.map((m: { role: string }) => m.role)).toEqual(['user', 'assistant'])
    expect(still.messages.at(-1).content).toBe('First answer.')
    expect(JSON.stringify(still)).not.toContain(alice.id)
    expect((await read(live.body.token)).messages.at(-1).content).toBe('Later.')

    const foreign = await bob.ask('DELETE', `${path}?id=${made.body.id}`)
    expect(codeOf(foreign)).toEqual([404, 'threads.not_found'])
    expect((await alice.ask('DELETE', `${path}?id=${made.body.id}`)).status).toBe(204)
    expect(codeOf(await ark.ask('GET', `/v1/s/${made.body.token}`))).toEqual([
      404,
      'shares.not_found',
    ])
    await alice.ask('DELETE', `/v1/threads/${thread}`)
    expect(codeOf(await ark.ask('GET', `/v1/s/${live.body.token}`))).toEqual([
      404,
      'shares.not_found',
    ])
  })

  it('with a password opens to that only, and not to who keeps guessing', async () => {
    const thread = await spoken(alice, 'A secret.')
    const path = `/v1/threads/${thread}:share`
    expect((await alice.ask('POST', path, { access_type: 'password' })).status).toBe(422)
    const { token } = (
      await alice.ask('POST', path, { access_type: 'password', password: 'open sesame' })
    ).body
    expect(JSON.stringify(await ark.world.store.list('arkloop.share'))).not.toContain('sesame')
    const read = (query = '') => ark.ask('GET', `/v1/s/${token}${query}`)
    expect((await read()).body).toEqual({ requires_password: true })
    const verify = (password: string) => ark.ask('POST', `/v1/s/${token}/verify`, { password })
    const { session_token } = (await verify('open sesame')).body
    expect((await read(`?session_token=${session_token}`)).body.messages.at(-1).content).toBe(
      'A secret.',
    )
    expect((await read('?session_token=x')).body).toEqual({ requires_password: true })
    const other = (await alice.ask('POST', path, { access_type: 'password', password: 'two' })).body
    const crossed = await ark.ask('GET', `/v1/s/${other.token}?session_token=${session_token}`)
    expect(crossed.body).toEqual({ requires_password: true })

    for (let i = 0; i < 10; i++)
      expect(codeOf(await verify('guess'))).toEqual([403, 'shares.invalid_password'])
    const locked = await verify('open sesame')
    expect(locked.status).toBe(429)
    expect(locked.headers.get('retry-after')).toBe('600')
    now += 600_001
    expect((await verify('open sesame')).status).toBe(200)
    now += 24 * 3_600_000
    expect((await read(`?session_token=${session_token}`)).body).toEqual({
      requires_password: true,
    })
  })
})

describe('reports', () => {
  it('reach who administers the platform, and nobody else', async () => {
    const thread = await spoken(bob, 'Something odd.')
    const path = `/v1/threads/${thread}:report`
    const made = await bob.ask('POST', path, { categories: ['other'], feedback: 'odd' })
    expect(made.status).toBe(201)
    expect((await bob.ask('POST', path, { categories: [] })).status).toBe(422)
    expect((await alice.ask('POST', path, { categories: ['other'] })).status).toBe(404)
    expect((await bob.ask('POST', '/v1/me/feedback', { feedback: 'Good.' })).status).toBe(201)
    const { data, total } = (await alice.ask('GET', '/v1/admin/reports?limit=5')).body
    expect(total).toBe(2)
    expect(data.map((r: { feedback: string }) => r.feedback).sort()).toEqual(['Good.', 'odd'])
    expect(data.find((r: { thread_id: string }) => r.thread_id === thread)).toMatchObject({
      categories: ['other'],
      reporter_email: 'bob@example.com',
    })
    expect(codeOf(await bob.ask('GET', '/v1/admin/reports'))).toEqual([403, 'auth.forbidden'])
    expect((await ark.ask('GET', `/v1/threads/${thread}:report`)).status).toBe(401)
    expect(codeOf(await bob.ask('GET', path))).toEqual([405, 'http.method_not_allowed'])
  })
})

describe('usage', () => {
  it('by the hour, for the own account', async () => {
    const hours = async (person: Person, query: string) =>
      (await person.ask('GET', `/v1/me/usage/hourly${query}`)).body
    const day = '?start=2026-06-01&end=2026-06-01'
    now = Date.parse('2026-06-01T05:30:00Z')
    await spoken(hand, 'One.')
    now = Date.parse('2026-06-01T09:59:59Z')
    await spoken(hand, 'Two.')
    await spoken(hand, 'Three.')
    const told = await hours(head, day)
    expect(
      told.map((t: { hour: string; record_count: number }) => [t.hour, t.record_count]),
    ).toEqual([
      ['2026-06-01T05:00:00.000Z', 1],
      ['2026-06-01T09:00:00.000Z', 2],
    ])
    expect(await hours(head, '?start=2026-06-01T06:00:00Z&end=2026-06-01T09:00:00Z')).toEqual([])
    expect(
      (await head.ask('GET', '/v1/me/usage/hourly?start=2026-01-01&end=2026-06-01')).status,
    ).toBe(422)
    const { id: account_id } = (await head.ask('GET', '/v1/accounts/me')).body
    const own = await head.ask('GET', `/v1/accounts/${account_id}/usage/hourly${day}`)
    expect(own.body).toEqual(told)
    const seen = await alice.ask('GET', `/v1/accounts/${account_id}/usage/daily${day}`)
    expect(seen.body[0]).toMatchObject({ date: '2026-06-01', record_count: 3 })
    expect(codeOf(await bob.ask('GET', `/v1/accounts/${account_id}/usage`))).toEqual([
      404,
      'accounts.not_found',
    ])
    expect(codeOf(await hand.ask('GET', `/v1/accounts/${account_id}/usage`))).toEqual([
      403,
      'auth.forbidden',
    ])
  })
})
