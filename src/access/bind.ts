/** Where a server may listen. Whoever can reach it can make it run commands, so never by accident. */

import { Fault } from '../kernel/fault.ts'
import { isLoopback } from './host.ts'

export interface Bind {
  host: string
  hasTls: boolean
  /** A proxy in front of the server speaks TLS; said by a person, never guessed. */
  behindProxy: boolean
  /** The server has a token to ask for. */
  hasToken: boolean
}

/** Null when the server may start. */
export function checkBind(bind: Bind): Fault | null {
  if (needsCredential(bind) && !bind.hasToken)
    return refused(
      `Refusing to listen on ${shown(bind.host)} without credentials: the server's token is missing. See that the data folder can be written.`,
      'credentials',
    )
  if (isLoopback(bind.host) || bind.hasTls || bind.behindProxy) return null
  return refused(
    `Refusing to listen on ${shown(bind.host)} without TLS: tokens and conversations would cross the network in the clear. Listen on 127.0.0.1, give a certificate with --tls-cert and --tls-key, or pass --behind-proxy if a proxy in front of this server speaks TLS.`,
    'tls',
  )
}

/**
 * Only a server that nobody but this machine can reach is open. Behind a proxy every request seems
 * to come from this machine, so an address says nothing there.
 */
export const needsCredential = ({
  host,
  behindProxy,
}: Pick<Bind, 'host' | 'behindProxy'>): boolean => behindProxy || !isLoopback(host)

const refused = (message: string, reason: string): Fault =>
  new Fault('invalid', message, { reason })

const shown = (host: string): string => (host === '' ? 'all addresses' : host)
