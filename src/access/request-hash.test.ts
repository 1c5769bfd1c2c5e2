import { describe, expect, it } from 'vitest'
import { canonical, requestHash } from './request-hash.ts'

describe('canonical', () => {
  const table: [unknown, string][] = [
    [{ b: 1, a: [2, { d: null, c: 'x' }] }, '{"a":[2,{"c":"x","d":null}],"b":1}'],
    [{ a: undefined, b: [undefined] }, '{"b":[null]}'],
    ['"\n', '"\\"\\n"'],
    [[1, -0, 1e21, Number.NaN], '[1,0,1e+21,null]'],
    [undefined, 'null'],
    [{ at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
    [JSON.parse('{"__proto__":1}'), '{"__proto__":1}'],
  ]
  it.each(table)('%j', (value, text) => {
    expect(canonical(value)).toBe(text)
  })
})

describe('requestHash', () => {
  it('is the same for the same request, in whatever order', () => {
    const a = requestHash({ prompt: 'x', options: { model: 'm', stream: true } })
    expect(requestHash({ options: { stream: true, model: 'm' }, prompt: 'x' })).toBe(a)
    expect(a).toMatch(/^[0-9a-f]{64}$/)
  })

  it('differs for every other request', () => {
    const requests = [
      {},
      [],
      null,
      '',
      { a: 1 },
      { a: '1' },
      { a: [1] },
      [1, 2],
      [2, 1],
      { a: { b: 1 } },
    ]
    expect(new Set(requests.map(requestHash)).size).toBe(requests.length)
  })
})
