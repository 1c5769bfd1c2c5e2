/** Users, accounts, tokens and keys of Arkloop over real sockets; and tokens that are misused. */

import { createHmac } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { request as open } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Ark,
  begin,
  isEnd,
  listen,
  openArk,
  PASSWORD,
  type Person,
  personOf,
  until,
} from './arkloop-server.ts'

let now = Date.parse('2026-05-06T07:08:09.100Z')
let ark: Ark
let alice: Person

beforeAll(async () => {
  ark = await openArk({ accounts: { now: () => now } })
  alice = await ark.register('alice')
})
afterAll(() => ark.close())

const codeOf = ({ status, body }: { status: number; body: { code?: string } }) => [
  status,
  body.code,
]

describe('registering', () => {
  it('tells what it is like before', async () => {
    expect((await ark.ask('GET', '/v1/auth/captcha-config')).body).toEqual({
      enabled: false,
      site_key: '',
    })
    expect((await ark.ask('GET', '/v1/auth/registration-mode')).body).toEqual({ mode: 'open' })
  })

  it('answers with a token and a cookie, and signs in', async () => {
    const answer = await ark.ask('POST', '/v1/auth/register', {
      ...{ login: 'carol', password: PASSWORD, email: 'carol@example.com' },
    })
    expect(answer.status).toBe(201)
    expect(answer.body).toEqual({
      user_id: expect.any(String),
      access_token: expect.any(String),
      token_type: 'bearer',
    })
    const [cookie, ...old] = answer.headers.getSetCookie()
    expect(cookie).toMatch(
      /^arkloop_refresh_token=[^;]+; Path=\/v1\/auth; HttpOnly; SameSite=Lax; Max-Age=2592000$/,
    )
    expect(old).toEqual(
      ['web', 'console', 'console_lite'].map(
        (name) => `arkloop_rt_${name}=; Path=/v1/auth; HttpOnly; SameSite=Lax; Max-Age=0`,
      ),
    )
    const carol = personOf(ark.url, answer.body.user_id, answer)
    const me = (await carol.ask('GET', '/v1/me')).body
    expect(me).toMatchObject({
      id: carol.id,
      username: 'carol',
      email: 'carol@example.com',
      role: 'account_admin',
      account_name: "carol's workspace",
      work_enabled: true,
    })
    expect(me.permissions).toContain('data.secrets.manage')
    expect(me.permissions).not.toContain('platform.admin')
  })

  it('refuses what cannot be', async () => {
    const base = { login: 'dave', password: PASSWORD, email: 'dave@example.com' }
    const cases: [object, number, string][] = [
      [{ ...base, login: ' ' }, 422, 'validation.error'],
      [{ ...base, login: 'd@ve' }, 422, 'validation.error'],
      [{ ...base, email: 'nowhere' }, 422, 'validation.error'],
      [{ ...base, password: 'short1' }, 422, 'validation.error'],
      [{ ...base, password: 'onlyletters' }, 422, 'validation.error'],
      [{ ...base, password: '1234567890' }, 422, 'validation.error'],
      [{ ...base, password: `${'a'.repeat(72)}1` }, 422, 'validation.error'],
      [{ login: 'dave' }, 422, 'validation.error'],
      [{ ...base, login: 'ALICE' }, 409, 'auth.login_exists'],
      [{ ...base, email: 'Alice@Example.com' }, 409, 'auth.login_exists'],
      [{ ...base, invite_code: 'f'.repeat(24) }, 422, 'auth.invite_code_invalid'],
    ]
    for (const [body, status, code] of cases)
      expect([body, ...codeOf(await ark.ask('POST', '/v1/auth/register', body))]).toEqual([
        body,
        status,
        code,
      ])
    now += 60_000
  })

  it('of many of the same name at once exactly one is made', async () => {
    const register = (i: number) =>
      ark.ask('POST', '/v1/auth/register', {
        ...{ login: 'erin', password: PASSWORD, email: `erin${i}@example.com` },
      })
    const answers = await Promise.all([0, 1, 2, 3].map(register))
    expect(answers.map((a) => a.status).sort()).toEqual([201, 409, 409, 409])
    now += 60_000
  })

  it('the first user owns what nobody has made, and administers the server', async () => {
    const me = (await alice.ask('GET', '/v1/me')).body
    expect(me).toMatchObject({
      role: 'platform_admin',
      account_id: '00000000-0000-4000-8000-000000000002',
    })
    const made = await ark.ask('POST', '/manifold/v1/threads', { input: 'script [[{"say":"x"}]]' })
    const thread = (made.body as { id: string }).id
    const seen = await alice.ask('GET', `/v1/threads/${thread}`)
    expect(seen.status).toBe(200)
    expect(seen.body.created_by_user_id).toBe(alice.id)
    const runs = (await alice.ask('GET', `/v1/runs?thread_id=${thread}`)).body
    expect(runs[0]).toMatchObject({ created_by_user_name: 'alice', thread_id: thread })
    const told = await listen(ark.url, alice, runs[0].run_id, isEnd)
    expect(told.map((t) => t.id)).toEqual(told.map((_, i) => i + 1))
    expect(told.at(-1)?.event).toBe('run.completed')
    const messages = (await alice.ask('GET', `/v1/threads/${thread}/messages`)).body
    expect(messages.map((m: { role: string }) => m.role)).toEqual(['user', 'assistant'])
    expect(messages[1]).toMatchObject({ run_id: runs[0].run_id, content: 'x' })
  })

  it('whoever has the invite joins the account as a member', async () => {
    const { code } = (await alice.ask('GET', '/v1/me/invite-code')).body
    const bob = await ark.register('bob', code)
    const me = (await bob.ask('GET', '/v1/me')).body
    expect(me).toMatchObject({
      role: 'account_member',
      account_id: '00000000-0000-4000-8000-000000000002',
    })
    const members = (await alice.ask('GET', '/v1/accounts/me/members')).body
    expect(members.map((m: { username: string }) => m.username).sort()).toEqual(['alice', 'bob'])
    const fresh = (await alice.ask('POST', '/v1/me/invite-code/reset')).body
    expect(fresh.code).not.toBe(code)
    const late = { login: 'late', password: PASSWORD, email: 'late@example.com', invite_code: code }
    expect(codeOf(await ark.ask('POST', '/v1/auth/register', late))).toEqual([
      422,
      'auth.invite_code_invalid',
    ])
  })

  it('keeps no password, token or key in readable form', async () => {
    const all = []
    const kinds = ['user', 'login', 'member', 'account', 'refresh', 'api-key', 'api-key-hash']
    for (const kind of kinds) all.push(...(await ark.world.store.list(`access.${kind}`)))
    const text = JSON.stringify(all)
    expect(text).toContain('$argon2id$')
    expect(text).not.toContain(PASSWORD)
    expect(text).not.toContain(alice.cookie.split('.').at(-1) as string)
    const key = statSync(join(ark.world.folder, 'jwt-key'))
    expect(key.mode & 0o777).toBe(0o600)
  })
})

