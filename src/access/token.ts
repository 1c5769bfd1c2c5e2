/**
 * The server's token: a file in the data folder that only its owner can read. It is made when it is
 * first needed and read again when it changes, so that replacing the file replaces the token.
 */

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'

export interface Tokens {
  /** Where the token is, for telling a person. */
  readonly file: string
  /** The token as it is now. Throws when the data folder can be neither read nor written. */
  value(): string
  /** Is this the token? Takes the same time whatever it is, and never throws. */
  matches(candidate: string | Uint8Array): boolean
}

/**
 * A file that changed less than this ago may still be being written: it is read again each time, and
 * when it is malformed it is left to whoever writes it.
 */
const UNSURE_MS = 2000

interface Known {
  token: string
  stamp: string
}

export function openTokens(dataFolder: string): Tokens {
  const file = join(dataFolder, 'gateway-token')
  let known: Known | null = null
  const value = (): string => {
    known = current(file, known)
    return known.token
  }
  const matches = (candidate: string | Uint8Array): boolean => {
    try {
      return timingSafeEqual(digest(candidate), digest(value()))
    } catch {
      return false
    }
  }
  return { file, value, matches }
}

const digest = (bytes: string | Uint8Array): Buffer => createHash('sha256').update(bytes).digest()

function current(file: string, known: Known | null): Known {
  const facts = factsOf(file)
  const isFresh = facts !== null && Date.now() - facts.changedAt < UNSURE_MS
  if (known && facts?.stamp === known.stamp && !isFresh) return known
  const token = facts ? readToken(file) : null
  if (facts && token !== null) {
    if (facts.isOpenToOthers) chmodSync(file, 0o600)
    return { token, stamp: facts.stamp }
  }
  if (isFresh && known) return known
  write(file, facts !== null)
  return current(file, null)
}

function factsOf(file: string) {
  const facts = statSync(file, { throwIfNoEntry: false })
  if (!facts) return null
  const { ino, size, mtimeMs, ctimeMs, mode } = facts
  return {
    stamp: [ino, size, mtimeMs, ctimeMs].join(' '),
    changedAt: mtimeMs,
    isOpenToOthers: (mode & 0o077) !== 0,
  }
}

function readToken(file: string): string | null {
  const text = readFileSync(file, 'latin1')
  return /^[0-9a-f]{64}\r?\n?$/i.test(text) ? text.trim() : null
}

/** Of several processes that make the first token at once, one wins and all use its token. */
function write(file: string, replaces: boolean): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  writeFileSync(draft, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'wx' })
  try {
    if (replaces) renameSync(draft, file)
    else linkSync(draft, file)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'ENOSYS') renameSync(draft, file)
    else if (code !== 'EEXIST') throw error
  } finally {
    rmSync(draft, { force: true })
  }
}
