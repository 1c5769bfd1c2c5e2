/** Server-sent events as text. A frame's data is one line of JSON and lines end in LF only. */

/** What every event stream answers with; a dialect's own headers come on top. */
export const SSE_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache',
  'x-accel-buffering': 'no',
}

/** The lines of a frame, in the order in which they are given; `data` is made JSON. */
export const sseFrame = (frame: { id?: string | number; event?: string; data: unknown }): string =>
  `${frame.id === undefined ? '' : `id: ${frame.id}\n`}${
    frame.event === undefined ? '' : `event: ${frame.event}\n`
  }data: ${JSON.stringify(frame.data)}\n\n`

/** Bytes that clients skip. */
export const sseComment = (text: string): string => `: ${text}\n\n`
