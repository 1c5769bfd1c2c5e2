import { describe, expect, it } from 'vitest'
import { isUuid } from '../../kernel/id.ts'
import { accountId, accountOfId, derivedId, messageId, shortIso, uuidIn } from './id.ts'

const RUN = '01890a5d-ac96-774b-bcce-b302099a8057'

describe('ids that follow from others', () => {
  it('are UUIDs, all different, and the same every time', () => {
    const numbers = [0, 1, 2, 255, 65_536, 4_294_967_295]
    const kinds = ['event', 'call', 'job'] as const
    const ids = kinds.flatMap((kind) => numbers.map((n) => derivedId(RUN, kind, n)))
    expect(ids.every(isUuid)).toBe(true)
    expect(new Set([RUN, ...ids]).size).toBe(ids.length + 1)
    expect(derivedId(RUN, 'event', 5)).toBe(derivedId(RUN, 'event', 5))
    const messages = [messageId('a', 'r:0'), messageId('a', 'r:1'), messageId('b', 'r:0')]
    expect(messages.every(isUuid)).toBe(true)
    expect(new Set(messages).size).toBe(3)
  })

  it('the local account has the id that the desktop gives it', () => {
    expect(accountOfId(accountId('local'))).toBe('local')
    expect(accountOfId(accountId(RUN))).toBe(RUN)
    expect(uuidIn(RUN.toUpperCase())).toBe(RUN)
    expect(uuidIn('local')).toBeNull()
  })
})

it.each([
  [Date.UTC(2026, 0, 2, 3, 4, 5, 850), '2026-01-02T03:04:05.85Z'],
  [Date.UTC(2026, 0, 2, 3, 4, 5, 5), '2026-01-02T03:04:05.005Z'],
  [Date.UTC(2026, 0, 2, 3, 4, 50, 0), '2026-01-02T03:04:50Z'],
])('%d', (at, text) => expect(shortIso(at)).toBe(text))
