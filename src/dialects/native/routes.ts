/** The whole native API as one table. */

import type { Engine } from '../../kernel/ports.ts'
import type { Route } from '../../wire/dialect.ts'
import { agentRoutes, authoringRoutes } from './agent-routes.ts'
import { askRoutes } from './ask-routes.ts'
import { type About, catalogRoutes, documentRoutes } from './catalog-routes.ts'
import { eventRoutes } from './event-routes.ts'
import type { House } from './house.ts'
import { jobRoutes } from './job-routes.ts'
import { logRoutes } from './log-routes.ts'
import { queueRoutes } from './queue-routes.ts'
import { runRoutes } from './run-routes.ts'
import { serverRoutes } from './server-routes.ts'
import { threadRoutes } from './thread-routes.ts'
import { usageRoutes } from './usage-routes.ts'

/** Without a house there is only what the engine itself can tell. */
export function routes(engine: Engine, about: About, house: House | null): Route[] {
  const rows = [
    ...threadRoutes(engine),
    ...queueRoutes(engine),
    ...runRoutes(engine),
    ...eventRoutes(engine),
    ...askRoutes(engine),
    ...agentRoutes(engine),
    ...catalogRoutes(engine, about),
    ...usageRoutes(engine),
    ...(house ? houseRoutes(engine, about, house) : []),
  ]
  return [...rows, ...documentRoutes(rows, about)]
}

const houseRoutes = (engine: Engine, about: About, house: House): Route[] => [
  ...logRoutes(engine, house),
  ...authoringRoutes(engine, house),
  ...jobRoutes(engine, house.jobs),
  ...serverRoutes(engine, about, house),
]
