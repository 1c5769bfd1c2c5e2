/**
 * Reads server-sent events from bytes, as the standard says: any of three line ends, fields in any
 * order, comments ignored. A frame that the connection cut off is never told.
 */

export interface SseFrame {
  /** The last id that was sent, also by an earlier frame. */
  id: string | null
  event: string
  data: string
}

export async function* readSse(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<SseFrame> {
  const decoder = new TextDecoder()
  const frames = createSseParser()
  for await (const chunk of chunks) yield* frames(decoder.decode(chunk, { stream: true }))
}

/** Takes text as it comes and returns the frames that it completes. */
export function createSseParser(): (text: string) => SseFrame[] {
  let rest = ''
  let id: string | null = null
  let event = ''
  let data: string[] = []

  const takeLine = (line: string): SseFrame | null => {
    if (line === '') {
      const frame =
        data.length > 0 ? { id, event: event || 'message', data: data.join('\n') } : null
      event = ''
      data = []
      return frame
    }
    const colon = line.indexOf(':')
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'event') event = value
    else if (field === 'data') data.push(value)
    else if (field === 'id' && !value.includes('\0')) id = value
    return null
  }

  return (text) => {
    rest += text
    // A carriage return at the very end may be the first half of a line end.
    const usable = rest.endsWith('\r') ? rest.slice(0, -1) : rest
    const lines = usable.split(/\r\n|\n|\r/)
    const last = lines.pop() ?? ''
    rest = last + rest.slice(usable.length)
    return lines.map(takeLine).filter((frame) => frame !== null)
  }
}
