/**
 * Refresh tokens: each can be used once and gives the next. One that comes a second time was stolen,
 * or was sent twice at once by one browser: only within a short while the latter is believed.
 */

import { Fault } from '../../kernel/fault.ts'
import { type Records, randomHex, sha256 } from './records.ts'

export interface Sessions {
  /** A token for a new sign-in, or the next one of a sign-in. */
  issue(user: string, family?: string): Promise<string>
  /** Uses a token up. Fault `unauthenticated`, reason `invalid`. */
  spend(token: string): Promise<{ user: string; family: string }>
  revokeAll(user: string): Promise<void>
}

export interface SessionOptions {
  records: Records
  newId(): string
  now(): number
  ttlS: number
  /** How long after its use a token may come again without being held for stolen. */
  graceMs: number
}

export function createSessions(options: SessionOptions): Sessions {
  const { records, newId, now, ttlS, graceMs } = options
  const drop = async (user: string, family: string | null): Promise<void> => {
    for (const { key, body } of await records.list('access.refresh', `${user}/`))
      if (family === null || body.family === family) await records.drop('access.refresh', key)
  }
  const sweep = async (user: string): Promise<void> => {
    for (const { key, body } of await records.list('access.refresh', `${user}/`))
      if (body.expiresAt <= now()) await records.drop('access.refresh', key)
  }
  return {
    async issue(user, family = newId()) {
      await sweep(user)
      const token = `${user}.${randomHex(32)}`
      const record = { user, family, expiresAt: now() + ttlS * 1000, usedAt: null }
      await records.put('access.refresh', `${user}/${sha256(token)}`, record)
      return token
    },
    async spend(token) {
      const user = token.slice(0, token.indexOf('.'))
      const key = `${user}/${sha256(token)}`
      const kept = token.length > 200 ? null : await records.get('access.refresh', key)
      if (!kept || kept.expiresAt <= now()) throw refused()
      if (kept.usedAt !== null) {
        if (now() - kept.usedAt >= graceMs) await drop(user, kept.family)
        throw refused()
      }
      const isFirst = await records.swap('access.refresh', key, { ...kept, usedAt: now() }, kept)
      if (!isFirst) throw refused()
      return { user, family: kept.family }
    },
    revokeAll: (user) => drop(user, null),
  }
}

const refused = (): Fault =>
  new Fault('unauthenticated', 'The refresh token is not valid any more. Sign in again.', {
    reason: 'invalid',
  })
