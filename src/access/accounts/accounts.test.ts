import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { isFault } from '../../kernel/fault.ts'
import type { Store } from '../../kernel/ports.ts'
import { openSqliteStore } from '../../store/index.ts'
import { openAccounts } from './index.ts'
import { createJwt, jwtKey } from './jwt.ts'
import { checkPassword, hashPassword, isFitPassword } from './password.ts'
import { createRecords } from './records.ts'
import { createSessions } from './sessions.ts'

const folder = mkdtempSync(join(tmpdir(), 'manifold-accounts-'))
afterAll(async () => {
  for (const store of stores) await store.close()
  rmSync(folder, { recursive: true, force: true })
})

const stores: Store[] = []

async function openStore(): Promise<Store> {
  const store = await openSqliteStore({ folder: mkdtempSync(join(folder, 'store-')) })
  stores.push(store)
  return store
}

const reasonOf = async (work: Promise<unknown>): Promise<unknown> => {
  try {
    await work
    return 'none'
  } catch (error) {
    return isFault(error) ? error.details.reason : error
  }
}

let ids = 0
const newId = () => `00000000-0000-7000-8000-${String(++ids).padStart(12, '0')}`

describe('passwords', () => {
  it.each([
    ['abcdefg1', true],
    ['пароль12', true],
    ['abcdef1', false],
    ['abcdefgh', false],
    ['12345678', false],
    [`${'a'.repeat(71)}1`, true],
    [`${'a'.repeat(72)}1`, false],
    [`${'ж'.repeat(36)}1`, false],
  ])('%s', (password, isFit) => expect(isFitPassword(password)).toBe(isFit))

  it('are kept as Argon2id, differently each time', async () => {
    const [one, two] = await Promise.all([hashPassword('abcdefg1'), hashPassword('abcdefg1')])
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect(one).not.toBe(two)
    expect(await checkPassword(one, 'abcdefg1')).toBe(true)
    expect(await checkPassword(one, 'abcdefg2')).toBe(false)
    expect(await checkPassword(null, 'a password that nobody has 0')).toBe(false)
    expect(await checkPassword('nonsense', 'abcdefg1')).toBe(false)
    expect(await checkPassword(one, 'x'.repeat(2000))).toBe(false)
  })
})

describe('the key of access tokens', () => {
  it('is made once, for its owner only', () => {
    const key = jwtKey(folder)
    expect(key.length).toBeGreaterThanOrEqual(32)
    expect(Buffer.from(jwtKey(folder))).toEqual(Buffer.from(key))
    expect(statSync(join(folder, 'jwt-key')).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(folder, 'jwt-key'), 'utf8')).toMatch(/^[0-9a-f]{96}\n$/)
  })

  it('another key opens nothing', async () => {
    const make = (key: Uint8Array) => createJwt({ key, accessTtlS: 60, now: () => 1_000_000 })
    const token = await make(jwtKey(folder)).access({ sub: 'u', account: 'a', role: 'r' })
    expect(await make(jwtKey(folder)).verify(token)).toMatchObject({ sub: 'u', iat: 1000 })
    expect(await reasonOf(make(new Uint8Array(48).fill(7)).verify(token))).toBe('invalid')
  })
})

describe('refresh tokens', () => {
  const open = async () => {
    let now = 1_000_000
    const kept = await openStore()
    const sessions = createSessions({
      ...{ records: createRecords(kept), newId, ttlS: 100, graceMs: 10_000 },
      now: () => now,
    })
    return { sessions, kept, pass: (ms: number) => (now += ms) }
  }

  it('of many uses at once one succeeds, and the sign-in lives on', async () => {
    const { sessions } = await open()
    const token = await sessions.issue('u')
    const uses = await Promise.all([1, 2, 3].map(() => reasonOf(sessions.spend(token))))
    expect(uses.sort()).toEqual(['invalid', 'invalid', 'none'])
  })

  it('a late second use ends its own sign-in and no other', async () => {
    const { sessions, pass } = await open()
    const first = await sessions.issue('u')
    const other = await sessions.issue('u')
    const { family } = await sessions.spend(first)
    const next = await sessions.issue('u', family)
    pass(10_000)
    expect(await reasonOf(sessions.spend(first))).toBe('invalid')
    expect(await reasonOf(sessions.spend(next))).toBe('invalid')
    expect(await reasonOf(sessions.spend(other))).toBe('none')
  })

  it('of a sign-in are one record, however often it is refreshed; any earlier one ends it', async () => {
    const { sessions, kept, pass } = await open()
    const first = await sessions.issue('u')
    let token = first
    for (let i = 0; i < 5; i++)
      token = await sessions.issue('u', (await sessions.spend(token)).family)
    expect(await kept.list('access.refresh')).toHaveLength(1)
    pass(10_000)
    expect(await reasonOf(sessions.spend(first))).toBe('invalid')
    expect(await reasonOf(sessions.spend(token))).toBe('invalid')
    expect(await kept.list('access.refresh')).toHaveLength(0)
  })

  it('a sign-in that is ended while it is refreshed stays ended', async () => {
    const { sessions, kept } = await open()
    const { family } = await sessions.spend(await sessions.issue('u'))
    await sessions.revokeAll('u')
    expect(await reasonOf(sessions.issue('u', family))).toBe('invalid')
    expect(await kept.list('access.refresh')).toHaveLength(0)
  })

  it('one that is made up of what a real one shows ends nothing', async () => {
    const { sessions } = await open()
    const token = await sessions.issue('u')
    const madeUp = token.replace(/[0-9a-f]{64}$/, '0'.repeat(64))
    expect(await reasonOf(sessions.spend(madeUp))).toBe('invalid')
    expect(await reasonOf(sessions.spend(token))).toBe('none')
  })

  it('expire, and are forgotten then', async () => {
    const { sessions, kept, pass } = await open()
    const token = await sessions.issue('u')
    pass(100_000)
    expect(await reasonOf(sessions.spend(token))).toBe('invalid')
    await sessions.issue('u')
    expect(await kept.list('access.refresh')).toHaveLength(1)
  })
})

