/**
 * Shared threads: whoever holds the link reads what was said, with a password where there is one. A
 * link ends when it is taken back and when its thread is deleted. Wrong passwords are counted with
 * the share, so that no restart gives more tries.
 */

import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import type { Json } from '../../kernel/part.ts'
import type { Engine } from '../../kernel/ports.ts'
import { iso } from './id.ts'

const KIND = 'arkloop.share'
const TOKEN = 'arkloop.share-token'
const OPENED = 'arkloop.share-session'

export interface Share {
  id: string
  thread: string
  user: string
  token: string
  /** Null: the link is enough. */
  password: { salt: string; hash: string } | null
  /** Shows what is said later too. */
  isLive: boolean
  createdAt: number
  failures: number
  /** No password is looked at before that moment. */
  lockedUntil: number
}

const MAX_FAILURES = 10
const LOCK_MS = 10 * 60_000
const SESSION_MS = 24 * 3_600_000

const derive = promisify(scrypt) as (text: string, salt: Buffer, length: number) => Promise<Buffer>

export async function sealed(password: string): Promise<{ salt: string; hash: string }> {
  const salt = randomBytes(16)
  return { salt: salt.toString('hex'), hash: (await derive(password, salt, 32)).toString('hex') }
}

const save = (engine: Engine, share: Share): Promise<void> =>
  engine.store.put({
    kind: KIND,
    key: `${share.thread}/${share.id}`,
    body: share as unknown as Json,
  })

export const newToken = (): string => randomBytes(24).toString('base64url')

/** The share goes first: a link to nothing is none. */
export async function addShare(engine: Engine, share: Share): Promise<void> {
  await save(engine, share)
  const { thread, id } = share
  await engine.store.put({ kind: TOKEN, key: share.token, body: { thread, id } })
}

export async function sharesOf(engine: Engine, thread: string): Promise<Share[]> {
  const kept = await engine.store.list(KIND, `${thread}/`)
  return kept.map((d) => d.body as unknown as Share).sort((a, b) => a.createdAt - b.createdAt)
}

export async function dropShare(engine: Engine, share: Share): Promise<void> {
  await engine.store.drop(TOKEN, share.token)
  await engine.store.drop(KIND, `${share.thread}/${share.id}`)
}

export async function shareByToken(engine: Engine, token: string): Promise<Share | null> {
  if (!/^[A-Za-z0-9_-]{32}$/.test(token)) return null
  const place = (await engine.store.get(TOKEN, token)) as { thread: string; id: string } | null
  if (!place) return null
  return (await engine.store.get(KIND, `${place.thread}/${place.id}`)) as unknown as Share | null
}

export type Opening = { session: string } | { retryAfterMs: number } | null

/** A session for the right password; null for a wrong one, and a wait after too many. */
export async function open(
  engine: Engine,
  share: Share,
  password: string,
  now: number,
): Promise<Opening> {
  if (share.lockedUntil > now) return { retryAfterMs: share.lockedUntil - now }
  if (!(await isRight(share, password))) {
    const failures = share.failures + 1
    const isLocked = failures >= MAX_FAILURES
    const lockedUntil = isLocked ? now + LOCK_MS : 0
    await save(engine, { ...share, failures: isLocked ? 0 : failures, lockedUntil })
    return null
  }
  if (share.failures > 0) await save(engine, { ...share, failures: 0 })
  const session = newToken()
  await engine.store.put({
    kind: OPENED,
    key: `${share.thread}/${digest(session)}`,
    body: { share: share.id, expiresAt: now + SESSION_MS },
  })
  return { session }
}

async function isRight({ password: kept }: Share, password: string): Promise<boolean> {
  if (!kept || Buffer.byteLength(password) > 1024) return false
  const hash = Buffer.from(kept.hash, 'hex')
  const given = await derive(password, Buffer.from(kept.salt, 'hex'), hash.length)
  return timingSafeEqual(given, hash)
}

export async function isOpened(
  engine: Engine,
  share: Share,
  session: string | undefined,
  now: number,
): Promise<boolean> {
  if (share.password === null) return true
  if (!session || session.length > 100) return false
  const kept = await engine.store.get(OPENED, `${share.thread}/${digest(session)}`)
  const { share: id, expiresAt } = (kept ?? {}) as { share?: string; expiresAt?: number }
  return id === share.id && (expiresAt ?? 0) > now
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex')

export const shareView = (share: Share) => ({
  id: share.id,
  thread_id: share.thread,
  token: share.token,
  access_type: share.password === null ? 'public' : 'password',
  live_update: share.isLive,
  created_at: iso(share.createdAt),
})
