/** What a call cost. A price that is not known makes the cost unknown; it is never taken as free. */

import type { Usage } from '../kernel/usage.ts'
import type { Price } from './settings.ts'
import type { Entry } from './table.ts'

export type Tokens = Omit<Usage, 'costUsd'>

/** `at` is epoch milliseconds; prices may change on a day that is known already. */
export function costOf(tokens: Tokens, entry: Entry | null, at: number): number | null {
  const price = priceOf(tokens, entry, at)
  if (!price) return null
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = tokens
  // A provider without a price of its own for the cache bills those tokens like any others.
  const read = price.cacheReadUsd ?? price.inputUsd
  const write = price.cacheWriteUsd ?? price.inputUsd
  const millionths =
    inputTokens * price.inputUsd +
    outputTokens * price.outputUsd +
    cacheReadTokens * read +
    cacheWriteTokens * write
  return millionths / 1_000_000
}

function priceOf(tokens: Tokens, entry: Entry | null, at: number): Price | null {
  if (!entry) return null
  const { long, later, inputUsd, outputUsd, cacheReadUsd, cacheWriteUsd } = entry
  if (later && at >= Date.parse(later.from)) return later
  const prompt = tokens.inputTokens + tokens.cacheReadTokens + tokens.cacheWriteTokens
  if (long && prompt > long.above) return long
  if (inputUsd === null || outputUsd === null) return null
  return { inputUsd, outputUsd, cacheReadUsd, cacheWriteUsd }
}
