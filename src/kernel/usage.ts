/** What a model call used, and how such figures add up. */

export interface Usage {
  inputTokens: number
  outputTokens: number
  cacheReadTokens: number
  cacheWriteTokens: number
  /** US dollars; null when the price of the model is not known. */
  costUsd: number | null
}

export const NO_USAGE: Usage = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  costUsd: 0,
}

/** A sum with one unknown price is unknown as a whole; `spentUsd` of a run has what was known. */
export const addUsage = (a: Usage, b: Usage): Usage => ({
  inputTokens: a.inputTokens + b.inputTokens,
  outputTokens: a.outputTokens + b.outputTokens,
  cacheReadTokens: a.cacheReadTokens + b.cacheReadTokens,
  cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
  costUsd: a.costUsd === null || b.costUsd === null ? null : a.costUsd + b.costUsd,
})

export const totalTokens = (u: Usage): number => u.inputTokens + u.outputTokens

/** Money as rows keep it: in whole billionths of a dollar, whatever a sum of fractions came to. */
export const inNanos = (usage: Usage): Usage =>
  usage.costUsd === null ? usage : { ...usage, costUsd: Math.round(usage.costUsd * NANO) / NANO }

const NANO = 1e9