describe('accounts', () => {
  it('that are opened again know everybody, and accept the old tokens', async () => {
    const store = await openStore()
    const open = () =>
      openAccounts({
        ...{ dataFolder: folder, store, newId, isServerToken: () => false },
        now: () => 5_000_000,
      })
    const peer = { address: '127.0.0.1', isLoopback: true }
    const person = { username: 'ann', password: 'abcdefg1', email: 'a@b.cd', invite: null, peer }
    const session = await open().register(person)
    const again = open()
    const actor = await again.admit(`Bearer ${session.access}`)
    expect(actor).toMatchObject({ id: session.user, account: 'local', role: 'platform_admin' })
    expect(await reasonOf(again.register({ ...person, email: 'x@y.zz' }))).toBe('taken')
    expect((await again.login('a@b.cd', 'abcdefg1', '127.0.0.1')).user).toBe(session.user)
  })

  it('two processes at once never make one thing twice', async () => {
    const store = await openStore()
    const open = (registration: 'open' | 'invited') =>
      openAccounts({
        ...{ dataFolder: folder, store, newId, isServerToken: () => false, registration },
        now: () => 5_000_000,
      })
    const peer = { address: '127.0.0.1', isLoopback: true }
    const person = (username: string, email: string) => ({
      ...{ username, password: 'abcdefg1', email, invite: null, peer },
    })
    const outcome = async (work: Promise<{ user: string }>) =>
      work.then(
        ({ user }) => user,
        (error: unknown) => (isFault(error) ? error.details.reason : error),
      )
    // Nobody is there yet, and who comes second would need an invite.
    const first = await Promise.all([
      outcome(open('invited').register(person('ann', 'ann@b.cd'))),
      outcome(open('invited').register(person('eve', 'eve@b.cd'))),
    ])
    expect(first.filter((f) => f === 'invite_required')).toHaveLength(1)
    const names = await Promise.all(
      ['one@b.cd', 'two@b.cd', 'three@b.cd'].map((email) =>
        outcome(open('open').register(person('Bob', email))),
      ),
    )
    expect(names.filter((n) => n === 'taken')).toHaveLength(2)
    const [bob] = names.filter((n) => n !== 'taken') as [string]
    const mails = await Promise.all(
      ['carl', 'dora'].map((name) => outcome(open('open').register(person(name, 'same@b.cd')))),
    )
    expect(mails.filter((m) => m === 'taken')).toHaveLength(1)
    const [carl] = mails.filter((m) => m !== 'taken') as [string]
    const renamed = await Promise.all(
      [bob, carl].map((id) =>
        open('open')
          .edit(id, { username: 'Frank' })
          .then(
            () => 'renamed',
            () => 'taken',
          ),
      ),
    )
    expect(renamed.sort()).toEqual(['renamed', 'taken'])
    const codes = await Promise.all(
      [1, 2, 3].map(async () => (await open('open').invite('local', true)).code),
    )
    const valid = await Promise.all(
      codes.map((code, i) =>
        outcome(open('open').register({ ...person(`n${i}`, `n${i}@b.cd`), invite: code })),
      ),
    )
    expect(valid.filter((v) => v === 'invite_invalid')).toHaveLength(2)
  })

  it('who was renamed signs in by the new name only', async () => {
    const accounts = openAccounts({
      ...{ dataFolder: folder, store: await openStore(), newId, isServerToken: () => false },
      now: () => 5_000_000,
    })
    const peer = { address: '127.0.0.1', isLoopback: true }
    const ann = { username: 'ann', password: 'abcdefg1', email: 'ann@b.cd', invite: null, peer }
    const { user } = await accounts.register(ann)
    await accounts.edit(user, { username: 'Anna' })
    await accounts.edit(user, { username: 'anna' })
    const login = (name: string) => reasonOf(accounts.login(name, 'abcdefg1', '127.0.0.1'))
    expect(await login('ANNA')).toBe('none')
    expect(await login('ann@b.cd')).toBe('none')
    expect(await login('ann')).toBe('credentials')
    expect(await reasonOf(accounts.register({ ...ann, email: 'other@b.cd' }))).toBe('none')
  })

  it('closed to newcomers, the first may register, others need an invite', async () => {
    const accounts = openAccounts({
      ...{ dataFolder: folder, store: await openStore(), newId, isServerToken: () => false },
      ...{ now: () => 5_000_000, registration: 'invited' },
    })
    const peer = { address: '127.0.0.1', isLoopback: true }
    const person = (username: string, invite: string | null) => ({
      ...{ username, password: 'abcdefg1', email: `${username}@b.cd`, invite, peer },
    })
    expect(await accounts.needsInvite(peer)).toBe(false)
    await accounts.register(person('ann', null))
    expect(await accounts.needsInvite(peer)).toBe(true)
    expect(await reasonOf(accounts.register(person('bob', null)))).toBe('invite_required')
    const { code } = await accounts.invite('local', false)
    const bob = await accounts.register(person('bob', code))
    expect(await accounts.admit(`Bearer ${bob.access}`)).toMatchObject({
      account: 'local',
      role: 'account_member',
    })
  })
})
