/**
 * A dialect is one spoken API: a table of routes, the shape of its errors, and nothing about where
 * it is mounted or who else is there. Handlers return values and never touch a socket.
 */

import type { Readable } from 'node:stream'
import type { z } from 'zod'
import type { Fault } from '../kernel/fault.ts'
import type { Engine, Principal } from '../kernel/ports.ts'
import type { Guide } from './guide.ts'
import type { Lens } from './lens.ts'
import type { Feed, Live } from './projection.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** A request as a handler sees it: parsed, validated, and admitted. */
export interface Call<
  Path = Record<string, string>,
  Query = Record<string, unknown>,
  Body = unknown,
> {
  path: Path
  query: Query
  body: Body
  /** Lower-case names. */
  headers: Record<string, string | undefined>
  method: string
  /** Path and query as they came, below the mount. */
  url: string
  /** The address the client used, with scheme, host and mount, without a trailing slash. */
  base: string
  principal: Principal
  peer: { address: string; isLoopback: boolean }
  /** The body unparsed, for routes with `rawBody`. */
  raw: Readable
  /** Aborted when the client goes away. */
  signal: AbortSignal
}

/** A header that may come more than once, such as a cookie, is a list. */
export type ReplyHeaders = Record<string, string | string[]>

export type Reply = { status: number; headers?: ReplyHeaders } & (
  | { json: unknown }
  | { text: string; type: string }
  | { bytes: Uint8Array | Readable; type: string }
  | { empty: true }
  // biome-ignore lint/suspicious/noExplicitAny: a feed's state and frame types are its own affair.
  | { feed: Feed<any, any> }
  | { live: Live }
)

export interface Route {
  method: Method
  /** `/api/v1/threads/{thread}/events`; a parameter is one segment, or part of one (`{run}:cancel`). */
  path: string
  summary: string
  query?: z.ZodType
  body?: z.ZodType
  /** The body may be absent; it is then `undefined` for the schema. */
  bodyOptional?: boolean
  /** The handler reads `call.raw` itself. */
  rawBody?: boolean
  /** Bytes; default 10 MiB. */
  bodyLimit?: number
  /** For the API document; `media` where it is not JSON. */
  answers: Record<number, { about: string; schema?: z.ZodType; media?: string }>
  /** For the API document: headers that mean something here, each with what. */
  headers?: Record<string, string>
  tag?: string
  /** Needs no credential. */
  isPublic?: boolean
  /** Is answered also when the server is busy: how it fares, and streams, which cost little. */
  isAlwaysLetIn?: boolean
  /** Whether ids in the path have this dialect's form. Decides when two dialects share a path. */
  owns?(path: Record<string, string>, query: Record<string, unknown>): boolean
  // biome-ignore lint/suspicious/noExplicitAny: the schemas of the same row give the types.
  handle(call: Call<any, any, any>): Promise<Reply> | Reply
}

/** A route whose handler is typed by its own schemas. */
export const route = <Q extends z.ZodType, B extends z.ZodType>(
  row: Omit<Route, 'handle' | 'query' | 'body'> & {
    query?: Q
    body?: B
    handle(call: Call<Record<string, string>, z.infer<Q>, z.infer<B>>): Promise<Reply> | Reply
  },
): Route => row

/** What is known of a request that is being refused. */
export interface Refused {
  method: string
  path: string
  headers: Record<string, string | undefined>
}

/** A request before it was admitted. */
export interface Incoming {
  headers: Record<string, string | undefined>
  query: Record<string, string | string[]>
  peer: { address: string; isLoopback: boolean }
  method: string
  path: string
}

export interface Dialect {
  /** Also its mount: `/<name>`. */
  name: string
  about: string
  routes: Route[]
  sockets?: SocketRoute[]
  /**
   * Every refusal in this dialect's own shape: Faults of handlers, and the transport's own -
   * `invalid` with details `where: 'body' | 'query' | 'json' | 'absent'` and `issues` (zod's),
   * `too_large` with `limitBytes`, `not_found` with `route: true`, `unsupported` with `method: true`
   * for a path that exists under another method, `unauthenticated`, `forbidden`, `internal`.
   */
  refuse(fault: Fault, request: Refused): Reply
  /**
   * The dialect's own door. Returns who it is, or throws the Fault. Absent: open on loopback,
   * elsewhere the server's token.
   */
  admit?(request: Incoming): Promise<Principal> | Principal
  /** Headers on every answer, also refusals. */
  headers?(request: Refused): Record<string, string>
  /** Origins that web pages may come from beside the server's own; globs. */
  origins?: string[]
  /** What its clients read of a thread's log, for whoever wants to see it. */
  lens?: Lens
  /** How a person tries it. */
  guide?: Guide
  /**
   * Awaited before anybody can connect: what clients look for beside the server, such as a file with
   * their token, is there when it answers.
   */
  prepare?(): Promise<void>
  /** Told once, when it can be reached, where: its own port, or its mount. */
  listening?(base: string): Promise<void> | void
  close?(): Promise<void> | void
}

export interface SocketRoute {
  path: string
  /** Throws the Fault that refuses the handshake. */
  open(call: Omit<Call, 'body' | 'raw'>, socket: Socket): SocketEvents | Promise<SocketEvents>
  /** Largest incoming message. */
  maxBytes: number
  pingEveryMs: number
}

/** One connection. `send` answers false when the reader is slow. */
export interface Socket {
  send(text: string): boolean
  close(code: number, reason: string): void
  /** Runs a feed over the socket, a frame a message; returns the way to stop it. */
  // biome-ignore lint/suspicious/noExplicitAny: as for Reply.
  follow(feed: Feed<any, any>): () => void
}

export interface SocketEvents {
  /** A text message, or null for a binary one. */
  message(text: string | null): void | Promise<void>
  closed(): void
}

export type { Engine }
