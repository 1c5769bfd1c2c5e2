/**
 * Sign-ins. Each has one refresh token at a time, which can be used once and gives the next. An
 * earlier one that comes again was stolen, or was sent twice at once by one browser: only within a
 * short while the latter is believed. However long a sign-in lasts, it is one record.
 */

import { Fault } from '../../kernel/fault.ts'
import { type Records, randomHex, sha256 } from './records.ts'

export interface Sessions {
  /** A token for a new sign-in, or the next one of a sign-in that has not been ended meanwhile. */
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

/** User, sign-in and secret. */
const FORM = /^([^./]{1,64})\.([^./]{1,64})\.[0-9a-f]{64}$/

export function createSessions(options: SessionOptions): Sessions {
  const { records, newId, now, ttlS, graceMs } = options
  const keyOf = (user: string, family: string): string => `${user}/${family}`
  const dropIf = async (user: string, isOver: (expiresAt: number) => boolean): Promise<void> => {
    for (const { key, body } of await records.list('access.refresh', `${user}/`))
      if (isOver(body.expiresAt)) await records.drop('access.refresh', key)
  }
  return {
    async issue(user, family) {
      const id = family ?? newId()
      const token = `${user}.${id}.${randomHex(32)}`
      const fresh = { hash: sha256(token), expiresAt: now() + ttlS * 1000 }
      if (family === undefined) {
        await dropIf(user, (expiresAt) => expiresAt <= now())
        await records.put('access.refresh', keyOf(user, id), { ...fresh, usedAt: null })
        return token
      }
      const next = await records.edit('access.refresh', keyOf(user, id), (kept) => ({
        ...kept,
        ...fresh,
      }))
      if (!next) throw refused()
      return token
    },
    async spend(token) {
      const [, user, family] = FORM.exec(token) ?? []
      if (user === undefined || family === undefined) throw refused()
      const key = keyOf(user, family)
      const kept = await records.get('access.refresh', key)
      if (!kept || kept.expiresAt <= now()) throw refused()
      const { hash, usedAt } = kept
      if (hash !== sha256(token)) {
        const isLate = usedAt !== null && now() - usedAt >= graceMs
        if (isLate) await records.drop('access.refresh', key)
        throw refused()
      }
      const used = { ...kept, hash: '', usedAt: now() }
      if (!(await records.swap('access.refresh', key, used, kept))) throw refused()
      return { user, family }
    },
    revokeAll: (user) => dropIf(user, () => true),
  }
}

const refused = (): Fault =>
  new Fault('unauthenticated', 'The refresh token is not valid any more. Sign in again.', {
    reason: 'invalid',
  })
