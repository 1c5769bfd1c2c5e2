/**
 * Who may use which route of Arkloop's: every route x every role x one's own, a colleague's and
 * another account's thing. The table of routes is the source: a route without a rule does not compile,
 * and one whose rule this test cannot try fails it.
 */

import { uuidv7 } from 'uuidv7'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createContext } from '../src/dialects/arkloop/context.ts'
import { arkloopTable } from '../src/dialects/arkloop/index.ts'
import type { Subject } from '../src/dialects/arkloop/row.ts'
import { isPermission, type Permission, permissionsOf, type Role } from '../src/kernel/accounts.ts'
import {
  type Answer,
  type Ark,
  begin,
  isEnd,
  listen,
  openArk,
  type Person,
  request,
} from './scenarios/arkloop-server.ts'

type Owner = 'own' | 'colleague' | 'foreign'

/** A thing of each kind that a path can name. */
type Things = Record<Exclude<Subject, 'none'>, string> & { message: string; model: string }

let ark: Ark
const people = {} as Record<Role, Person>
const things = new Map<Person, Things>()
let stranger: Person
let strangersThings: Things

beforeAll(async () => {
  ark = await openArk({
    world: { agents: { assistant: {}, open: { permissions: { otherwise: { write: 'allow' } } } } },
  })
  // The owner of the local account administers the server; the two others share another account.
  people.platform_admin = await ark.register('root')
  people.account_admin = await ark.register('head')
  const { code } = (await people.account_admin.ask('GET', '/v1/me/invite-code')).body
  people.account_member = await ark.register('hand', code)
  stranger = await ark.register('stranger')
  for (const person of Object.values(people)) things.set(person, await thingsOf(person))
  strangersThings = await thingsOf(stranger)
}, 60_000)

afterAll(() => ark.close())

/** Members cannot make providers and personas: theirs are their account's. */
async function thingsOf(person: Person, admin?: Person): Promise<Things> {
  const { thread, run, message } = await begin(person, [[{ say: 'x' }]])
  await listen(ark.url, person, run, isEnd)
  const key = await person.ask('POST', '/v1/api-keys', { name: 'k', scopes: [] })
  const maker = admin ?? (person === people.account_member ? people.account_admin : person)
  const name = `p${uuidv7()}`
  const provider = await maker.ask('POST', '/v1/llm-providers', {
    ...{ name, provider: 'openai', api_key: 'sk-x', base_url: 'http://127.0.0.1:9/v1' },
    scope: 'user',
  })
  const model = await maker.ask('POST', `/v1/llm-providers/${provider.body.id}/models`, {
    model: 'm',
  })
  const persona = await maker.ask('POST', '/v1/personas', {
    ...{ persona_key: name.slice(0, 30), version: '1', display_name: 'P', prompt_md: 'P' },
  })
  const project = await maker.ask('POST', '/v1/projects', { name })
  const idOf = ({ body }: Answer): string => body.id
  return {
    ...{ thread, run, message, key: idOf(key), provider: idOf(provider), model: idOf(model) },
    ...{ persona: idOf(persona), project: idOf(project) },
    account: (await person.ask('GET', '/v1/me')).body.account_id,
  }
}

/** A body that its route's form accepts, where a route has one; the rest is told by the refusal. */
const BODIES: Record<string, object> = {
  'POST /v1/threads': {},
  'PATCH /v1/threads/{thread}': { title: 'x' },
  'POST /v1/threads/{thread}:fork': { message_id: uuidv7() },
  'POST /v1/threads/{thread}:continue': { run_id: uuidv7() },
  'POST /v1/threads/{thread}:share': { access_type: 'public' },
  'POST /v1/threads/{thread}:report': { categories: ['other'] },
  'POST /v1/me/feedback': { feedback: 'x' },
  'POST /v1/projects': { name: 'x' },
  'POST /v1/threads/{thread}/messages': { content: 'x' },
  'PATCH /v1/threads/{thread}/messages/{message}': { content: 'x' },
  'POST /v1/runs/{run}/input': { content: 'x' },
  'POST /v1/api-keys': { name: 'x' },
  'PATCH /v1/me': { timezone: '' },
  'POST /v1/personas': { persona_key: 'x', version: '1', display_name: 'x', prompt_md: 'x' },
  'POST /v1/llm-providers': { name: 'x', provider: 'openai', api_key: 'x', scope: 'user' },
  'POST /v1/llm-providers/{provider}/models': { model: 'other' },
}

const QUERIES: Record<string, string> = {
  'GET /v1/threads/search': '?q=x',
  'GET /v1/runs/{run}/events': '?follow=false',
  'GET /v1/llm-providers': '?scope=user',
  'DELETE /v1/threads/{thread}:share': '?id=none',
}

/** Not asked in earnest: they would end what the other cases need. */
const ENDS_SIGN_IN = new Set(['POST /v1/auth/logout'])

