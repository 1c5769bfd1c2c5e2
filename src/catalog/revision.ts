/** The revision of an agent: a hash over every text it was made from, in order. */

import { createHash } from 'node:crypto'

export function revisionOf(texts: readonly string[]): string {
  const hash = createHash('sha256')
  for (const text of texts) hash.update(`${Buffer.byteLength(text)}:`).update(text)
  return hash.digest('hex')
}
