/** All routes, in the order of the contract. */

import type { Reply, Route } from '../../wire/dialect.ts'
import { actionRoutes } from './action-routes.ts'
import type { Context } from './context.ts'
import { JSON_TYPE } from './faults.ts'
import { fileRoutes } from './file-routes.ts'
import { messageRoutes } from './message-routes.ts'
import { modelRoutes } from './model-routes.ts'
import { runRoutes } from './run-routes.ts'
import { createRuntimes } from './runtime.ts'
import { runtimeRoutes } from './runtime-routes.ts'
import { sandboxRoutes } from './sandbox-routes.ts'
import { serverRoutes } from './server-routes.ts'
import { sessionRoutes } from './session-routes.ts'
import { workspaceRoutes } from './workspace-routes.ts'

export function routes(context: Context): Route[] {
  const runtimes = createRuntimes(context.settings.runtimes)
  const all: Route[] = []
  all.push(
    ...serverRoutes(context, () => all),
    ...modelRoutes(context),
    ...runtimeRoutes(runtimes),
    ...workspaceRoutes(context, runtimes),
    ...sandboxRoutes(context, runtimes),
    ...fileRoutes(context),
    ...sessionRoutes(context),
    ...messageRoutes(context),
    ...runRoutes(context),
    ...actionRoutes(context),
  )
  return all.map((row) => ({ ...row, handle: async (call) => typed(await row.handle(call)) }))
}

const typed = (reply: Reply): Reply =>
  'json' in reply ? { ...reply, headers: { ...JSON_TYPE, ...reply.headers } } : reply
