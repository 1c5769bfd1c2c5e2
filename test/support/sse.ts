/** Reads a server-sent event stream the way a client does: frames split at blank lines. */

export interface SseFrame {
  id: string | null
  event: string | null
  data: string
  comment: string | null
}

export function parseFrame(block: string): SseFrame {
  const frame: SseFrame = { id: null, event: null, data: '', comment: null }
  for (const line of block.split('\n')) {
    if (line.startsWith(':')) frame.comment = line.slice(1).trim()
    else if (line.startsWith('id:')) frame.id = line.slice(3).trim()
    else if (line.startsWith('event:')) frame.event = line.slice(6).trim()
    else if (line.startsWith('data:')) frame.data += line.slice(5).trimStart()
  }
  return frame
}

/** Frames until the response ends, `until` says stop, or the signal is aborted. */
export async function* frames(response: Response): AsyncGenerator<SseFrame> {
  const decoder = new TextDecoder()
  let rest = ''
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      rest += decoder.decode(value, { stream: true })
      const blocks = rest.split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) if (block !== '') yield parseFrame(block)
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

/** All frames up to and with the first that `isLast` likes. Fails when the stream ends before. */
export async function framesUntil(
  url: string,
  isLast: (frame: SseFrame) => boolean,
  init: RequestInit = {},
): Promise<SseFrame[]> {
  const response = await fetch(url, init)
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
  const seen: SseFrame[] = []
  for await (const frame of frames(response)) {
    seen.push(frame)
    if (isLast(frame)) return seen
  }
  throw new Error(`the stream ended after ${seen.map((f) => f.event).join(', ')}`)
}

export const json = (frame: SseFrame): Record<string, unknown> =>
  JSON.parse(frame.data) as Record<string, unknown>
