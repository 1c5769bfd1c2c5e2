/**
 * The token that opens this dialect. It is made once, readable by its owner only, looked up again
 * whenever its file has changed, and never told to anybody.
 */

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import { chmod, link, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Where the token of a data folder is, for people who have to hand it to a client. */
export const tokenFile = (dataFolder: string): string => join(dataFolder, 'clotho.json')

export interface Tokens {
  /** Any text may be asked about; the time it takes says nothing of the tokens. */
  accepts(text: string): Promise<boolean>
}

/** Makes the token if there is none. The installed Clotho's own file is read and never written. */
export async function openTokens(dataFolder: string, clothoHome: string | null): Promise<Tokens> {
  const own = tokenFile(dataFolder)
  await makeToken(own)
  const files = [own, ...(clothoHome === null ? [] : [join(clothoHome, 'config.json')])]
  const looks = files.map(watchToken)
  return {
    async accepts(text) {
      const given = digest(text)
      const known = await Promise.all(looks.map((look) => look()))
      return known.filter((hash) => hash !== null && timingSafeEqual(hash, given)).length > 0
    },
  }
}

/** Written whole or not at all; a token that is there is kept. */
async function makeToken(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const token = `clo_${randomBytes(32).toString('hex')}`
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  const text = `${JSON.stringify({ api_token: token }, null, 2)}\n`
  await writeFile(draft, text, { mode: 0o600, flag: 'wx', flush: true })
  try {
    await link(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    await chmod(path, 0o600)
  } finally {
    await rm(draft)
  }
}

/** Reads the token's hash, and reads the file again only when it is another than before. */
function watchToken(path: string): () => Promise<Buffer | null> {
  let seen = ''
  let hash: Buffer | null = null
  return async () => {
    const stamp = await stampOf(path)
    if (stamp !== seen) {
      hash = stamp === '' ? null : await readToken(path)
      seen = stamp
    }
    return hash
  }
}

async function stampOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeNs, ctimeNs }: BigIntStats = await stat(path, { bigint: true })
    return `${ino}:${size}:${mtimeNs}:${ctimeNs}`
  } catch {
    return ''
  }
}

/** Null when the file says no token: then nobody gets in through it. */
async function readToken(path: string): Promise<Buffer | null> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'))
    const token = (value as { api_token?: unknown } | null)?.api_token
    return typeof token === 'string' && token !== '' ? digest(token) : null
  } catch {
    return null
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
