/** Server-sent events out of a response's body. Lines end in LF, as this server writes them. */

export interface SseFrame {
  event: string
  id: string | null
  data: string
}

/**
 * Tells the frames of each chunk together, so that whoever shows them can do so in one go. `alive` is
 * called for every chunk, also for one that holds only a comment.
 */
export async function readSse(
  body: ReadableStream<Uint8Array>,
  tell: (frames: SseFrame[]) => void,
  alive: () => void,
): Promise<void> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      alive()
      const text = decoder.decode(value, { stream: true })
      // A long frame comes in many chunks: only what is new can hold its end.
      const from = Math.max(0, rest.length - 1)
      rest += text
      const end = rest.lastIndexOf('\n\n')
      if (end < from - 1 || end < 0) continue
      const blocks = rest.slice(0, end).split('\n\n')
      rest = rest.slice(end + 2)
      const frames = blocks.map(parse).filter((frame) => frame !== null)
      if (frames.length > 0) tell(frames)
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

function parse(block: string): SseFrame | null {
  let event = 'message'
  let id: string | null = null
  const data: string[] = []
  for (const line of block.split('\n')) {
    if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5))
    else if (line.startsWith('event:')) event = line.slice(6).trim()
    else if (line.startsWith('id:')) id = line.slice(3).trim()
  }
  return data.length === 0 ? null : { event, id, data: data.join('\n') }
}
