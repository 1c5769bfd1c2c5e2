/** All routes, each behind the checks that every request of this dialect passes. */

import { Fault } from '../../kernel/fault.ts'
import type { Route } from '../../wire/dialect.ts'
import { agentRoutes } from './agent-routes.ts'
import type { Context } from './context.ts'
import { runRoutes } from './run-routes.ts'
import { serverRoutes } from './server-routes.ts'
import { threadRoutes } from './thread-routes.ts'

export const routes = (context: Context): Route[] =>
  [serverRoutes, runRoutes, threadRoutes, agentRoutes].flatMap((of) =>
    of(context).map((row) => ({
      ...row,
      handle: async (call) => {
        refuseUnsafe(call.path)
        return await row.handle(call)
      },
    })),
  )

function refuseUnsafe(path: Record<string, string>): void {
  for (const [name, value] of Object.entries(path))
    if (value.includes('..') || /[;|&`$(){}[\]\0/\\]/.test(value))
      throw new Fault('invalid', `Invalid path parameter "${name}": contains unsafe characters`)
}
