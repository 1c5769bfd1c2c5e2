import { describe, expect, test } from 'vitest'
import { createSseParser, readSse } from './sse.ts'

describe('the parser', () => {
  const text =
    'id: 1\nevent: text.delta\ndata: {"a":1}\n\n: ping\n\nid:2\r\ndata:x\r\ndata: y\r\n\r\nevent: bye\rdata\r\r'
  const frames = [
    { id: '1', event: 'text.delta', data: '{"a":1}' },
    { id: '2', event: 'message', data: 'x\ny' },
    { id: '2', event: 'bye', data: '' },
  ]

  test('reads fields in any order, comments and all line ends', () => {
    const parse = createSseParser()
    // The last carriage return could be half of a line end until something follows.
    expect([...parse(text), ...parse('\n')]).toEqual(frames)
  })

  test('does not care where the text is cut', () => {
    for (let at = 0; at <= text.length; at++) {
      const parse = createSseParser()
      expect([...parse(text.slice(0, at)), ...parse(text.slice(at)), ...parse('\n')]).toEqual(
        frames,
      )
    }
  })

  test('tells nothing of a frame that is not complete', () => {
    expect(createSseParser()('id: 1\ndata: half')).toEqual([])
    expect(createSseParser()('id: 1\ndata: half\n')).toEqual([])
  })
})

test('a character that is cut in two between chunks stays whole', async () => {
  const bytes = new TextEncoder().encode('data: é😀\n\n')
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (const byte of bytes) yield Uint8Array.of(byte)
  }
  const frames = []
  for await (const frame of readSse(chunks())) frames.push(frame.data)
  expect(frames).toEqual(['é😀'])
})