const table = () => arkloopTable(createContext(ark.world.engine, ark.accounts, SETTINGS))
const SETTINGS = { version: '1', newId: uuidv7, now: Date.now, source: async () => null }

function pathFor(path: string, of: Things): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => {
    if (name === 'action') return 'none'
    if (name === 'token') return 'none'
    if (name === 'attachment') return uuidv7()
    const id = of[name as keyof Things]
    if (id === undefined) throw new Error(`nothing to put for {${name}} in ${path}`)
    return id
  })
}

const permitted = (role: Role, may: Permission | 'session' | null): boolean =>
  may === null || may === 'session' || permissionsOf(role).includes(may)

/** What must come back when the caller has the permission. */
function expected(about: Subject, role: Role, owner: Owner): 'in' | 'denied' | 'hidden' {
  if (about === 'none' || owner === 'own') return 'in'
  if (owner === 'foreign') return about === 'account' && role === 'platform_admin' ? 'in' : 'hidden'
  switch (about) {
    case 'thread':
      return 'denied'
    case 'run':
      return role === 'platform_admin' ? 'in' : 'denied'
    case 'key':
      return role === 'account_member' ? 'hidden' : 'in'
    case 'provider':
    case 'persona':
    case 'project':
    case 'account':
      return 'in'
  }
}

function verdictOf({ status, body }: Answer): 'in' | 'denied' | 'hidden' | 'forbidden' | 'out' {
  if (status === 401) return 'out'
  if (status === 403) return body.code === 'policy.denied' ? 'denied' : 'forbidden'
  const isGone = status === 404 && body.code !== 'http.not_found'
  const isOfThread = ['messages.not_found', 'shares.not_found'].includes(body.code)
  return isGone && !isOfThread ? 'hidden' : 'in'
}

/** Made anew where the route takes it away. */
async function fresh(person: Person, path: string, method: string): Promise<Things> {
  const kept = person === stranger ? strangersThings : (things.get(person) as Things)
  if (method !== 'DELETE' || !path.includes('{')) return kept
  return /:(star|share)$/.test(path) ? kept : thingsOf(person)
}

describe('every route', () => {
  it('has a rule that this test knows how to try', () => {
    for (const row of table()) {
      const { may, about } = row.rule
      expect(may === null || may === 'public' || may === 'session' || isPermission(may)).toBe(true)
      if (about !== 'none') expect(row.path).toContain(`{${about}}`)
      const isNamed = /\{(thread|run|key|provider|persona|project|account)\}/.test(row.path)
      if (isNamed && !row.path.includes('{action}')) expect([row.path, about]).not.toContain('none')
      expect(() => pathFor(row.path, strangersThings)).not.toThrow()
    }
  })

  it('lets nobody in without a credential, unless it is public', async () => {
    for (const { method, path, rule } of table()) {
      const name = `${method} ${path}`
      const url = ark.url + pathFor(path, strangersThings) + (QUERIES[name] ?? '')
      const body = method === 'GET' ? undefined : (BODIES[name] ?? {})
      const answer = await request(url, { method, body, headers: {} })
      const isOut = answer.status === 401
      // A refresh without a cookie and a sign-in without a name are refused in other words.
      expect([name, isOut]).toEqual([name, rule.may !== 'public'])
      if (isOut) expect([name, answer.body.code]).toEqual([name, 'auth.missing_token'])
    }
  })

  it('refuses a key that has no scopes, unless it asks for no permission', async () => {
    const { key } = (await people.platform_admin.ask('POST', '/v1/api-keys', { name: 'none' })).body
    const headers = { authorization: `Bearer ${key}` }
    for (const { method, path, rule } of table()) {
      const name = `${method} ${path}`
      if (rule.may === 'public') continue
      const of = things.get(people.platform_admin) as Things
      const url = ark.url + pathFor(path, of) + (QUERIES[name] ?? '')
      const body = method === 'GET' ? undefined : (BODIES[name] ?? {})
      const answer = await request(url, { method, body, headers })
      const isRefused = answer.status === 403 && answer.body.code === 'auth.forbidden'
      expect([name, isRefused]).toEqual([name, rule.may !== null])
    }
  })
})

const ROLES: Role[] = ['account_member', 'account_admin', 'platform_admin']
const OWNERS: Owner[] = ['own', 'colleague', 'foreign']

