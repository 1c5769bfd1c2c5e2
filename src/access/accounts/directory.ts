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
import { type Fresh, type Records, randomHex, type UserRecord } from './records.ts'

export interface Newcomer {
  username: string
  /** '' for none. */
  email: string
  passwordHash: string
  /** The account to join; null: one of their own. */
  joins: string | null
  /** May become the owner of the local account, if nobody is yet. */
  mayOwnLocal: boolean
  /** May have an account of their own beside it; else Fault `invalid`, reason `invite_required`. */
  mayOwnOther: boolean
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
  newId(): string
  now(): number
}

export function createDirectory({ records, newId, now }: Options): Directory {
  const found = async (name: string): Promise<UserRecord | null> => {
    const login = await records.get('access.login', name.trim().toLowerCase())
    return login && (await records.get('access.user', login.user))
  }
  const changed = async (
    id: string,
    edit: (user: UserRecord) => UserRecord,
  ): Promise<UserRecord> => {
    const user = await records.edit('access.user', id, edit)
    if (user) return user
    throw new Fault('not_found', 'There is no such user.', { what: 'user' })
  }
  const hasLocalOwner = async (): Promise<boolean> =>
    (await records.get('access.account', LOCAL_ACCOUNT)) !== null

  return {
    async add(newcomer) {
      for (;;) {
        const { username, email } = newcomer
        if (await found(username)) throw taken('username')
        if (email !== '' && (await found(email))) throw taken('email')
        const ownsLocal = newcomer.joins === null && newcomer.mayOwnLocal
        const isOwner = ownsLocal && !(await hasLocalOwner())
        if (newcomer.joins === null && !isOwner && !newcomer.mayOwnOther) throw inviteRequired()
        const made = recordsOf(newcomer, { id: newId(), account: newId(), at: now(), isOwner })
        if (await records.add(made.all)) return made.user
        // Somebody was quicker with a name or with the local account: it is looked at again.
      }
    },
    user: (id) => records.get('access.user', id),
    find: found,
    change: changed,
    async rename(id, username) {
      const name = username.toLowerCase()
      const isNew = await records.add([{ kind: 'access.login', key: name, body: { user: id } }])
      const holder = isNew ? id : (await records.get('access.login', name))?.user
      if (holder !== id) throw taken('username')
      let old = name
      const user = await changed(id, (u) => {
        old = u.username.toLowerCase()
        return { ...u, username }
      })
      if (old !== name && old !== user.email.toLowerCase()) await records.drop('access.login', old)
      return user
    },
    account: (id) => records.get('access.account', id),
    membership: (account, user) => records.get('access.member', `${account}/${user}`),
    members: async (account) =>
      (await records.list('access.member', `${account}/`)).map((m) => m.body),
    hasLocalOwner,
    async invite(account, isFresh) {
      for (;;) {
        const old = await records.get('access.invite', account)
        if (old && !isFresh) return old
        const invite = { account, code: randomHex(12), createdAt: now() }
        await records.put('access.invite-code', invite.code, { account })
        const isFirst = await records.swap('access.invite', account, invite, old)
        const stale = isFirst ? old?.code : invite.code
        if (stale !== undefined) await records.drop('access.invite-code', stale)
        if (isFirst) return invite
      }
    },
    async accountOfInvite(code) {
      if (!/^[0-9a-f]{24}$/.test(code)) return null
      const account = (await records.get('access.invite-code', code))?.account ?? null
      const invite = account === null ? null : await records.get('access.invite', account)
      return invite?.code === code ? account : null
    },
  }
}

/** Everything that a new user is made of; it is written at once or not at all. */
function recordsOf(
  { username, email, passwordHash, joins }: Newcomer,
  { id, account: own, at, isOwner }: { id: string; account: string; at: number; isOwner: boolean },
): { user: UserRecord; all: Fresh[] } {
  const account = joins ?? (isOwner ? LOCAL_ACCOUNT : own)
  const user: UserRecord = {
    ...{ id, username, email, passwordHash, account },
    timezone: null,
    isSuspended: false,
    createdAt: at,
    validFrom: 0,
  }
  const role: Role = isOwner ? 'platform_admin' : joins ? 'account_member' : 'account_admin'
  const workspace = { id: account, name: `${username}'s workspace`, owner: id, createdAt: at }
  const names = email === '' ? [username] : [username, email]
  const all: Fresh[] = [
    { kind: 'access.user', key: id, body: user },
    {
      kind: 'access.member',
      key: `${account}/${id}`,
      body: { user: id, account, role, joinedAt: at },
    },
    ...(joins ? [] : [{ kind: 'access.account' as const, key: account, body: workspace }]),
    ...names.map((name) => ({
      kind: 'access.login' as const,
      key: name.toLowerCase(),
      body: { user: id },
    })),
  ]
  return { user, all }
}

export const inviteRequired = (): Fault =>
  new Fault('invalid', 'An invite is needed to register here.', { reason: 'invite_required' })

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
