/**
 * Access tokens: HS256 over a key that is made at the first start and that only its owner can read.
 * No other algorithm is accepted, whatever a token says of itself.
 */

import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { errors, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import { Fault } from '../../kernel/fault.ts'

export interface Claims {
  sub: string
  account: string
  role: string
  /** Seconds, with a fraction. */
  iat: number
  exp: number
}

export interface Jwt {
  access(claims: Pick<Claims, 'sub' | 'account' | 'role'>): Promise<string>
  flow(user: string): Promise<string>
  /** Whom a flow is about; null when the token is none. */
  readFlow(token: string): Promise<string | null>
  claim(): Promise<{ token: string; expiresAt: number }>
  /** When it expires, in epoch milliseconds; null when the token is none. */
  readClaim(token: string): Promise<number | null>
  /** Fault `unauthenticated`, reason `expired` or `invalid`. */
  verify(token: string): Promise<Claims>
}

export interface JwtOptions {
  key: Uint8Array
  accessTtlS: number
  /** Epoch milliseconds. */
  now(): number
}

const FLOW_TTL_S = 600
const CLAIM_TTL_S = 1800
const MAX_TOKEN = 4096
const MAX_KNOWN = 2000

export function createJwt({ key, accessTtlS, now }: JwtOptions): Jwt {
  /** Tokens whose signature was found right. What it says of time is looked at every time. */
  const known = new Map<string, Claims>()
  const sign = (typ: string, ttlS: number, sub: string, more: Record<string, unknown> = {}) => {
    const iat = now() / 1000
    return new SignJWT({ ...more, sub, typ, iat, exp: Math.floor(iat) + ttlS })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .sign(key)
  }
  /** Of the tokens that open no door; null for whatever is not of that kind. */
  const readOther = async (token: string, typ: string) => {
    const payload = await payloadOf(token, key, now()).catch((error: unknown) => {
      if (error instanceof Fault) return null
      throw error
    })
    return payload?.typ === typ ? payload : null
  }
  return {
    access: ({ sub, account, role }) => sign('access', accessTtlS, sub, { account, role }),
    flow: (user) => sign('auth_flow', FLOW_TTL_S, user),
    readFlow: async (token) => (await readOther(token, 'auth_flow'))?.sub ?? null,
    async claim() {
      const expiresAt = (Math.floor(now() / 1000) + CLAIM_TTL_S) * 1000
      return { token: await sign('claim', CLAIM_TTL_S, 'owner'), expiresAt }
    },
    async readClaim(token) {
      const payload = await readOther(token, 'claim')
      return payload?.exp === undefined ? null : payload.exp * 1000
    },
    async verify(token) {
      const claims = known.get(token) ?? (await read(token, key, now()))
      if (claims.exp * 1000 <= now()) throw refused('expired')
      known.delete(token)
      known.set(token, claims)
      if (known.size > MAX_KNOWN) known.delete(known.keys().next().value as string)
      return claims
    },
  }
}

async function read(token: string, key: Uint8Array, now: number): Promise<Claims> {
  const { sub, iat, exp, account, role, typ } = await payloadOf(token, key, now)
  if (typ !== 'access' || typeof account !== 'string' || typeof role !== 'string')
    throw refused('invalid')
  return { sub: sub as string, iat: iat as number, exp: exp as number, account, role }
}

/** What a token of this server's says, of whichever kind it is. */
async function payloadOf(token: string, key: Uint8Array, now: number): Promise<JWTPayload> {
  if (token.length > MAX_TOKEN) throw refused('invalid')
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ['HS256'],
      currentDate: new Date(now),
      requiredClaims: ['sub', 'iat', 'exp', 'typ'],
    })
    return payload
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw refused('expired')
    if (error instanceof errors.JOSEError) throw refused('invalid')
    throw error
  }
}

function refused(reason: 'expired' | 'invalid'): Fault {
  const what = reason === 'expired' ? 'has expired' : 'is not valid'
  return new Fault('unauthenticated', `The access token ${what}. Sign in again.`, { reason })
}

/** Of two processes that make the first key at once, one wins and both use its key. */
export function jwtKey(dataFolder: string): Uint8Array {
  const file = join(dataFolder, 'jwt-key')
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  try {
    writeFileSync(file, `${randomBytes(48).toString('hex')}\n`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    chmodSync(file, 0o600)
  }
  const key = Buffer.from(readFileSync(file, 'utf8').trim(), 'hex')
  if (key.length < 32) throw new Error(`${file} is no key: at least 64 hexadecimal digits.`)
  return key
}
