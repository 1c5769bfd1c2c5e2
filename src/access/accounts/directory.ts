/** Users, their accounts and memberships: made together, found by id or by how somebody signs in. */

import {
  type Account,
  type Invite,
  LOCAL_ACCOUNT,
  type Membership,
  type Role,
  type User,
} from '../../kernel/accounts.ts'
import { Fault } from '../../kernel/fault.ts'
import { type Records, randomHex, type UserRecord } from './records.ts'
import type { Turns } from './turns.ts'

export interface Newcomer {
  username: string
  /** '' for none. */
  email: string
  passwordHash: string
  /** The account to join; null: one of their own. */
  joins: string | null
  /** May become the owner of the local account, if nobody is yet. */
  mayOwnLocal: boolean
}

export interface Directory {
  add(newcomer: Newcomer): Promise<UserRecord>
  user(id: string): Promise<UserRecord | null>
  /** By username or e-mail address. */
  find(name: string): Promise<UserRecord | null>
  change(id: string, edit: (user: UserRecord) => UserRecord): Promise<UserRecord>
  rename(id: string, username: string): Promise<UserRecord>
  account(id: string): Promise<Account | null>
  membership(account: string, user: string): Promise<Membership | null>
  members(account: string): Promise<Membership[]>
  hasLocalOwner(): Promise<boolean>
  invite(account: string, isFresh: boolean): Promise<Invite>
  accountOfInvite(code: string): Promise<string | null>
}

interface Options {
  records: Records
  turns: Turns
  newId(): string
  now(): number
}

export function createDirectory({ records, turns, newId, now }: Options): Directory {
  const found = async (name: string): Promise<UserRecord | null> => {
    const login = await records.get('access.login', name.trim().toLowerCase())
    return login && (await records.get('access.user', login.user))
  }
  const known = async (id: string): Promise<UserRecord> => {
    const user = await records.get('access.user', id)
    if (user) return user
    throw new Fault('not_found', 'There is no such user.', { what: 'user' })
  }
  const hasLocalOwner = async (): Promise<boolean> => {
    const local = await records.get('access.account', LOCAL_ACCOUNT)
    const owner = local && (await records.get('access.user', local.owner))
    // An owner who never got as far as a name to sign in with is none.
    return owner !== null && (await found(owner.username))?.id === owner.id
  }

  /** The names that sign in go last: without them nothing of the rest is in anybody's way. */
  const write = async (user: UserRecord, role: Role, account: Account | null): Promise<void> => {
    await records.put('access.user', user.id, user)
    const member = { user: user.id, account: user.account, role, joinedAt: now() }
    await records.put('access.member', `${user.account}/${user.id}`, member)
    if (account) await records.put('access.account', account.id, account)
    await records.put('access.login', user.email.toLowerCase(), { user: user.id })
    await records.put('access.login', user.username.toLowerCase(), { user: user.id })
  }

  const add = async (newcomer: Newcomer): Promise<UserRecord> => {
    const { username, email, passwordHash, joins, mayOwnLocal } = newcomer
    if (await found(username)) throw taken('username')
    if (await found(email)) throw taken('email')
    const ownsLocal = joins === null && mayOwnLocal && !(await hasLocalOwner())
    const account = joins ?? (ownsLocal ? LOCAL_ACCOUNT : newId())
    const user: UserRecord = {
      id: newId(),
      username,
      email,
      passwordHash,
      account,
      timezone: null,
      isSuspended: false,
      createdAt: now(),
      validFrom: 0,
    }
    const role = ownsLocal ? 'platform_admin' : joins ? 'account_member' : 'account_admin'
    const own = { id: account, name: `${username}'s workspace`, owner: user.id, createdAt: now() }
    await write(user, role, joins ? null : own)
    return user
  }

  return {
    add: (newcomer) => turns.run('people', () => add(newcomer)),
    user: (id) => records.get('access.user', id),
    find: found,
    change: (id, edit) =>
      turns.run('people', async () => {
        const user = edit(await known(id))
        await records.put('access.user', id, user)
        return user
      }),
    rename: (id, username) =>
      turns.run('people', async () => {
        const user = await known(id)
        const other = await found(username)
        if (other && other.id !== id) throw taken('username')
        await records.put('access.login', username.toLowerCase(), { user: id })
        if (user.username.toLowerCase() !== username.toLowerCase())
          await records.drop('access.login', user.username.toLowerCase())
        await records.put('access.user', id, { ...user, username })
        return { ...user, username }
      }),
    account: (id) => records.get('access.account', id),
    membership: (account, user) => records.get('access.member', `${account}/${user}`),
    members: async (account) =>
      (await records.list('access.member', `${account}/`)).map((m) => m.body),
    hasLocalOwner,
    invite: (account, isFresh) =>
      turns.run(`invite:${account}`, async () => {
        const old = await records.get('access.invite', account)
        if (old && !isFresh) return old
        if (old) await records.drop('access.invite-code', old.code)
        const invite = { account, code: randomHex(12), createdAt: now() }
        await records.put('access.invite', account, invite)
        await records.put('access.invite-code', invite.code, { account })
        return invite
      }),
    accountOfInvite: async (code) =>
      /^[0-9a-f]{24}$/.test(code)
        ? ((await records.get('access.invite-code', code))?.account ?? null)
        : null,
  }
}

const taken = (what: 'username' | 'email'): Fault =>
  new Fault('conflict', `This ${what} is taken. Choose another, or sign in.`, {
    reason: 'taken',
    what,
  })

/** A user without what nobody else may know. */
export const shownUser = ({
  passwordHash: _,
  account: __,
  validFrom: ___,
  ...user
}: UserRecord): User => user
