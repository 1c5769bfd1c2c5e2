/**
 * Users, accounts and their credentials on top of the store's documents. Who comes in is looked up
 * anew at every request, up to a second old: what was revoked opens nothing any more.
 */

import {
  type Accounts,
  type Actor,
  effective,
  LOCAL_ACCOUNT,
  type Membership,
  type Permission,
  permissionsOf,
  type Registration,
  type Role,
  type Session,
  type User,
} from '../../kernel/accounts.ts'
import { Fault } from '../../kernel/fault.ts'
import { addressKey, createLimiter } from '../limiter.ts'
import {
  createDirectory,
  type Directory,
  inviteRequired,
  type Newcomer,
  shownUser,
} from './directory.ts'
import { createJwt, type Jwt, jwtKey } from './jwt.ts'
import { createKeys, KEY_PREFIX, type Keys } from './keys.ts'
import { checkPassword, hashPassword, isFitPassword } from './password.ts'
import { createRecords, type Documents, type UserRecord } from './records.ts'
import { createSessions, type Sessions } from './sessions.ts'

export interface AccountSettings {
  dataFolder: string
  store: Documents
  /** The server's own token; whoever holds it is the server's owner. */
  isServerToken(candidate: string): boolean
  newId(): string
  /** Epoch milliseconds. */
  now(): number
  /** `invited`: from the second user on nobody registers without an invite. Default `open`. */
  registration?: 'open' | 'invited'
  accessTtlS?: number
  refreshTtlS?: number
  /** How long a refresh token that was used may come again without ending its sign-in. */
  graceMs?: number
}

interface Parts {
  settings: AccountSettings
  directory: Directory
  sessions: Sessions
  keys: Keys
  jwt: Jwt
  passing(key: string): void
  standing: Standings
}

const DAY_S = 86_400

/** Makes the key that signs access tokens, if there is none. */
export function openAccounts(settings: AccountSettings): Accounts {
  const { newId, now, store } = settings
  const records = createRecords(store)
  const directory = createDirectory({ records, newId, now })
  const ttlS = settings.refreshTtlS ?? 30 * DAY_S
  const graceMs = settings.graceMs ?? 10_000
  const limiter = createLimiter({ ratePerMinute: 20, burst: 20, now })
  const parts: Parts = {
    settings,
    directory,
    sessions: createSessions({ records, newId, now, ttlS, graceMs }),
    keys: createKeys({ records, newId, now }),
    jwt: createJwt({
      key: jwtKey(settings.dataFolder),
      accessTtlS: settings.accessTtlS ?? 900,
      now,
    }),
    passing(key) {
      const passage = limiter.take(key)
      if (passage.isAllowed) return
      const { retryAfterMs } = passage
      throw new Fault('limited', 'Too many tries. Wait a moment.', { retryAfterMs })
    },
    standing: createStandings(directory, now),
  }
  return { ...doors(parts), ...people(parts), ...keyring(parts) }
}

// ---- coming in ----------------------------------------------------------------------------------

function doors(parts: Parts) {
  const { directory, sessions, jwt, standing } = parts
  return {
    admit: (authorization: string | undefined) => admit(parts, authorization),
    register: (registration: Registration) => register(parts, registration),
    async login(name: string, password: string, address: string): Promise<Session> {
      parts.passing(`address:${addressKey(address)}`)
      parts.passing(`name:${name.trim().toLowerCase()}`)
      const user = await directory.find(name)
      if (!(await checkPassword(user?.passwordHash ?? null, password)) || !user)
        throw new Fault('unauthenticated', 'The name or the password is wrong.', {
          reason: 'credentials',
        })
      if (user.isSuspended) throw suspended()
      return sessionOf(parts, user)
    },
    async refresh(token: string): Promise<Session> {
      const { user: id, family } = await sessions.spend(token)
      const user = await directory.user(id)
      if (!user) throw gone()
      if (user.isSuspended) throw suspended()
      return sessionOf(parts, user, family)
    },
    async logout(user: string): Promise<void> {
      await sessions.revokeAll(user)
      await directory.change(user, (u) => ({ ...u, validFrom: parts.settings.now() }))
      standing.forget(user)
    },
    needsInvite: (peer: { isLoopback: boolean }) => needsInvite(parts, peer),
    flowToken: (user: string) => jwt.flow(user),
    readFlow: (token: string) => jwt.readFlow(token),
    async claimToken() {
      if (await directory.hasLocalOwner()) throw initialized()
      return jwt.claim()
    },
    readClaim: async (token: string) =>
      (await directory.hasLocalOwner()) ? null : jwt.readClaim(token),
  }
}

