/**
 * Ownware's run API on the kernel's engine. This file says what the dialect is; the README says
 * what it serves, what it leaves out, and where it is better than the system it speaks for.
 */

import { globMatches } from '../../kernel/policy.ts'
import type { Engine } from '../../kernel/ports.ts'
import type { Dialect, Refused } from '../../wire/dialect.ts'
import type { OwnwareSettings } from './context.ts'
import { refuse } from './faults.ts'
import { ownwareGuide } from './guide.ts'
import { createJournal } from './journal.ts'
import { ownwareLens } from './lens.ts'
import { routes } from './routes.ts'

const LOCAL_PAGES = ['http://localhost:*', 'http://127.0.0.1:*']

/** Its door is the server's: open on loopback, elsewhere the server's token. */
export function ownware(engine: Engine, settings: OwnwareSettings): Dialect {
  return {
    name: 'ownware',
    about: "Ownware's run API: runs, approvals and event streams with a cursor.",
    routes: routes({ engine, settings, journal: createJournal(engine.store) }),
    refuse,
    headers: corsHeaders,
    origins: LOCAL_PAGES,
    lens: ownwareLens,
    guide: ownwareGuide,
  }
}

/**
 * On every answer, as the real system does; an empty origin allows nobody. Of pages that are not
 * from this machine the server has its own opinion, which this must not overrule.
 */
function corsHeaders({ headers }: Refused): Record<string, string> {
  const origin = headers.origin ?? ''
  const isKnown = origin === '' || LOCAL_PAGES.some((glob) => globMatches(glob, origin))
  return {
    ...(isKnown ? { 'Access-Control-Allow-Origin': origin } : {}),
    'Access-Control-Allow-Methods': 'GET, POST, PUT, PATCH, DELETE, OPTIONS',
    'Access-Control-Allow-Headers': 'Content-Type, Authorization, Idempotency-Key',
    'Access-Control-Max-Age': '86400',
    Vary: 'Origin',
  }
}

export type { OwnwareSettings } from './context.ts'