describe('from afar', () => {
  it('nobody takes the local account without the server’s token', async () => {
    const fresh = await openArk()
    try {
      const far = { 'x-forwarded-for': '203.0.113.9' }
      const base = { login: 'mallory', password: PASSWORD, email: 'm@example.com' }
      const post = (body: object) => fresh.ask('POST', '/v1/auth/register', body, far)
      const mode = await fresh.ask('GET', '/v1/auth/registration-mode', undefined, far)
      expect(mode.body).toEqual({ mode: 'invite_only' })
      expect(codeOf(await post(base))).toEqual([422, 'auth.invite_code_required'])
      const owner = await post({ ...base, invite_code: fresh.serverToken })
      expect(owner.status).toBe(201)
      const me = await personOf(fresh.url, '', owner).ask('GET', '/v1/me')
      expect(me.body.role).toBe('platform_admin')
      const second = await post({ ...base, login: 'two', email: 'two@example.com' })
      expect((await personOf(fresh.url, '', second).ask('GET', '/v1/me')).body.role).toBe(
        'account_admin',
      )
    } finally {
      await fresh.close()
    }
  })
})

describe('signing in', () => {
  it('by name or address, and not with a wrong password', async () => {
    now += 60_000
    for (const login of ['alice', 'ALICE@example.com']) {
      const answer = await ark.ask('POST', '/v1/auth/login', { login, password: PASSWORD })
      expect(answer.status).toBe(200)
      expect(Object.keys(answer.body).sort()).toEqual(['access_token', 'token_type'])
      expect(answer.headers.get('set-cookie')).toContain('arkloop_refresh_token=')
    }
    for (const login of ['alice', 'nobody'])
      expect(
        codeOf(await ark.ask('POST', '/v1/auth/login', { login, password: 'wrong pass 1' })),
      ).toEqual([401, 'auth.invalid_credentials'])
    expect(codeOf(await ark.ask('POST', '/v1/auth/login', {}))).toEqual([422, 'validation.error'])
  })

  it('is slowed down for who tries too often', async () => {
    now += 60_000
    const tries = Array.from({ length: 25 }, () =>
      ark.ask('POST', '/v1/auth/login', { login: 'nobody', password: 'wrong pass 1' }),
    )
    const answers = await Promise.all(tries)
    const limited = answers.filter((a) => a.status === 429)
    expect(limited.length).toBeGreaterThanOrEqual(5)
    expect(limited[0]?.body.code).toBe('ratelimit.exceeded')
    expect(Number(limited[0]?.headers.get('retry-after'))).toBeGreaterThan(0)
    now += 60_000
  })

  it('resolve says what comes next', async () => {
    const known = await ark.ask('POST', '/v1/auth/resolve', { identity: 'alice' })
    expect(known.body).toEqual({
      next_step: 'password',
      flow_token: expect.any(String),
      masked_email: 'a***@example.com',
      otp_available: false,
      invite_required: false,
      prefill: { login: 'alice' },
    })
    const asAccess = await ark.ask('GET', '/v1/me', undefined, {
      authorization: `Bearer ${known.body.flow_token}`,
    })
    expect(codeOf(asAccess)).toEqual([401, 'auth.invalid_token'])
    const unknown = await ark.ask('POST', '/v1/auth/resolve', { identity: 'new@example.com' })
    expect(unknown.body).toEqual({
      next_step: 'register',
      otp_available: false,
      invite_required: false,
      prefill: { email: 'new@example.com' },
    })
    expect(codeOf(await ark.ask('POST', '/v1/auth/resolve', { identity: ' ' }))).toEqual([
      422,
      'validation.error',
    ])
  })

  it('codes by mail are refused in words that say why', async () => {
    const { flow_token } = (await ark.ask('POST', '/v1/auth/resolve', { identity: 'alice' })).body
    const post = async (path: string, body: object) => codeOf(await ark.ask('POST', path, body))
    const none = [422, 'auth.otp_unavailable']
    const bad = [401, 'auth.flow_token_invalid']
    expect(await post('/v1/auth/resolve/otp/send', { flow_token })).toEqual(none)
    expect(await post('/v1/auth/resolve/otp/verify', { flow_token, code: '1' })).toEqual(none)
    for (const wrong of [alice.token, 'x', flow_token.slice(0, -2)]) {
      expect(await post('/v1/auth/resolve/otp/send', { flow_token: wrong })).toEqual(bad)
      expect(await post('/v1/auth/resolve/otp/verify', { flow_token: wrong, code: '1' })).toEqual(
        bad,
      )
    }
    now += 601_000
    expect(await post('/v1/auth/resolve/otp/send', { flow_token })).toEqual(bad)
    expect(await post('/v1/auth/email/otp/send', { email: 'a@example.com' })).toEqual(none)
    expect(await post('/v1/auth/email/otp/verify', { email: 'a@b.co', code: '1' })).toEqual(none)
    expect(await post('/v1/auth/email/verify/confirm', { token: 'x' })).toEqual(none)
    expect(await post('/v1/auth/email/otp/send', {})).toEqual([422, 'validation.error'])
  })
})