async function sessionOf(parts: Parts, user: UserRecord, family?: string): Promise<Session> {
  const { jwt, sessions, settings, directory } = parts
  const role = (await directory.membership(user.account, user.id))?.role ?? ''
  return {
    user: user.id,
    access: await jwt.access({ sub: user.id, account: user.account, role }),
    refresh: await sessions.issue(user.id, family),
    refreshMaxAgeS: settings.refreshTtlS ?? 30 * DAY_S,
  }
}

async function admit(parts: Parts, authorization: string | undefined): Promise<Actor> {
  const token = tokenIn(authorization)
  if (token.startsWith(KEY_PREFIX)) return admitKey(parts, token)
  if (/^[0-9a-f]{64}$/i.test(token) && parts.settings.isServerToken(token))
    return asServer(parts.directory)
  const claims = await parts.jwt.verify(token)
  const standing = await parts.standing.of(claims.sub)
  if (!standing.user) throw gone()
  if (claims.iat * 1000 < standing.user.validFrom || standing.user.isSuspended)
    throw new Fault('unauthenticated', 'This access token was revoked. Sign in again.', {
      reason: 'invalid',
    })
  const { membership } = standing
  if (!membership || membership.account !== claims.account) throw noMembership()
  const { user: id, account, role } = membership
  return { id, account, role, permissions: GRANTED[role], by: 'session' }
}

/** By role; every request of a session reads the same set. */
const GRANTED: Readonly<Record<Role, ReadonlySet<Permission>>> = {
  platform_admin: new Set(permissionsOf('platform_admin')),
  account_admin: new Set(permissionsOf('account_admin')),
  account_member: new Set(permissionsOf('account_member')),
}

function tokenIn(authorization: string | undefined): string {
  if (authorization === undefined || authorization.trim() === '')
    throw new Fault('unauthenticated', 'missing Authorization Bearer token', { reason: 'missing' })
  const token = /^bearer +(\S+) *$/i.exec(authorization)?.[1]
  if (token !== undefined) return token
  throw new Fault('unauthenticated', 'Authorization header must be: Bearer <token>', {
    reason: 'malformed',
  })
}

async function admitKey({ keys, standing }: Parts, secret: string): Promise<Actor> {
  const key = await keys.find(secret)
  if (!key)
    throw new Fault('unauthenticated', 'This API key is unknown or was revoked.', { reason: 'key' })
  const { user, membership } = await standing.of(key.user)
  if (!user || user.isSuspended || membership?.account !== key.account) throw noMembership()
  const { role } = membership
  const permissions = new Set(effective(role, key.scopes))
  return { id: user.id, account: key.account, role, permissions, by: 'key' }
}

/** The owner of the machine, also before anybody has registered. */
async function asServer(directory: Directory): Promise<Actor> {
  const owner = (await directory.account(LOCAL_ACCOUNT))?.owner ?? 'token'
  const role = 'platform_admin'
  return { id: owner, account: LOCAL_ACCOUNT, role, permissions: GRANTED[role], by: 'server' }
}

const initialized = (): Fault =>
  new Fault('conflict', 'This server has an owner already. Sign in.', { reason: 'initialized' })

const gone = (): Fault =>
  new Fault('unauthenticated', 'The user of this token does not exist any more.', {
    reason: 'gone',
  })

const suspended = (): Fault =>
  new Fault('forbidden', 'This user is suspended.', { reason: 'suspended' })

const noMembership = (): Fault =>
  new Fault('forbidden', 'The holder of this credential belongs to no account.', {
    reason: 'membership',
  })

// ---- registering --------------------------------------------------------------------------------

const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/

async function register(parts: Parts, asked: Registration): Promise<Session> {
  const username = asked.username.trim()
  const email = asked.email?.trim() ?? ''
  parts.passing(`address:${addressKey(asked.peer.address)}`)
  if (username === '' || username.length > 256 || username.includes('@'))
    throw refused('login', 'The username must have 1 to 256 characters, and no @.')
  if (asked.email !== null && (!EMAIL.test(email) || email.length > 320))
    throw refused('email', 'An e-mail address is needed.')
  if (!isFitPassword(asked.password))
    throw refused('password', 'The password must have 8 to 72 bytes, with a letter and a digit.')
  const entry = await admission(parts, asked)
  const passwordHash = await hashPassword(asked.password)
  const newcomer = { username, email, passwordHash, ...entry }
  return sessionOf(parts, await parts.directory.add(newcomer))
}

