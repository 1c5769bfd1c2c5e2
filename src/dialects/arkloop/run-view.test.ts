import { describe, expect, it } from 'vitest'
import { NO_USAGE, type Usage } from '../../kernel/usage.ts'
import { cacheHitRate, creditsOf } from './run-view.ts'

const used = (usage: Partial<Usage>): Usage => ({ ...NO_USAGE, ...usage })

describe('credits', () => {
  it.each([
    [used({ inputTokens: 1500, outputTokens: 500, costUsd: 1 }), 0],
    [used({ inputTokens: 1500, outputTokens: 501, costUsd: 0.0001 }), 1],
    [used({ inputTokens: 3000, outputTokens: 0, costUsd: 0.005 }), 5],
    [used({ inputTokens: 3000, outputTokens: 0, costUsd: 0.0051 }), 6],
    [used({ inputTokens: 3000, outputTokens: 900, costUsd: null }), 4],
    [used({ inputTokens: 4000, outputTokens: 0, costUsd: 0 }), 4],
  ])('%o', (usage, credits) => expect(creditsOf(usage)).toBe(credits))
})

describe('cache hit rate', () => {
  it.each([
    [used({ inputTokens: 100 }), null],
    [used({ inputTokens: 50, cacheReadTokens: 40, cacheWriteTokens: 10 }), 0.4],
    [used({ cacheWriteTokens: 10 }), 0],
    [used({ cacheReadTokens: 10 }), 1],
  ])('%o', (usage, rate) => expect(cacheHitRate(usage)).toBe(rate))
})
