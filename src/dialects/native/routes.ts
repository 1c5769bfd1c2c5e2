/** The whole native API as one table. */

import type { Engine } from '../../kernel/ports.ts'
import type { Route } from '../../wire/dialect.ts'
import { askRoutes } from './ask-routes.ts'
import { type About, catalogRoutes, documentRoutes } from './catalog-routes.ts'
import { eventRoutes } from './event-routes.ts'
import { queueRoutes } from './queue-routes.ts'
import { runRoutes } from './run-routes.ts'
import { threadRoutes } from './thread-routes.ts'

export function routes(engine: Engine, about: About): Route[] {
  const rows = [
    ...threadRoutes(engine),
    ...queueRoutes(engine),
    ...runRoutes(engine),
    ...eventRoutes(engine),
    ...askRoutes(engine),
    ...catalogRoutes(engine, about),
  ]
  return [...rows, ...documentRoutes(rows, about)]
}