describe('refresh', () => {
  const refresh = (cookie: string) => ark.ask('POST', '/v1/auth/refresh', undefined, { cookie })
  const signIn = async () => {
    now += 60_000
    const answer = await ark.ask('POST', '/v1/auth/login', { login: 'alice', password: PASSWORD })
    return personOf(ark.url, alice.id, answer)
  }

  it('needs the cookie, gives a new one, and works once', async () => {
    expect(await ark.ask('POST', '/v1/auth/refresh')).toMatchObject({
      status: 422,
      body: { code: 'validation.error', message: 'refresh_token is required' },
    })
    const { cookie } = await signIn()
    const next = await refresh(`theme=dark; ${cookie}`)
    expect(next.status).toBe(200)
    expect(next.body).toEqual({ access_token: expect.any(String), token_type: 'bearer' })
    const fresh = personOf(ark.url, alice.id, next)
    expect(fresh.cookie).not.toBe(cookie)
    expect((await fresh.ask('GET', '/v1/me')).status).toBe(200)
    const again = await refresh(cookie)
    expect(codeOf(again)).toEqual([401, 'auth.invalid_token'])
    expect(again.headers.get('set-cookie')).toBeNull()
    // Two tabs that asked at once: the sign-in goes on.
    expect((await refresh(fresh.cookie)).status).toBe(200)
  })

  it('of two at once exactly one gets the next', async () => {
    const { cookie } = await signIn()
    const answers = await Promise.all([refresh(cookie), refresh(cookie), refresh(cookie)])
    expect(answers.map((a) => a.status).sort()).toEqual([200, 401, 401])
  })

  it('one that comes again later ends the whole sign-in', async () => {
    const { cookie } = await signIn()
    const other = await signIn()
    const next = personOf(ark.url, alice.id, await refresh(cookie))
    now += 60_000
    expect((await refresh(cookie)).status).toBe(401)
    expect((await refresh(next.cookie)).status).toBe(401)
    expect((await refresh(other.cookie)).status).toBe(200)
  })

  it('expires, and nothing made up is accepted', async () => {
    const { cookie } = await signIn()
    now += 31 * 86_400_000
    expect((await refresh(cookie)).status).toBe(401)
    for (const made of ['x', 'x.y', `${alice.id}.${'0'.repeat(64)}`, '../..', 'a/b.c'])
      expect((await refresh(`arkloop_refresh_token=${made}`)).status).toBe(401)
  })
})

