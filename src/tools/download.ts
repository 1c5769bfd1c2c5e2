/**
 * Gets a document from the web, or posts one to a service there. Each hop's host is resolved once and the connection goes to exactly the
 * addresses that were checked, so neither a redirect nor a second answer of the DNS leads inside.
 */

import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { LookupFunction } from 'node:net'
import type { Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { Fault } from '../kernel/fault.ts'
import { type Address, type PrivateHosts, placeOf, type Resolve } from './address.ts'

export interface DownloadOptions {
  allowPrivate: PrivateHosts
  resolve: Resolve
  maxBytes: number
  timeoutMs: number
  signal: AbortSignal
}

export interface Download {
  /** After all redirects. */
  url: string
  status: number
  contentType: string
  bytes: Buffer
  /** There was more. */
  truncated: boolean
}

const MAX_HOPS = 5

export const download = (url: URL, options: DownloadOptions): Promise<Download> =>
  limited(url, options, (inner) => hop(url, inner, 0))

/** A redirect is an answer like any other: what is meant for one address is told to no other. */
export const post = (
  url: URL,
  { headers, body }: { headers: Record<string, string>; body: string },
  options: DownloadOptions,
): Promise<Download> =>
  limited(url, options, async (inner) => {
    const { request, response } = await reach(url, { method: 'POST', headers, body }, inner)
    try {
      return await taken(url, response, inner)
    } finally {
      request.destroy()
    }
  })

async function limited(
  url: URL,
  options: DownloadOptions,
  work: (options: DownloadOptions) => Promise<Download>,
): Promise<Download> {
  const limit = AbortSignal.timeout(options.timeoutMs)
  const signal = AbortSignal.any([options.signal, limit])
  try {
    return await work({ ...options, signal })
  } catch (error) {
    if (limit.aborted && !options.signal.aborted)
      throw new Fault('unavailable', `${url.host} took longer than ${options.timeoutMs / 1000} s.`)
    throw error instanceof Fault ? error : unreachable(url, error)
  }
}

async function hop(url: URL, options: DownloadOptions, hops: number): Promise<Download> {
  const { request, response } = await reach(url, READING, options)
  try {
    const { statusCode: status = 0, headers } = response
    const isRedirect = [301, 302, 303, 307, 308].includes(status) && headers.location
    if (!isRedirect) return await taken(url, response, options)
    if (hops >= MAX_HOPS) throw new Fault('unavailable', `${url.host} redirects too often.`)
    const next = URL.canParse(headers.location as string, url.href)
    if (!next)
      throw new Fault('unavailable', `${url.host} redirects to something that is no address.`)
    return await hop(new URL(headers.location as string, url), options, hops + 1)
  } finally {
    request.destroy()
  }
}

/** What is sent to an address. */
interface Sent {
  method: 'GET' | 'POST'
  headers: Record<string, string>
  body?: string
}

const READING: Sent = {
  method: 'GET',
  headers: {
    'user-agent': 'Manifold/1 (web_fetch)',
    accept: 'text/html,application/xhtml+xml,text/plain,application/json;q=0.9,*/*;q=0.5',
    'accept-encoding': 'gzip, deflate, br',
  },
}

async function reach(url: URL, sent: Sent, options: DownloadOptions): Promise<Reached> {
  checkUrl(url)
  const addresses = await raced(placeOf(url, options.allowPrivate, options.resolve), options.signal)
  return ask(url, sent, addresses, options.signal)
}

async function taken(
  url: URL,
  response: IncomingMessage,
  options: DownloadOptions,
): Promise<Download> {
  const { statusCode: status = 0, headers } = response
  const contentType = headers['content-type'] ?? ''
  return { url: url.href, status, contentType, ...(await take(response, options)) }
}

export function checkUrl(url: URL): void {
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new Fault('invalid', `Only http and https addresses can be fetched, not ${url.protocol}`)
  if (url.username || url.password)
    throw new Fault('invalid', 'An address with a user name or password is not fetched.')
  if (url.hostname === '' || url.hostname.includes('*'))
    throw new Fault('invalid', 'The address has no proper host.')
}

/** A lookup of the system cannot be cancelled, but nobody has to wait for it. */
function raced<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new Error('aborted'))
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

interface Reached {
  request: ClientRequest
  response: IncomingMessage
}

function ask(
  url: URL,
  { method, headers, body }: Sent,
  addresses: Address[],
  signal: AbortSignal,
): Promise<Reached> {
  const lookup: LookupFunction = (_host, options, callback) => {
    const first = addresses[0] as Address
    if (options.all) callback(null, addresses)
    else callback(null, first.address, first.family)
  }
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    const request = send(url, { lookup, signal, agent: false, method, headers })
    request.once('response', (response) => resolve({ request, response }))
    request.once('error', reject)
    request.on('error', () => {})
    request.end(body)
  })
}

/** The limit counts what comes out of the decompression, where a small body may become a large one. */
async function take(
  response: IncomingMessage,
  { maxBytes, signal }: DownloadOptions,
): Promise<{ bytes: Buffer; truncated: boolean }> {
  const body = decoded(response)
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      size += chunk.length
      if (size > maxBytes) break
    }
  } finally {
    body.destroy()
  }
  if (signal.aborted) throw new Error('aborted')
  const bytes = Buffer.concat(chunks)
  return { bytes: bytes.subarray(0, maxBytes), truncated: size > maxBytes }
}

function decoded(response: IncomingMessage): Readable {
  const coding = response.headers['content-encoding']?.toLowerCase().trim() ?? 'identity'
  if (coding === 'identity' || coding === '') return response
  const decoders = {
    gzip: createGunzip,
    'x-gzip': createGunzip,
    deflate: createInflate,
    br: createBrotliDecompress,
  } as const
  const make = decoders[coding as keyof typeof decoders]
  if (!make)
    throw new Fault('unsupported', `The answer is encoded as ${coding}, which is not known.`)
  const decoder = make()
  response.on('error', (error) => decoder.destroy(error))
  return response.pipe(decoder)
}

function unreachable(url: URL, error: unknown): Fault {
  const code = (error as NodeJS.ErrnoException).code
  const why = code ?? (error instanceof Error ? error.message : 'no answer')
  return new Fault('unavailable', `${url.host} could not be read: ${why}.`)
}
