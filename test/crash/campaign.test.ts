import { describe, expect, it } from 'vitest'
import { campaign } from './campaign.ts'

const KILLS = Number(process.env.MANIFOLD_KILLS ?? 50)
const SEED = Number(process.env.MANIFOLD_SEED ?? 20_261_122)

describe('kill -9 at random', () => {
  it(`${KILLS} times, and no client misses a word`, {
    timeout: 60_000 + KILLS * 10_000,
  }, async () => {
    const result = await campaign({ kills: KILLS, seed: SEED })
    console.info(JSON.stringify({ ...result, seed: SEED }))
    expect(result.findings).toEqual([])
    expect(result.runs).toBeGreaterThan(KILLS / 5)
  })
})