describe('access tokens', () => {
  const tokenIn = (header: object, payload: object, algorithm = 'sha256') => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const text = `${part(header)}.${part(payload)}`
    const hex = readFileSync(join(ark.world.folder, 'jwt-key'), 'utf8').trim()
    const mac = createHmac(algorithm, Buffer.from(hex, 'hex')).update(text).digest('base64url')
    return { text, token: `${text}.${mac}` }
  }
  const claims = (change: object = {}) => ({
    sub: alice.id,
    typ: 'access',
    account: 'local',
    role: 'platform_admin',
    iat: now / 1000,
    exp: Math.floor(now / 1000) + 900,
    ...change,
  })
  const HS256 = { alg: 'HS256', typ: 'JWT' }
  const tryToken = async (token: string) =>
    codeOf(await ark.ask('GET', '/v1/me', undefined, { authorization: `Bearer ${token}` }))

  it('are opened only as they were made', async () => {
    expect(await tryToken(tokenIn(HS256, claims()).token)).toEqual([200, undefined])
    const good = tokenIn(HS256, claims()).token
    const flipped = `${good.slice(0, -6)}${good.at(-6) === 'A' ? 'B' : 'A'}${good.slice(-5)}`
    const [head, , mac] = good.split('.')
    const other = Buffer.from(JSON.stringify(claims({ sub: 'x' }))).toString('base64url')
    const cases: [string, string, string][] = [
      ['none', `${tokenIn({ alg: 'none' }, claims()).text}.`, 'auth.invalid_token'],
      ['NONE', `${tokenIn({ alg: 'nOnE' }, claims()).text}.`, 'auth.invalid_token'],
      ['HS512', tokenIn({ alg: 'HS512' }, claims(), 'sha512').token, 'auth.invalid_token'],
      ['RS256', tokenIn({ alg: 'RS256' }, claims()).token, 'auth.invalid_token'],
      ['tampered signature', flipped, 'auth.invalid_token'],
      ['tampered claims', `${head}.${other}.${mac}`, 'auth.invalid_token'],
      ['crit', tokenIn({ ...HS256, crit: ['x'], x: 1 }, claims()).token, 'auth.invalid_token'],
      ['no exp', tokenIn(HS256, { ...claims(), exp: undefined }).token, 'auth.invalid_token'],
      ['exp as text', tokenIn(HS256, claims({ exp: '9999999999' })).token, 'auth.invalid_token'],
      ['expired', tokenIn(HS256, claims({ exp: now / 1000 - 1 })).token, 'auth.token_expired'],
      ['flow', tokenIn(HS256, claims({ typ: 'auth_flow' })).token, 'auth.invalid_token'],
      [
        'nobody',
        tokenIn(HS256, claims({ sub: alice.id.replace(/.$/, 'z') })).token,
        'auth.user_not_found',
      ],
      ['garbage', 'a.b.c', 'auth.invalid_token'],
      ['empty parts', '..', 'auth.invalid_token'],
      ['no token', 'x', 'auth.invalid_token'],
      ['long', 'x'.repeat(8000), 'auth.invalid_token'],
    ]
    for (const [name, token, code] of cases)
      expect([name, ...(await tryToken(token))]).toEqual([name, 401, code])
    const elsewhere = tokenIn(HS256, claims({ account: 'other' })).token
    expect(await tryToken(elsewhere)).toEqual([403, 'auth.no_account_membership'])
  })

  it('a role that a token claims is not believed', async () => {
    const { body } = await ark.ask('POST', '/v1/auth/resolve', { identity: 'bob' })
    expect(body.next_step).toBe('password')
    const bob = await ark.accounts.find('bob')
    const token = tokenIn(HS256, claims({ sub: bob?.id })).token
    const me = await ark.ask('GET', '/v1/me', undefined, { authorization: `Bearer ${token}` })
    expect(me.body.role).toBe('account_member')
  })

  it('expire after a quarter of an hour, also when they were good before', async () => {
    now += 60_000
    const answer = await ark.ask('POST', '/v1/auth/login', { login: 'alice', password: PASSWORD })
    const token = answer.body.access_token
    expect(await tryToken(token)).toEqual([200, undefined])
    now += 901_000
    expect(await tryToken(token)).toEqual([401, 'auth.token_expired'])
  })

  it('are void after logout, and so is every sign-in', async () => {
    const login = { login: 'alice', password: PASSWORD }
    const one = personOf(ark.url, alice.id, await ark.ask('POST', '/v1/auth/login', login))
    const two = personOf(ark.url, alice.id, await ark.ask('POST', '/v1/auth/login', login))
    expect((await two.ask('GET', '/v1/me')).status).toBe(200)
    now += 5
    const out = await one.ask('POST', '/v1/auth/logout')
    expect([out.status, out.body]).toEqual([200, { ok: true }])
    expect(out.headers.get('set-cookie')).toContain('Max-Age=0')
    for (const person of [one, two]) {
      expect(await tryToken(person.token)).toEqual([401, 'auth.invalid_token'])
      const { status } = await ark.ask('POST', '/v1/auth/refresh', undefined, {
        cookie: person.cookie,
      })
      expect(status).toBe(401)
    }
    now += 5
    alice = personOf(ark.url, alice.id, await ark.ask('POST', '/v1/auth/login', login))
    expect((await alice.ask('GET', '/v1/me')).status).toBe(200)
  })

  it('headers that are not quite right are told from those that are missing', async () => {
    const cases: [string | undefined, string][] = [
      [undefined, 'auth.missing_token'],
      ['Basic abc', 'auth.invalid_authorization'],
      ['Bearer', 'auth.invalid_authorization'],
      [alice.token, 'auth.invalid_authorization'],
      [`Bearer ${alice.token} x`, 'auth.invalid_authorization'],
    ]
    for (const [authorization, code] of cases) {
      const answer = await ark.ask(
        'GET',
        '/v1/me',
        undefined,
        authorization ? { authorization } : {},
      )
      expect([authorization, ...codeOf(answer)]).toEqual([authorization, 401, code])
      expect(answer.body.trace_id).toBe(answer.headers.get('x-trace-id'))
    }
    const lower = await ark.ask('GET', '/v1/me', undefined, {
      authorization: `bearer ${alice.token}`,
    })
    expect(lower.status).toBe(200)
  })

  it('the server’s own token opens the local account', async () => {
    const authorization = `Bearer ${ark.serverToken}`
    const me = await ark.ask('GET', '/v1/me', undefined, { authorization })
    expect(me.body).toMatchObject({ id: alice.id, role: 'platform_admin' })
  })
})

