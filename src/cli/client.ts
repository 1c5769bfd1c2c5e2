/**
 * The native API as a command uses it. Refusals and a server that does not answer become Faults
 * whose message tells the person what to do; nothing else is thrown.
 */

import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { FAULT_CODES, Fault, type FaultCode, isFault } from '../kernel/fault.ts'
import { readSse, type SseFrame } from './sse.ts'

export interface Client {
  readonly url: string
  get<T>(path: string, query?: Record<string, string | number | undefined>): Promise<T>
  send<T>(method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<T>
  /** Posts until there is an answer, for a while: by its key the server knows it when it comes twice. */
  insist<T>(path: string, body: unknown): Promise<T>
  /** A thread's events after a seq, until the server or the signal ends the stream. */
  stream(thread: string, after: number, signal: AbortSignal): AsyncIterable<SseFrame>
}

export interface ClientOptions {
  url: string
  token: string | null
  /** Milliseconds before the first new attempt of what is insisted on; each further one waits twice as long. */
  retryMs?: number
}

/** With the first wait of 250 ms, about 16 seconds: a server is back by then, or somebody must look. */
const MOST_ATTEMPTS = 7

export function createClient(options: ClientOptions): Client {
  const root = `${options.url}/manifold/v1`

  const call = async (path: string, init: RequestInit): Promise<Response> => {
    const headers = new Headers(init.headers)
    if (options.token) headers.set('authorization', `Bearer ${options.token}`)
    const response = await fetch(root + path, { ...init, headers }).catch((error: unknown) => {
      if (init.signal?.aborted) throw error
      const code = codeOfCause(error)
      if (/CERT|SIGNATURE|TLS|SSL/.test(code))
        throw new Fault(
          'invalid',
          `The certificate of ${options.url} is not trusted here (${code}). If it is right, name ` +
            'its file, or that of whoever signed it, in NODE_EXTRA_CA_CERTS.',
        )
      throw new Fault(
        'unavailable',
        `No server answers at ${options.url}. Start one with "npm start" or "manifold serve", ` +
          'or name another with --url.',
      )
    })
    if (!response.ok) throw await refusal(response)
    return response
  }

  const send = async <T>(
    method: string,
    path: string,
    body: unknown,
    headers: Record<string, string> = {},
  ): Promise<T> => {
    const sent =
      body === undefined
        ? { headers }
        : {
            body: JSON.stringify(body),
            headers: { ...headers, 'content-type': 'application/json' },
          }
    const response = await call(path, { method, ...sent })
    // An answer that breaks off is none.
    const text = await response.text().catch(() => {
      throw new Fault('unavailable', `The server at ${options.url} broke off its answer.`)
    })
    return (text === '' ? undefined : JSON.parse(text)) as T
  }

  return {
    url: options.url,
    async get<T>(path: string, query: Record<string, string | number | undefined> = {}) {
      const search = new URLSearchParams()
      for (const [name, value] of Object.entries(query))
        if (value !== undefined) search.set(name, String(value))
      const response = await call(search.size > 0 ? `${path}?${search}` : path, {})
      return (await response.json()) as T
    },
    send: (method, path, body) => send(method, path, body),
    async insist<T>(path: string, body: unknown) {
      const key = randomUUID()
      let waitMs = options.retryMs ?? 250
      for (let attempt = 1; ; attempt++) {
        try {
          return await send<T>('POST', path, body, { 'idempotency-key': key })
        } catch (error) {
          const isAway = isFault(error) && error.code === 'unavailable'
          if (!isAway || attempt === MOST_ATTEMPTS) throw error
        }
        await pause(waitMs)
        waitMs *= 2
      }
    },
    async *stream(thread, after, signal) {
      const response = await call(`/threads/${thread}/stream?after=${after}`, {
        headers: { accept: 'text/event-stream' },
        signal,
      })
      if (response.body) yield* readSse(response.body)
    },
  }
}

/** What the system says of a connection that failed; '' when it says nothing. */
function codeOfCause(error: unknown): string {
  const cause = error instanceof Error ? error.cause : null
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : ''
  return typeof code === 'string' ? code : ''
}

/** The server's own words where it gave some. */
async function refusal(response: Response): Promise<Fault> {
  const text = await response.text().catch(() => '')
  const { code, message } = errorIn(text)
  if (response.status === 401)
    return new Fault(
      'unauthenticated',
      'The server wants its token: --token, or MANIFOLD_TOKEN. It is in the file gateway-token of the data folder.',
    )
  const known = FAULT_CODES.find((name) => name === code)
  return new Fault(
    known ?? codeOf(response.status),
    message ?? `The server answered with status ${response.status}.`,
  )
}

function errorIn(text: string): { code?: string; message?: string } {
  try {
    const body = JSON.parse(text) as { error?: { code?: string; message?: string } }
    return body.error ?? {}
  } catch {
    return {}
  }
}

const codeOf = (status: number): FaultCode => {
  if (status === 404) return 'not_found'
  if (status === 409) return 'conflict'
  return status >= 500 ? 'unavailable' : 'invalid'
}