const refused = (reason: string, message: string): Fault =>
  new Fault('invalid', message, { reason })

type Entry = Pick<Newcomer, 'joins' | 'mayOwnLocal' | 'mayOwnOther'>

/** Who comes from afar cannot take the local account, unless they hold the server's token. */
async function admission(parts: Parts, { invite, peer }: Registration): Promise<Entry> {
  const { settings, directory, jwt } = parts
  const code = invite?.trim() ?? ''
  const mayOwnOther = settings.registration !== 'invited'
  if (code === '') {
    if (await needsInvite(parts, peer)) throw inviteRequired()
    return { joins: null, mayOwnLocal: peer.isLoopback, mayOwnOther }
  }
  if (settings.isServerToken(code)) return { joins: null, mayOwnLocal: true, mayOwnOther: true }
  if ((await jwt.readClaim(code)) !== null) {
    if (await directory.hasLocalOwner()) throw initialized()
    return { joins: null, mayOwnLocal: true, mayOwnOther: false }
  }
  const joins = await directory.accountOfInvite(code)
  if (joins === null) throw refused('invite_invalid', 'This invite is unknown or was replaced.')
  return { joins, mayOwnLocal: false, mayOwnOther: false }
}

async function needsInvite(parts: Parts, peer: { isLoopback: boolean }): Promise<boolean> {
  const isFirst = !(await parts.directory.hasLocalOwner())
  if (isFirst) return !peer.isLoopback
  return parts.settings.registration === 'invited'
}

// ---- people and keys ----------------------------------------------------------------------------

function people({ directory, standing }: Parts) {
  return {
    find: async (name: string) => {
      const user = await directory.find(name)
      return user && shownUser(user)
    },
    async profile(who: Actor) {
      const user = await directory.user(who.id)
      const account = await directory.account(who.account)
      return {
        user: user && shownUser(user),
        account,
        role: who.role,
        permissions: [...who.permissions],
      }
    },
    async edit(id: string, change: { username?: string; timezone?: string | null }): Promise<User> {
      const { username, timezone } = change
      if (username !== undefined) await directory.rename(id, nameOf(username))
      const user = await directory.change(id, (u) =>
        timezone === undefined ? u : { ...u, timezone },
      )
      standing.forget(id)
      return shownUser(user)
    },
    async users(ids: readonly string[]): Promise<Map<string, User>> {
      const found = await Promise.all([...new Set(ids)].map((id) => directory.user(id)))
      return new Map(found.flatMap((u) => (u ? [[u.id, shownUser(u)] as const] : [])))
    },
    ownerOf: async (account: string) => (await directory.account(account))?.owner ?? null,
    members: (account: string): Promise<Membership[]> => directory.members(account),
    invite: (account: string, isFresh: boolean) => directory.invite(account, isFresh),
  }
}

function nameOf(username: string): string {
  const name = username.trim()
  if (name !== '' && name.length <= 256 && !name.includes('@')) return name
  throw refused('login', 'The username must have 1 to 256 characters, and no @.')
}

function keyring({ keys }: Parts): Pick<Accounts, 'createKey' | 'keys' | 'revokeKey'> {
  return {
    createKey: (who, key) => keys.create(who, key),
    keys: (account, user) => keys.list(account, user),
    revokeKey: (account, user, id) => keys.revoke(account, user, id),
  }
}

// ---- who somebody is now ------------------------------------------------------------------------

interface Standing {
  user: UserRecord | null
  membership: Membership | null
}

interface Standings {
  of(user: string): Promise<Standing>
  forget(user: string): void
}

const FRESH_MS = 1000
const MAX_HELD = 1000

/** What another process has changed is known after a second; what this one has, at once. */
function createStandings(directory: Directory, now: () => number): Standings {
  const held = new Map<string, { at: number; standing: Promise<Standing> }>()
  const look = async (id: string): Promise<Standing> => {
    const user = await directory.user(id)
    return { user, membership: user && (await directory.membership(user.account, id)) }
  }
  return {
    of(id) {
      const kept = held.get(id)
      if (kept && now() - kept.at < FRESH_MS) return kept.standing
      const standing = look(id)
      held.delete(id)
      held.set(id, { at: now(), standing })
      if (held.size > MAX_HELD) held.delete(held.keys().next().value as string)
      standing.catch(() => held.delete(id))
      return standing
    },
    forget: (id) => void held.delete(id),
  }
}
