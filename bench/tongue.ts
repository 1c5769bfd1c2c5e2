/**
 * How a client of each API starts runs and understands what it is told. The rows are written once
 * and speak through this; raw Node's server speaks as native does.
 */

import type { Link } from './link.ts'

/** One frame of a stream, as far as a measurement cares. */
export interface Heard {
  is: 'token' | 'end' | 'ready' | 'other'
  /** Its number in the stream; null for what the connection itself says. */
  seq: number | null
  text: string
  /** When the server noted it, epoch milliseconds; null when the API does not say. */
  at: number | null
}

export interface Tongue {
  name: 'native' | 'ownware' | 'oah'
  open(link: Link): Promise<string>
  /** Opens a thread with a run in it. */
  begin(link: Link, input: string): Promise<string>
  submit(link: Link, thread: string, input: string): Promise<void>
  /** Where the stream of a thread is, from a cursor on. */
  stream(thread: string, after: number): string
  hear(frame: string): Heard
}

const MODEL = 'scripted:bench'

/** Makes the scripted model say the text, at once or with a pause before each word. */
export const say = (text: string, everyMs?: number): string =>
  `script ${JSON.stringify([[everyMs === undefined ? { say: text } : { say: text, everyMs }]])}`

/** The same with a text that lies in the server's folder of fixtures. */
export const sayFile = (name: string): string => `script-file ${name}`

interface NativeEvent {
  seq: number
  at: number
  data: { text?: string }
}

const SILENT: Heard = { is: 'other', seq: null, text: '', at: null }

/** The lines of a frame are few and in a known order: `id`, `event`, `data`. */
function fieldOf(frame: string, name: string): string | null {
  const from = frame.startsWith(`${name}: `) ? 0 : frame.indexOf(`\n${name}: `) + 1
  if (from === 0 && !frame.startsWith(`${name}: `)) return null
  const end = frame.indexOf('\n', from)
  return frame.slice(from + name.length + 2, end < 0 ? undefined : end)
}

export const NATIVE: Tongue = {
  name: 'native',
  open: async (link) =>
    (await link.json('POST', '/manifold/v1/threads', { agent: 'assistant', model: MODEL }))
      .id as string,
  begin: async (link, input) =>
    (await link.json('POST', '/manifold/v1/runs', { agent: 'assistant', model: MODEL, input }))
      .thread as string,
  submit: async (link, thread, input) =>
    void (await link.json('POST', `/manifold/v1/threads/${thread}/submit`, { input })),
  stream: (thread, after) => `/manifold/v1/threads/${thread}/stream?after=${after}`,
  hear(frame) {
    const event = fieldOf(frame, 'event')
    if (event === null) return SILENT
    if (event === 'ready') return { ...SILENT, is: 'ready' }
    const data = JSON.parse(fieldOf(frame, 'data') ?? '{}') as NativeEvent
    if (typeof data.seq !== 'number') return SILENT
    const { seq, at } = data
    if (event === 'text.delta') return { is: 'token', seq, at, text: data.data.text ?? '' }
    return { is: event === 'run.ended' ? 'end' : 'other', seq, at, text: '' }
  },
}

interface OwnwareFrame {
  seq?: number
  text?: string
}

export const OWNWARE: Tongue = {
  name: 'ownware',
  open: async (link) =>
    (await link.json('POST', '/api/v1/threads', { profileId: 'assistant' })).id as string,
  begin: async (link, prompt) =>
    (await link.json('POST', '/api/v1/run', { profileId: 'assistant', model: MODEL, prompt }))
      .threadId as string,
  submit: async (link, threadId, prompt) =>
    void (await link.json('POST', '/api/v1/run', { threadId, model: MODEL, prompt })),
  stream: (thread, after) => `/api/v1/threads/${thread}/agents/root/events?since=${after}`,
  hear(frame) {
    const event = fieldOf(frame, 'event')
    if (event === null) return SILENT
    if (event === 'stream.replay.complete') return { ...SILENT, is: 'ready' }
    const { seq = null, text = '' } = JSON.parse(fieldOf(frame, 'data') ?? '{}') as OwnwareFrame
    if (event === 'text.delta') return { is: 'token', seq, text, at: null }
    return { is: event === 'session.end' ? 'end' : 'other', seq, text: '', at: null }
  },
}