describe.each(ROLES)('a %s', (role) => {
  /** A colleague of the server's owner is made when there has to be one. */
  let colleague: Person

  beforeAll(async () => {
    if (role === 'account_member') colleague = people.account_admin
    if (role === 'account_admin') colleague = people.account_member
    if (role !== 'platform_admin') return
    const { code } = (await people.platform_admin.ask('GET', '/v1/me/invite-code')).body
    colleague = await ark.register('aide', code)
    things.set(colleague, await thingsOf(colleague, people.platform_admin))
  }, 60_000)

  it.each(OWNERS)(
    'may do with %s things what the rules say, and nothing else',
    async (owner) => {
      const who = people[role]
      for (const { method, path, rule } of table()) {
        const name = `${method} ${path}`
        if (rule.may === 'public' || ENDS_SIGN_IN.has(name)) continue
        const holder = owner === 'own' ? who : owner === 'colleague' ? colleague : stranger
        // What is deleted is only really deleted when it is allowed.
        const isReal = method === 'DELETE' && permitted(role, rule.may)
        const of =
          isReal && owner === 'own'
            ? await fresh(who, path, method)
            : (things.get(holder) ?? strangersThings)
        if (isReal && owner === 'colleague' && expected(rule.about, role, owner) === 'in') continue
        const body = method === 'GET' ? undefined : (BODIES[name] ?? {})
        const answer = await who.ask(method, pathFor(path, of) + (QUERIES[name] ?? ''), body)
        const wanted = permitted(role, rule.may) ? expected(rule.about, role, owner) : 'forbidden'
        const isOwnWord = verdictOf(answer) === 'hidden' && rule.about === 'none'
        expect([name, owner, isOwnWord ? 'in' : verdictOf(answer)]).toEqual([name, owner, wanted])
      }
    },
    120_000,
  )
})

describe('lists', () => {
  it('tell nothing of another account, and no threads of colleagues', async () => {
    const { account_member: hand, account_admin: head } = people
    for (const path of [
      '/v1/runs?limit=200',
      '/v1/threads?limit=200',
      '/v1/threads/search?q=thread',
    ]) {
      const text = JSON.stringify((await hand.ask('GET', path)).body)
      expect([path, text.includes(strangersThings.thread)]).toEqual([path, false])
      expect([path, text.includes(strangersThings.run)]).toEqual([path, false])
    }
    const own = JSON.stringify((await hand.ask('GET', '/v1/threads?limit=200')).body)
    expect(own).not.toContain(things.get(head)?.thread)
    const runs = (await hand.ask('GET', '/v1/runs?limit=200')).body
    const heads = runs.find((r: { run_id: string }) => r.run_id === things.get(head)?.run)
    expect(heads).toMatchObject({
      created_by_user_name: 'head',
      created_by_email: 'head@example.com',
    })
  })

  it('of all accounts only for who administers the platform', async () => {
    const { account_id: theirs } = (await stranger.ask('GET', '/v1/me')).body
    const query = `/v1/runs?account_id=${theirs}`
    const seen = (await people.platform_admin.ask('GET', query)).body
    expect(seen.some((r: { run_id: string }) => r.run_id === strangersThings.run)).toBe(true)
    for (const person of [people.account_admin, people.account_member])
      for (const path of [query, `/v1/runs?user_id=${stranger.id}`])
        expect(await person.ask('GET', path)).toMatchObject({
          status: 403,
          body: { code: 'auth.forbidden' },
        })
  })

  it('files of an account are not another’s', async () => {
    const write = [
      [{ call: 'write', input: { path: 'mine.txt', content: 'a secret' } }],
      [{ call: 'read', input: { path: 'mine.txt' } }],
    ]
    const made = await begin(people.platform_admin, write, { persona_id: 'open' })
    const own = await listen(ark.url, people.platform_admin, made.run, isEnd)
    expect(own.filter((t) => t.event === 'tool.result')).toHaveLength(2)
    expect(JSON.stringify(own)).toContain('a secret')
    const path = `${ark.world.files}/mine.txt`
    const look = [
      [{ call: 'read', input: { path: 'mine.txt' } }],
      [{ call: 'read', input: { path } }],
    ]
    const theirs = await begin(stranger, look, { persona_id: 'open' })
    const told = await listen(ark.url, stranger, theirs.run, isEnd)
    expect(told.filter((t) => t.body.error_class === 'tool.execution_failed')).toHaveLength(2)
    expect(JSON.stringify(told)).not.toContain('a secret')
  })

  it('Ownware does not reach into an account', async () => {
    const list = await ark.ask('GET', '/api/v1/threads?profileId=assistant')
    expect(list.status).toBe(200)
    const hex = strangersThings.thread.replaceAll('-', '')
    expect(JSON.stringify(list.body)).not.toContain(hex)
    const mine = (things.get(people.platform_admin) as Things).thread.replaceAll('-', '')
    expect(JSON.stringify(list.body)).toContain(mine)
    expect((await ark.ask('GET', `/api/v1/threads/thread_${hex}`)).status).toBe(404)
    expect((await ark.ask('GET', `/api/v1/runs/${strangersThings.run}`)).status).toBe(404)
  })

  // Native takes whoever comes over loopback for the owner of everything. Turn this into `it` when
  // it no longer does.
  it('native does not reach into an account', async () => {
    const one = await ark.ask('GET', `/manifold/v1/threads/${strangersThings.thread}`)
    expect(one.status).toBe(404)
  })
})
