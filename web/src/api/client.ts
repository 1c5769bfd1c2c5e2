/**
 * The native API as the console uses it. Whatever goes wrong is thrown as a Refusal, whose message
 * can be shown to a person as it is.
 */

import { session } from './session.ts'

export const ROOT = '/manifold/v1'

export class Refusal extends Error {
  /** The server's code, or `unreachable` when there was no answer. */
  readonly code: string
  readonly status: number

  constructor(code: string, message: string, status: number) {
    super(message)
    this.code = code
    this.status = status
  }
}

export type Query = Record<string, string | number | boolean | undefined | null>

interface Options {
  signal?: AbortSignal
  /** Names the request, so that sending it again does nothing. */
  key?: string
  /** Instead of the token of the session. */
  token?: string
}

export const api = {
  get: <T>(path: string, query: Query = {}, options: Options = {}): Promise<T> =>
    json<T>(`${path}${searchOf(query)}`, { method: 'GET' }, options),
  post: <T>(path: string, body: unknown = {}, options: Options = {}): Promise<T> =>
    json<T>(path, { method: 'POST', body: JSON.stringify(body) }, options),
  put: <T>(path: string, body: unknown, options: Options = {}): Promise<T> =>
    json<T>(path, { method: 'PUT', body: JSON.stringify(body) }, options),
  patch: <T>(path: string, body: unknown, options: Options = {}): Promise<T> =>
    json<T>(path, { method: 'PATCH', body: JSON.stringify(body) }, options),
  remove: <T>(path: string, options: Options = {}): Promise<T> =>
    json<T>(path, { method: 'DELETE' }, options),
}

async function json<T>(path: string, init: RequestInit, options: Options): Promise<T> {
  const response = await call(path, init, options)
  const text = await response.text()
  return (text === '' ? undefined : JSON.parse(text)) as T
}

/** Resolves with an answer that is good; a 401 also brings up the login page. */
export async function call(
  path: string,
  init: RequestInit,
  { signal, key, token }: Options = {},
): Promise<Response> {
  const headers = new Headers(init.headers)
  const credential = token ?? session.token()
  if (credential) headers.set('authorization', `Bearer ${credential}`)
  if (typeof init.body === 'string') headers.set('content-type', 'application/json')
  if (key) headers.set('idempotency-key', key)
  const response = await fetch(ROOT + path, {
    ...init,
    headers,
    ...(signal ? { signal } : {}),
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error
    throw new Refusal('unreachable', 'The server does not answer. Is it running?', 0)
  })
  if (response.ok) return response
  const refusal = await refusalOf(response)
  if (refusal.status === 401 && token === undefined) session.refused()
  throw refusal
}

function searchOf(query: Query): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== null && value !== '') search.set(name, String(value))
  return search.size > 0 ? `?${search}` : ''
}

async function refusalOf(response: Response): Promise<Refusal> {
  const { status } = response
  const text = await response.text().catch(() => '')
  try {
    const { error } = JSON.parse(text) as { error: { code: string; message: string } }
    return new Refusal(error.code, error.message, status)
  } catch {
    return new Refusal('unknown', `The server answered with status ${status}.`, status)
  }
}

/** What to show for anything that was thrown. */
export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)