describe('API keys', () => {
  const withKey = (key: string) => ({
    ask: (method: string, path: string, body?: unknown) =>
      ark.ask(method, path, body, { authorization: `Bearer ${key}` }),
  })

  it('are shown once, kept as a hash, and do what their scopes say', async () => {
    const made = await alice.ask('POST', '/v1/api-keys', {
      name: 'ci',
      scopes: ['data.runs.read', 'data.threads.write'],
    })
    expect(made.status).toBe(201)
    const { key } = made.body
    expect(key).toMatch(/^ak-[0-9a-f]{64}$/)
    expect(made.body).toMatchObject({
      name: 'ci',
      key_prefix: key.slice(0, 11),
      user_id: alice.id,
      scopes: ['data.runs.read', 'data.threads.write'],
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    })
    const listed = await alice.ask('GET', '/v1/api-keys')
    expect(JSON.stringify(listed.body)).not.toContain(key)
    const client = withKey(key)
    expect((await client.ask('GET', '/v1/me')).body).toMatchObject({
      id: alice.id,
      permissions: ['data.threads.write', 'data.runs.read'],
    })
    expect((await client.ask('GET', '/v1/runs')).status).toBe(200)
    const { body } = await client.ask('POST', '/v1/threads', {})
    expect(codeOf(await client.ask('POST', `/v1/threads/${body.id}/runs`))).toEqual([
      403,
      'auth.forbidden',
    ])
    expect(codeOf(await client.ask('GET', `/v1/threads/${body.id}`))).toEqual([
      403,
      'auth.forbidden',
    ])
    // A key makes no keys that can do more than itself.
    expect(codeOf(await client.ask('POST', '/v1/api-keys', { name: 'x' }))).toEqual([
      403,
      'auth.forbidden',
    ])
  })

  it('without scopes may do nothing', async () => {
    const { body } = await alice.ask('POST', '/v1/api-keys', { name: 'empty' })
    const client = withKey(body.key)
    for (const path of ['/v1/runs', '/v1/threads', '/v1/api-keys', '/v1/llm-providers'])
      expect([path, ...codeOf(await client.ask('GET', path))]).toEqual([
        path,
        403,
        'auth.forbidden',
      ])
  })

  it('cannot be given more than their maker has', async () => {
    const unknown = await alice.ask('POST', '/v1/api-keys', { name: 'x', scopes: ['a', 'b'] })
    expect(unknown).toMatchObject({
      status: 422,
      body: { message: 'invalid scopes', details: { scopes: ['a', 'b'] } },
    })
    const bob = personOf(
      ark.url,
      '',
      await ark.ask('POST', '/v1/auth/login', { login: 'bob', password: PASSWORD }),
    )
    const beyond = { name: 'x', scopes: ['platform.admin'] }
    expect(codeOf(await bob.ask('POST', '/v1/api-keys', beyond))).toEqual([
      403,
      'api_keys.scope_forbidden',
    ])
    for (const body of [{}, { name: '' }, { name: 'x'.repeat(201) }])
      expect((await alice.ask('POST', '/v1/api-keys', body)).status).toBe(422)
  })

  it('end when they are revoked; members see only their own', async () => {
    const { body } = await alice.ask('POST', '/v1/api-keys', {
      name: 'gone',
      scopes: ['data.runs.read'],
    })
    const bob = personOf(
      ark.url,
      '',
      await ark.ask('POST', '/v1/auth/login', { login: 'bob', password: PASSWORD }),
    )
    const own = await bob.ask('POST', '/v1/api-keys', { name: 'bobs', scopes: ['data.runs.read'] })
    expect((await bob.ask('GET', '/v1/api-keys')).body).toHaveLength(1)
    expect(codeOf(await bob.ask('DELETE', `/v1/api-keys/${body.id}`))).toEqual([
      404,
      'api_keys.not_found',
    ])
    expect((await alice.ask('DELETE', `/v1/api-keys/${own.body.id}`)).status).toBe(204)
    expect((await alice.ask('DELETE', `/v1/api-keys/${body.id}`)).status).toBe(204)
    expect(codeOf(await alice.ask('DELETE', `/v1/api-keys/${body.id}`))).toEqual([
      404,
      'api_keys.not_found',
    ])
    for (const key of [body.key, own.body.key, `ak-${'0'.repeat(64)}`, 'ak-', 'ak-x'])
      expect(codeOf(await withKey(key).ask('GET', '/v1/runs'))).toEqual([
        401,
        'auth.invalid_api_key',
      ])
    const listed = (await alice.ask('GET', '/v1/api-keys')).body
    const gone = listed.find((k: { id: string }) => k.id === body.id)
    expect(gone.revoked_at).toBeDefined()
  })
})

