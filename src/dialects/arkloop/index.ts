/**
 * Arkloop's API on the kernel's engine. This file says what the dialect is; the README says what it
 * serves, what it leaves out, and where it is better than the system it speaks for.
 */

import type { Accounts } from '../../kernel/accounts.ts'
import type { Engine } from '../../kernel/ports.ts'
import type { Dialect } from '../../wire/dialect.ts'
import { type ArkloopSettings, createContext } from './context.ts'
import { refuse } from './faults.ts'
import { arkloopGuide } from './guide.ts'
import { arkloopLens } from './lens.ts'
import { table } from './routes.ts'
import { toRoute } from './row.ts'
import { traceOf } from './trace.ts'

/**
 * The web client sends its cookies along also to another origin. To such a request a browser shows an
 * answer only when it says so, and of its headers only those that it names.
 */
const FOR_PAGES = {
  'access-control-allow-credentials': 'true',
  'access-control-expose-headers': 'X-Trace-Id, X-Total-Count, Retry-After',
}

const LOCAL_PAGES = ['http://localhost:*', 'http://127.0.0.1:*']

/** Its door is open to a user's access token, to an API key, and to the server's own token. */
export function arkloop(engine: Engine, accounts: Accounts, settings: ArkloopSettings): Dialect {
  const context = createContext(engine, accounts, settings)
  return {
    name: 'arkloop',
    about: "Arkloop's API: threads, runs and their events, with users, accounts and keys.",
    routes: table(context).map(toRoute),
    refuse,
    admit: ({ headers }) => accounts.admit(headers.authorization),
    headers: ({ headers }) => {
      const trace = { 'x-trace-id': traceOf(headers) }
      return headers.origin === undefined ? trace : { ...trace, ...FOR_PAGES }
    },
    origins: settings.origins ?? LOCAL_PAGES,
    lens: arkloopLens,
    guide: arkloopGuide,
  }
}

export type { ArkloopSettings } from './context.ts'
export { table as arkloopTable } from './routes.ts'
