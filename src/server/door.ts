/**
 * Who may come in. The rules are access's; here is the order in which they are asked - host,
 * origin, credential, rate - and what is known of the one who asks.
 */

import {
  addressKey,
  admitDefault,
  checkHost,
  checkOrigin,
  isLoopback,
  type Limiter,
  needsCredential,
  type OriginRule,
  preflight,
  type Tokens,
} from '../access/index.ts'
import { Fault, isFault } from '../kernel/fault.ts'
import type { Principal } from '../kernel/ports.ts'
import type { Dialect, Incoming } from '../wire/dialect.ts'

type Headers = Record<string, string | undefined>

export interface DoorOptions {
  /** The address the server listens on. */
  host: string
  tokens: Pick<Tokens, 'matches'>
  /** A proxy in front is trusted to say who the client is and how it came. */
  behindProxy?: boolean
  /** Names beside the machine's own that the server answers to. */
  allowedHosts?: readonly string[]
  /** Origins of web pages, beside each dialect's own; globs. */
  allowedOrigins?: readonly string[]
  /** For clients that are not on this machine. */
  limiter?: Limiter
}

export interface Door {
  /** What a page may read of the answer, and the Fault that refuses the request, if any. */
  look(
    asked: Incoming,
    dialect: Dialect,
    isSocket: boolean,
  ): {
    fault: Fault | null
    headers: Record<string, string>
  }
  preflight(asked: Incoming, dialect: Dialect): Record<string, string>
  /** Throws the Fault that keeps the caller out. A public route is open to everybody. */
  enter(asked: Incoming, dialect: Dialect, isPublic: boolean): Promise<Principal>
}

const NOBODY: Principal = { id: 'anonymous', account: '' }

export function createDoor(options: DoorOptions): Door {
  const { host, tokens, behindProxy = false, allowedHosts = [], limiter } = options
  const ruleFor = (asked: Incoming, dialect: Dialect, isSocket: boolean): OriginRule => ({
    host: asked.headers.host,
    allowedOrigins: [...(options.allowedOrigins ?? []), ...(dialect.origins ?? [])],
    isSocket,
  })
  return {
    look(asked, dialect, isSocket) {
      const fault = checkHost(asked.headers.host, { bind: host, allowedHosts })
      if (fault) return { fault, headers: {} }
      const rule = ruleFor(asked, dialect, isSocket)
      return checkOrigin(asked.headers.origin, asked.method, rule)
    },
    preflight: (asked, dialect) => preflight(asked.headers, ruleFor(asked, dialect, false)).headers,
    async enter(asked, dialect, isPublic) {
      const { peer } = asked
      if (limiter && !peer.isLoopback) pass(limiter, peer.address)
      if (isPublic) return NOBODY
      if (dialect.admit) return dialect.admit(asked)
      // What a proxy forwarded comes from elsewhere, even to a server that only this machine reaches.
      const bind = { host, behindProxy: behindProxy || (isLoopback(host) && !peer.isLoopback) }
      const found = admitDefault(asked, { bind, tokens })
      if (!isFault(found)) return found
      throw needsCredential({ host, behindProxy }) ? found : forwarded(found)
    },
  }
}

/** The server is open and has told nobody of a token: what to do is not what a token holder does. */
const forwarded = ({ code, details }: Fault): Fault =>
  new Fault(
    code,
    'This request came through a proxy, and only this machine may come in without a credential. Start the server with --behind-proxy, and send the token in its file gateway-token.',
    details,
  )

function pass(limiter: Limiter, address: string): void {
  const passage = limiter.take(addressKey(address))
  if (passage.isAllowed) return
  const { retryAfterMs } = passage
  throw new Fault('limited', 'Too many requests from this address. Slow down.', { retryAfterMs })
}

/** Who is at the other end; what a proxy says of that counts only when it is trusted. */
export function peerOf(
  socketAddress: string,
  headers: Headers,
  behindProxy: boolean,
): Incoming['peer'] {
  const named = headers['x-forwarded-for']?.split(',').at(-1)?.trim()
  if (behindProxy) return { address: named || plain(socketAddress), isLoopback: false }
  const isForwarded = [named, headers.forwarded, headers['x-real-ip']].some((h) => h !== undefined)
  const address = plain(socketAddress)
  return { address, isLoopback: !isForwarded && isLoopback(address) }
}

const plain = (address: string): string => address.replace(/^::ffff:/, '')

/** How many requests may be worked on at once; open streams do not count. */
export interface Turnstile {
  readonly inside: number
  /** Returns the way out; throws when there is no room. */
  pass(): () => void
}

export function createTurnstile(limit: number): Turnstile {
  let inside = 0
  return {
    get inside() {
      return inside
    },
    pass() {
      if (inside >= limit)
        throw new Fault('limited', 'The server is busy. Try again in a moment.', {
          inFlight: true,
          limit,
          retryAfterMs: 1000,
        })
      inside++
      let isOut = false
      return () => {
        if (!isOut) inside--
        isOut = true
      }
    },
  }
}
