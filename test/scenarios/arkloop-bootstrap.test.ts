/** The first user of a server, by a token: from its own machine, or with the server's own token. */

import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Ark, openArk, PASSWORD, personOf } from './arkloop-server.ts'

let now = Date.parse('2026-05-06T07:08:09.100Z')
let ark: Ark
const FAR = { 'x-forwarded-for': '203.0.113.9' }

beforeEach(async () => {
  ark = await openArk({ accounts: { now: () => now } })
})
afterEach(() => ark.close())

const codeOf = ({ status, body }: { status: number; body: { code?: string } }) => [
  status,
  body.code,
]
const setUp = (token: string, headers?: object) =>
  ark.ask(
    'POST',
    '/v1/bootstrap/setup',
    { token, username: 'root', password: PASSWORD, locale: 'en' },
    headers,
  )

it('makes who administers the server, once', async () => {
  const made = await ark.ask('POST', '/v1/bootstrap/init')
  expect(made.status).toBe(201)
  expect(made.body).toEqual({ token: expect.any(String), expires_at: '2026-05-06T07:38:09.000Z' })
  const { token, expires_at } = made.body
  const look = async (text: string) => (await ark.ask('GET', `/v1/bootstrap/verify/${text}`)).body
  expect(await look(token)).toEqual({ valid: true, expires_at })
  expect(await look('x')).toEqual({ valid: false })

  const done = await setUp(token, FAR)
  expect(done.status).toBe(201)
  expect(done.body).toEqual({
    user_id: expect.any(String),
    access_token: expect.any(String),
    token_type: 'bearer',
  })
  const root = personOf(ark.url, done.body.user_id, done)
  const me = (await root.ask('GET', '/v1/me')).body
  expect(me).toMatchObject({ username: 'root', role: 'platform_admin' })
  expect(me).not.toHaveProperty('email')
  const login = await ark.ask('POST', '/v1/auth/login', { login: 'root', password: PASSWORD })
  expect(login.status).toBe(200)
  const resolved = await ark.ask('POST', '/v1/auth/resolve', { identity: 'root' })
  expect(resolved.body).not.toHaveProperty('masked_email')

  expect(await look(token)).toEqual({ valid: false })
  expect(codeOf(await setUp(token))).toEqual([422, 'bootstrap.invalid_token'])
  const again = await ark.ask('POST', '/v1/bootstrap/init')
  expect(codeOf(again)).toEqual([409, 'bootstrap.already_initialized'])
})

it('not for whoever comes from elsewhere, unless they hold the server’s token', async () => {
  const init = (headers: object) => ark.ask('POST', '/v1/bootstrap/init', undefined, headers)
  expect(codeOf(await init(FAR))).toEqual([403, 'auth.forbidden'])
  const wrong = { ...FAR, authorization: `Bearer ${'0'.repeat(64)}` }
  expect(codeOf(await init(wrong))).toEqual([403, 'auth.forbidden'])
  const holder = { ...FAR, authorization: `Bearer ${ark.serverToken}` }
  expect((await init(holder)).status).toBe(201)
})

it('a token ends, and no other kind of token is one', async () => {
  const { token } = (await ark.ask('POST', '/v1/bootstrap/init')).body
  const asAccess = await ark.ask('GET', '/v1/me', undefined, { authorization: `Bearer ${token}` })
  expect(codeOf(asAccess)).toEqual([401, 'auth.invalid_token'])
  now += 1_801_000
  expect(codeOf(await setUp(token))).toEqual([422, 'bootstrap.invalid_token'])
  const owner = await ark.register('owner')
  expect(codeOf(await setUp(owner.token))).toEqual([422, 'bootstrap.invalid_token'])
})
