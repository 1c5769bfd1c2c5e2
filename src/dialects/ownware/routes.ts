/** All routes, each behind the checks that every request of this dialect passes. */

import { Fault } from '../../kernel/fault.ts'
import type { Call, Route } from '../../wire/dialect.ts'
import type { Context, OwnwareSettings } from './context.ts'
import { runRoutes } from './run-routes.ts'
import { serverRoutes } from './server-routes.ts'
import { threadRoutes } from './thread-routes.ts'

export const routes = (context: Context): Route[] =>
  [...serverRoutes(context), ...runRoutes(context), ...threadRoutes(context)].map((row) => ({
    ...row,
    handle: async (call) => {
      admitRate(context.settings, row, call)
      refuseUnsafe(call.path)
      return await row.handle(call)
    },
  }))

function admitRate({ rateLimit }: OwnwareSettings, row: Route, call: Call): void {
  const kind = row.path === '/api/v1/run' ? 'run' : 'general'
  const retryAfterMs = rateLimit?.take(kind, call.peer.address) ?? null
  if (retryAfterMs !== null)
    throw new Fault('limited', 'Too many requests. Please slow down.', { retryAfterMs })
}

function refuseUnsafe(path: Record<string, string>): void {
  for (const [name, value] of Object.entries(path))
    if (value.includes('..') || /[;|&`$(){}[\]\0/\\]/.test(value))
      throw new Fault('invalid', `Invalid path parameter "${name}": contains unsafe characters`)
}
