/** Who comes in where a dialect has no door of its own: anybody on this machine, else the token. */

import { Fault } from '../kernel/fault.ts'
import type { Principal } from '../kernel/ports.ts'
import { type Bind, needsCredential } from './bind.ts'
import type { Tokens } from './token.ts'

/** Comes in over loopback without a credential. */
export const LOCAL: Principal = { id: 'local', account: 'local' }

/** Holds the server's token, and so is its owner: the same account as on loopback. */
export const TOKEN_HOLDER: Principal = { id: 'token', account: 'local' }

export interface DoorOptions {
  bind: Pick<Bind, 'host' | 'behindProxy'>
  tokens: Pick<Tokens, 'matches'>
}

/** The principal, or why there is none: details `reason` is `missing` or `invalid`. */
export function admitDefault(
  incoming: { headers: Record<string, string | undefined> },
  { bind, tokens }: DoorOptions,
): Principal | Fault {
  if (!needsCredential(bind)) return LOCAL
  const token = bearerOf(incoming.headers.authorization)
  if (token === null)
    return refused('Send the server’s token: Authorization: Bearer <token>.', 'missing')
  if (tokens.matches(token)) return TOKEN_HOLDER
  return refused(
    'This is not the server’s token. It is in the data folder of the server.',
    'invalid',
  )
}

/** The token of an Authorization header, whose scheme is written exactly `Bearer`; null if none. */
export const bearerOf = (header: string | undefined): string | null =>
  /^Bearer (\S+)$/.exec(header ?? '')?.[1] ?? null

const refused = (message: string, reason: 'missing' | 'invalid'): Fault =>
  new Fault('unauthenticated', message, { reason })
