/** API keys: shown once, kept as a hash, found by it. A key may never do more than who made it. */

import { type Actor, type ApiKey, isPermission } from '../../kernel/accounts.ts'
import { Fault } from '../../kernel/fault.ts'
import { type KeyRecord, type Records, randomHex, sha256 } from './records.ts'

export const KEY_PREFIX = 'ak-'

export interface Keys {
  create(
    who: Actor,
    wanted: { name: string; scopes: readonly string[] },
  ): Promise<{ key: ApiKey; secret: string }>
  list(account: string, user: string | null): Promise<ApiKey[]>
  revoke(account: string, user: string | null, id: string): Promise<void>
  /** Null for one that nobody issued, or that was revoked. */
  find(secret: string): Promise<ApiKey | null>
}

/** When a key was last used is written down at most that often. */
const NOTE_EVERY_MS = 60_000

export interface KeyOptions {
  records: Records
  newId(): string
  now(): number
}

export function createKeys({ records, newId, now }: KeyOptions): Keys {
  const change = (key: string, edit: (record: KeyRecord) => KeyRecord | null) =>
    records.edit('access.api-key', key, edit)
  const noted = (record: KeyRecord): void => {
    if (record.lastUsedAt !== null && now() - record.lastUsedAt < NOTE_EVERY_MS) return
    // Nobody waits for it: a key is no less good when its use could not be noted.
    change(keyOf(record), (r) => ({ ...r, lastUsedAt: now() })).catch(() => {})
  }
  return {
    async create(who, { name, scopes }) {
      checkScopes(who, scopes)
      const secret = `${KEY_PREFIX}${randomHex(32)}`
      const record: KeyRecord = {
        id: newId(),
        account: who.account,
        user: who.id,
        name,
        prefix: secret.slice(0, KEY_PREFIX.length + 8),
        scopes: [...new Set(scopes)],
        createdAt: now(),
        lastUsedAt: null,
        revokedAt: null,
        hash: sha256(secret),
      }
      await records.add([
        { kind: 'access.api-key', key: keyOf(record), body: record },
        { kind: 'access.api-key-hash', key: record.hash, body: { key: keyOf(record) } },
      ])
      return { key: shown(record), secret }
    },
    async list(account, user) {
      const kept = await records.list('access.api-key', `${account}/`)
      return kept
        .map((k) => k.body)
        .filter((k) => user === null || k.user === user)
        .sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1))
        .map(shown)
    },
    async revoke(account, user, id) {
      const record = await records.get('access.api-key', `${account}/${id}`)
      if (!record || record.revokedAt !== null || (user !== null && record.user !== user))
        throw new Fault('not_found', 'There is no such API key.', { what: 'api_key' })
      await records.drop('access.api-key-hash', record.hash)
      await change(keyOf(record), (r) => ({ ...r, revokedAt: now() }))
    },
    async find(secret) {
      if (!/^ak-[0-9a-f]{64}$/.test(secret)) return null
      const place = await records.get('access.api-key-hash', sha256(secret))
      const record = place && (await records.get('access.api-key', place.key))
      if (!record || record.revokedAt !== null) return null
      noted(record)
      return shown(record)
    },
  }
}

function checkScopes(who: Actor, scopes: readonly string[]): void {
  const unknown = scopes.filter((s) => !isPermission(s))
  if (unknown.length > 0)
    throw new Fault('invalid', 'invalid scopes', { reason: 'scopes', scopes: unknown })
  const beyond = scopes.filter((s) => !isPermission(s) || !who.permissions.has(s))
  if (beyond.length > 0)
    throw new Fault('forbidden', 'A key may not do more than you may.', {
      reason: 'scope_forbidden',
      scopes: beyond,
    })
}

const keyOf = ({ account, id }: Pick<ApiKey, 'account' | 'id'>): string => `${account}/${id}`

const shown = ({ hash: _, ...key }: KeyRecord): ApiKey => key