describe('me', () => {
  it('changes name and time zone', async () => {
    const zone = await alice.ask('PATCH', '/v1/me', { timezone: 'Europe/Berlin' })
    expect(zone.body).toEqual({ username: 'alice', timezone: 'Europe/Berlin' })
    expect((await alice.ask('PATCH', '/v1/me', { timezone: '' })).body).toEqual({
      username: 'alice',
    })
    expect((await alice.ask('PATCH', '/v1/me', { timezone: 'Mars/Olympus' })).status).toBe(422)
    expect((await alice.ask('PATCH', '/v1/me', {})).status).toBe(422)
    expect(codeOf(await alice.ask('PATCH', '/v1/me', { username: 'bob' }))).toEqual([
      409,
      'auth.login_exists',
    ])
    expect((await alice.ask('PATCH', '/v1/me', { username: 'alicia' })).body.username).toBe(
      'alicia',
    )
    expect((await alice.ask('GET', '/v1/me')).body.username).toBe('alicia')
    const old = await ark.ask('POST', '/v1/auth/login', { login: 'alice', password: PASSWORD })
    expect(old.status).toBe(401)
    expect((await alice.ask('PATCH', '/v1/me', { username: 'alice' })).status).toBe(200)
  })

  it('answers what the web app asks at its start', async () => {
    const day = new Date().toISOString().slice(0, 10)
    const dailyTotal = async () =>
      (await alice.ask('GET', `/v1/me/usage/daily?start=${day}&end=${day}`)).body[0]
        ?.total_input_tokens ?? 0
    const before = await dailyTotal()
    const usage = { inputTokens: 30_000, outputTokens: 1000 }
    const { run } = await begin(alice, [[{ say: 'x' }, { usage }]])
    await listen(ark.url, alice, run, isEnd)
    const credits = (await alice.ask('GET', '/v1/me/credits')).body
    expect(credits.balance).toBe(1000)
    expect(credits.transactions[0]).toMatchObject({
      amount: -31,
      type: 'consumption',
      reference_id: run,
    })
    const personas = (await alice.ask('GET', '/v1/me/selectable-personas')).body
    const keys = personas.map((p: { persona_key: string }) => p.persona_key)
    expect(keys).toEqual(['assistant', 'normal', 'work'])
    expect((await alice.ask('GET', '/v1/notifications?unread_only=true')).body).toEqual({
      data: [],
    })
    expect((await alice.ask('PATCH', '/v1/notifications', {})).body).toEqual({ ok: true, count: 0 })
    expect((await alice.ask('GET', '/v1/threads/starred')).body).toEqual([])
    const month = (
      await alice.ask(
        'GET',
        `/v1/me/usage?year=${day.slice(0, 4)}&month=${Number(day.slice(5, 7))}`,
      )
    ).body
    expect(month).toMatchObject({
      total_input_tokens: expect.any(Number),
      total_output_tokens: expect.any(Number),
    })
    expect((await dailyTotal()) - before).toBe(30_000)
    const noDay = await alice.ask('GET', '/v1/me/usage/daily?start=2026-02-31')
    expect([noDay.status, noDay.body.message]).toEqual([422, 'invalid date: 2026-02-31'])
    const models = (await alice.ask('GET', '/v1/me/usage/by-model')).body
    expect(models).toEqual([expect.objectContaining({ model: 'test' })])
  })
})

