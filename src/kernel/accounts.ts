/**
 * People and their accounts: who may do what, and who may see whose. Types and pure rules; keeping
 * users, checking passwords and issuing tokens is the affair of whoever implements `Accounts`.
 */

import { isUuid } from './id.ts'
import type { Principal } from './ports.ts'

/** The account of whoever runs the server, and of every thread that was made without a user. */
export const LOCAL_ACCOUNT = 'local'

export const PERMISSIONS = [
  'platform.admin',
  'org.members.invite',
  'org.members.list',
  'org.members.revoke',
  'org.teams.read',
  'org.teams.manage',
  'org.audit_read',
  'data.threads.read',
  'data.threads.write',
  'data.runs.read',
  'data.runs.write',
  'data.api_keys.manage',
  'data.personas.read',
  'data.personas.manage',
  'data.llm_credentials.manage',
  'data.mcp_configs.manage',
  'data.secrets.manage',
  'data.projects.read',
  'data.projects.manage',
  'data.webhooks.manage',
  'data.usage.read',
] as const

export type Permission = (typeof PERMISSIONS)[number]

export const isPermission = (text: string): text is Permission =>
  (PERMISSIONS as readonly string[]).includes(text)

export type Role = 'platform_admin' | 'account_admin' | 'account_member'

const MEMBER: readonly Permission[] = [
  'org.teams.read',
  'data.threads.read',
  'data.threads.write',
  'data.runs.read',
  'data.runs.write',
  'data.api_keys.manage',
  'data.personas.read',
  'data.projects.read',
]

/** What a role may do; each role may do all that the one below it may. */
export const permissionsOf = (role: Role): readonly Permission[] => {
  if (role === 'account_member') return MEMBER
  return role === 'account_admin' ? PERMISSIONS.filter((p) => p !== 'platform.admin') : PERMISSIONS
}

/** What a key of that role and with those scopes may do. A key without scopes may do nothing. */
export const effective = (role: Role, scopes: readonly string[]): Permission[] =>
  permissionsOf(role).filter((p) => scopes.includes(p))

/** Somebody who came in with a credential. Its `id` is the user's. */
export interface Actor extends Principal {
  role: Role
  permissions: ReadonlySet<Permission>
  /** A signed-in person, one of their keys, or whoever holds the server's own token. */
  by: 'session' | 'key' | 'server'
}

/** Is it a principal that `Accounts.admit` has let in? */
export const isActor = (who: Principal): who is Actor => 'permissions' in who && 'role' in who

/** How near a thing is to somebody. */
export type Sight = 'own' | 'colleague' | 'foreign'

/**
 * What was made without a user belongs to the owner of its account. `owner` is that owner, or null
 * when nobody has registered; then whoever holds the server's token is.
 */
export function sightOf(
  who: Pick<Actor, 'id' | 'account' | 'by'>,
  thing: { account: string; principal: string },
  owner: string | null,
): Sight {
  if (thing.account !== who.account) return 'foreign'
  if (isUuid(thing.principal)) return thing.principal === who.id ? 'own' : 'colleague'
  const isOwner = who.by === 'server' || who.id === owner
  return isOwner ? 'own' : 'colleague'
}

// ---- the port -----------------------------------------------------------------------------------

export interface User {
  id: string
  username: string
  /** '' for none. */
  email: string
  timezone: string | null
  isSuspended: boolean
  createdAt: number
}

export interface Account {
  id: string
  name: string
  /** The user who made it. */
  owner: string
  createdAt: number
}

export interface Membership {
  user: string
  account: string
  role: Role
  joinedAt: number
}

/** Somebody as they see themselves. */
export interface Profile {
  /** Null for the server's own token while nobody has registered. */
  user: User | null
  account: Account | null
  role: Role
  permissions: readonly Permission[]
}

/** A sign-in: a short-lived access token, and a refresh token that can be used once. */
export interface Session {
  user: string
  access: string
  refresh: string
  refreshMaxAgeS: number
}

/** `expiresAt` in epoch milliseconds. */
export interface ClaimToken {
  token: string
  expiresAt: number
}

export interface Registration {
  username: string
  password: string
  /** Null: none. */
  email: string | null
  /**
   * Of an account to join; or, from whoever may claim the local account from afar, the server's
   * token or a claim token.
   */
  invite: string | null
  peer: { address: string; isLoopback: boolean }
}

/** A key as it may be shown. */
export interface ApiKey {
  id: string
  account: string
  user: string
  name: string
  /** The first characters of the key. */
  prefix: string
  scopes: string[]
  createdAt: number
  lastUsedAt: number | null
  revokedAt: number | null
}

export interface Invite {
  account: string
  code: string
  createdAt: number
}

/**
 * Users, accounts and their credentials. Refusals are Faults whose details say `reason`:
 * `missing`, `malformed`, `expired`, `invalid`, `key`, `gone`, `membership` (admit); `login`,
 * `email`, `password`, `taken`, `invite_required`, `invite_invalid` (register); `credentials`,
 * `suspended` (login); `scopes`, `scope_forbidden` (keys). Too many tries are `limited`.
 */
export interface Accounts {
  /** Whoever the Authorization header names. */
  admit(authorization: string | undefined): Promise<Actor>
  /**
   * The first user, from this machine or with the server's token, owns the local account; others
   * join the account that their invite names, or get one of their own.
   */
  register(registration: Registration): Promise<Session>
  /** By username or e-mail address. */
  login(name: string, password: string, address: string): Promise<Session>
  /** A token that was used before ends the sign-in that it came from. */
  refresh(token: string): Promise<Session>
  /** Ends all of the user's sign-ins and access tokens. */
  logout(user: string): Promise<void>
  find(name: string): Promise<User | null>
  /** Must a registration from there have an invite? */
  needsInvite(peer: { isLoopback: boolean }): Promise<boolean>
  /** A token that says no more than whom a sign-in is about; ten minutes. */
  flowToken(user: string): Promise<string>
  /** Whom it is about; null when it is not such a token, or too old. */
  readFlow(token: string): Promise<string | null>
  /**
   * A token that lets whoever holds it register as the owner of the local account; half an hour.
   * Fault `conflict`, reason `initialized`, when it has an owner.
   */
  claimToken(): Promise<ClaimToken>
  /** When it ends; null when it opens nothing, or nothing any more. */
  readClaim(token: string): Promise<number | null>
  profile(who: Actor): Promise<Profile>
  edit(user: string, change: { username?: string; timezone?: string | null }): Promise<User>
  /** Those of the users that exist. */
  users(ids: readonly string[]): Promise<Map<string, User>>
  ownerOf(account: string): Promise<string | null>
  members(account: string): Promise<Membership[]>
  invite(account: string, isFresh: boolean): Promise<Invite>
  createKey(
    who: Actor,
    key: { name: string; scopes: readonly string[] },
  ): Promise<{ key: ApiKey; secret: string }>
  /** Of a user, or with null of the whole account. */
  keys(account: string, user: string | null): Promise<ApiKey[]>
  /** Fault `not_found` for one that is revoked already. */
  revokeKey(account: string, user: string | null, id: string): Promise<void>
}
