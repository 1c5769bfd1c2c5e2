import { describe, expect, it } from 'vitest'
import { groupsOf, PACKED_SIZE, type Span } from './packer.ts'

const span = (firstSeq: number, lastSeq: number, size = 10): Span => ({ firstSeq, lastSeq, size })

describe('groups of rows that become one', () => {
  it('are neighbours, and at least two', () => {
    const spans = [span(1, 1), span(2, 4), span(6, 6), span(8, 8), span(9, 9)]
    expect(groupsOf(spans)).toEqual([spans.slice(0, 2), spans.slice(3)])
    expect(groupsOf([])).toEqual([])
    expect(groupsOf([span(1, 9)])).toEqual([])
  })

  it('are bounded, and what is packed already is left as it is', () => {
    const half = PACKED_SIZE / 2
    const spans = [1, 2, 3, 4, 5].map((seq) => span(seq, seq, half))
    expect(groupsOf(spans)).toEqual([spans.slice(0, 2), spans.slice(2, 4)])
    const packed = [span(1, 2, PACKED_SIZE), span(3, 4, PACKED_SIZE), span(5, 5, half)]
    expect(groupsOf(packed)).toEqual([])
  })
})
