/** Reads the body of a request: never more than the limit, and never JSON that is not UTF-8. */

import { type Readable, Transform } from 'node:stream'
import { Fault } from '../kernel/fault.ts'
import type { Route } from '../wire/dialect.ts'

export const BODY_LIMIT = 10 * 1024 * 1024

/** How deep JSON may be nested: what is read here without recursion is written with it later. */
const DEEPEST = 1000

/** A request's body with what its headers say of it. */
export interface Incoming {
  stream: Readable
  length: number | null
  /** False: the headers say that there is none. */
  isPresent: boolean
}

/** The value that a route's schema accepts; throws the Fault that refuses it. */
export async function parseBody(route: Route, incoming: Incoming): Promise<unknown> {
  if (!route.body) return undefined
  const bytes = await readBytes(incoming, route.bodyLimit ?? BODY_LIMIT)
  if (bytes.length === 0 && !route.bodyOptional)
    throw new Fault('invalid', 'The request needs a body. Send JSON.', { where: 'absent' })
  const value = bytes.length === 0 ? undefined : parseJson(bytes)
  const parsed = route.body.safeParse(value)
  if (parsed.success) return parsed.data
  const { issues } = parsed.error
  throw new Fault('invalid', 'The body does not have the form it must have.', {
    where: 'body',
    issues,
    input: value,
  })
}

/** The body unread, cut off with a Fault at the route's own limit, when it has one. */
export function rawBody(route: Route, { stream }: Incoming): Readable {
  const limit = route.bodyLimit
  if (limit === undefined) return stream
  let size = 0
  const limited = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length
      if (size > limit) done(tooLarge(limit))
      else done(null, chunk)
    },
  })
  stream.on('error', (error) => limited.destroy(error))
  return stream.pipe(limited)
}

/** Reads on to the end for nobody: what is left would stand before the connection's next request. */
export function forget(stream: Readable): void {
  stream.unpipe()
  stream.resume()
}

const tooLarge = (limitBytes: number): Fault =>
  new Fault('too_large', `The body is larger than the ${limitBytes} bytes allowed here.`, {
    limitBytes,
  })

function readBytes({ stream, length, isPresent }: Incoming, limit: number): Promise<Buffer> {
  if (!isPresent) return Promise.resolve(Buffer.alloc(0))
  if (length !== null && length > limit) return Promise.reject(tooLarge(limit))
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > limit) {
        stream.removeAllListeners('data')
        stream.resume()
        chunks.length = 0
        reject(tooLarge(limit))
      } else chunks.push(chunk)
    })
    stream.once('end', () =>
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)),
    )
    stream.once('error', reject)
    stream.once('close', () => {
      if (!stream.readableEnded) reject(new ClientGone())
    })
  })
}

/** The client went away before its request was complete: there is nobody to answer. */
export class ClientGone extends Error {
  constructor() {
    super('The client went away before its request was complete.')
    this.name = 'ClientGone'
  }
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

function parseJson(bytes: Buffer): unknown {
  const value = readJson(bytes)
  // Each level takes a byte to open and one to close.
  if (bytes.length > 2 * DEEPEST && isDeeper(value, DEEPEST)) {
    const issue = `it is nested more than ${DEEPEST} levels deep`
    throw new Fault('invalid', `The body cannot be taken: ${issue}.`, {
      where: 'json',
      issue,
      position: null,
    })
  }
  return value
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  const inner: unknown[] = Array.isArray(value) ? value : Object.values(value)
  return inner.some((item) => isDeeper(item, levels - 1))
}

function readJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(strict.decode(bytes))
  } catch (error) {
    const issue = error instanceof Error ? error.message : ''
    const end = issue.includes('end of JSON') ? String(strict.decode(bytes).length) : undefined
    const at = /position (\d+)/.exec(issue)?.[1] ?? end
    throw new Fault('invalid', `The body is not JSON: ${issue}.`, {
      where: 'json',
      issue,
      position: at === undefined ? null : Number(at),
    })
  }
}
