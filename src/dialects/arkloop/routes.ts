/** All routes, each with the rule that says who may use it. */

import { accountRoutes } from './account-routes.ts'
import { authRoutes } from './auth-routes.ts'
import { bootstrapRoutes } from './bootstrap-routes.ts'
import type { Context } from './context.ts'
import { keyRoutes } from './key-routes.ts'
import { mailRoutes } from './mail-routes.ts'
import { meRoutes } from './me-routes.ts'
import { messageRoutes } from './message-routes.ts'
import { personaRoutes } from './persona-routes.ts'
import { projectRoutes } from './project-routes.ts'
import { providerRoutes } from './provider-routes.ts'
import { reportRoutes } from './report-routes.ts'
import type { ArkRoute } from './row.ts'
import { runRoutes } from './run-routes.ts'
import { serverRoutes } from './server-routes.ts'
import { shareRoutes } from './share-routes.ts'
import { threadRoutes } from './thread-routes.ts'
import { usageRoutes } from './usage.ts'

export const table = (context: Context): ArkRoute[] => [
  ...serverRoutes(context),
  ...authRoutes(context),
  ...mailRoutes(context),
  ...bootstrapRoutes(context),
  ...meRoutes(context),
  ...accountRoutes(context),
  ...keyRoutes(context),
  ...usageRoutes(context),
  ...threadRoutes(context),
  ...messageRoutes(context),
  ...shareRoutes(context),
  ...reportRoutes(context),
  ...projectRoutes(context),
  ...runRoutes(context),
  ...personaRoutes(context),
  ...providerRoutes(context),
]
