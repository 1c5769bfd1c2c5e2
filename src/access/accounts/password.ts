/** Passwords: which may be chosen, and how they are kept. The hash is slow and needs memory. */

import { hash, verify } from '@node-rs/argon2'

/** Argon2id with 19 MiB and two passes. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

export const isFitPassword = (password: string): boolean => {
  const bytes = Buffer.byteLength(password)
  return bytes >= 8 && bytes <= 72 && /\p{L}/u.test(password) && /\d/.test(password)
}

export const hashPassword = (password: string): Promise<string> => hash(password, COST)

/** Without a hash the time of one is spent all the same, so that it says nothing of who exists. */
export async function checkPassword(kept: string | null, password: string): Promise<boolean> {
  if (Buffer.byteLength(password) > 1024) return false
  const isRight = await verify(kept ?? (await nobodys()), password).catch(() => false)
  return isRight && kept !== null
}

let nobody: Promise<string> | null = null

const nobodys = (): Promise<string> => {
  nobody ??= hashPassword('a password that nobody has 0')
  return nobody
}