describe('the rest of the house', () => {
  it('tells of its health to anybody', async () => {
    expect((await ark.ask('GET', '/arkloop/healthz')).body).toEqual({ status: 'ok' })
    expect((await ark.ask('GET', '/readyz')).body).toMatchObject({ status: 'ok', match: true })
    expect((await ark.ask('GET', '/benchz')).status).toBe(200)
  })

  it('is not ready when its store is gone, and still up', async () => {
    const lost = await openArk()
    await lost.world.store.close()
    const answer = await lost.ask('GET', '/arkloop/readyz')
    expect([answer.status, answer.body.code, answer.body.message]).toEqual([
      503,
      'health.not_ready',
      'not ready',
    ])
    expect((await lost.ask('GET', '/arkloop/healthz')).status).toBe(200)
    await lost.close()
  })

  it('has a trace on every answer, and refuses in its own words', async () => {
    const unknown = await alice.ask('GET', '/v1/nothing/here')
    expect(unknown).toMatchObject({
      status: 404,
      body: { code: 'http.not_found', message: 'Not Found' },
    })
    expect(unknown.body.trace_id).toBe(unknown.headers.get('x-trace-id'))
    const broken = await alice.ask('POST', '/v1/threads', '{"title":')
    expect(codeOf(broken)).toEqual([422, 'validation.error'])
    expect(codeOf(await alice.ask('POST', '/v1/threads'))).toEqual([422, 'validation.error'])
    const large = await alice.ask('POST', '/v1/threads', { title: 'x'.repeat(1_048_600) })
    expect(codeOf(large)).toEqual([413, 'http.request_too_large'])
    const mounted = await alice.ask('GET', '/arkloop/v1/me')
    expect(mounted.headers.get('content-type')).toBe('application/json; charset=utf-8')
    const fine = await alice.ask('GET', '/v1/me')
    expect(fine.headers.get('x-trace-id')).toMatch(/^[0-9a-f]{32}$/)
  })

  it('may be asked with cookies by a page of this machine, and by no other', async () => {
    const from = async (origin: string, method = 'GET') => {
      const { status, headers } = await alice.ask(method, '/v1/me', undefined, { origin })
      const named = ['allow-origin', 'allow-credentials', 'expose-headers']
      return [status, ...named.map((name) => headers.get(`access-control-${name}`))]
    }
    const page = 'http://localhost:5173'
    const shown = 'X-Trace-Id, X-Total-Count, Retry-After'
    expect(await from(page)).toEqual([200, page, 'true', shown])
    expect(await from(page, 'OPTIONS')).toEqual([204, page, 'true', shown])
    // Without an origin that is allowed, a browser shows nothing, whatever else is said.
    expect((await from('https://elsewhere.example'))[1]).toBeNull()
  })

  it('that is busy says so, but still how it fares, and goes on telling of runs', async () => {
    const small = await openArk({ inFlight: 1 })
    try {
      const bob = await small.register('bob')
      const { run } = await begin(bob, [[{ say: 'x' }]])
      await listen(small.url, bob, run, isEnd)
      const held = open({
        ...{ method: 'POST', host: '127.0.0.1', port: new URL(small.url).port },
        path: '/v1/auth/login',
        headers: { 'content-length': 100 },
      })
      held.on('error', () => {})
      held.write('{')
      const busy = await until(async () => {
        const answer = await bob.ask('GET', '/v1/me')
        return answer.status === 503 ? answer : null
      })
      expect(busy.body).toMatchObject({ code: 'overload.busy', details: { limit: 1 } })
      expect((await small.ask('GET', '/healthz')).status).toBe(200)
      expect((await small.ask('GET', '/arkloop/readyz')).body.schema_version).toBeGreaterThan(0)
      const events = await bob.ask('GET', `/v1/runs/${run}/events?follow=false`)
      expect(events.body).toContain('event: run.completed')
      held.destroy()
    } finally {
      await small.close()
    }
  })
})
