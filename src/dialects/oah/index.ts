/**
 * Open Agent Harness on the kernel's engine. This file says what the dialect is; the README says what
 * it serves, what it leaves out, and where it is better than the system it speaks for.
 */

import type { Engine } from '../../kernel/ports.ts'
import type { Dialect } from '../../wire/dialect.ts'
import { createChronicles } from './chronicle.ts'
import type { OahSettings } from './context.ts'
import { refuse } from './faults.ts'
import { oahGuide } from './guide.ts'
import { oahLens } from './lens.ts'
import { createDesk } from './permission.ts'
import { routes } from './routes.ts'
import { createSessionIndex } from './session-index.ts'
import { createShelf } from './shelf.ts'

/** Its door is the server's: open on loopback, elsewhere the server's token. */
export function oah(engine: Engine, settings: OahSettings): Dialect {
  const { store } = engine
  const sessions = createSessionIndex({ store, onCommit: (listener) => engine.onCommit(listener) })
  return {
    name: 'oah',
    about: 'Open Agent Harness: workspaces, sessions, queued runs, sandboxes.',
    routes: routes({
      engine,
      settings,
      sessions,
      shelf: createShelf({ store, settings }),
      chronicles: createChronicles(store),
      desk: createDesk(engine),
    }),
    refuse,
    lens: oahLens,
    guide: oahGuide,
    close: () => sessions.close(),
  }
}

export type { Definition, Definitions, OahSettings } from './context.ts'
export { idOfFolder } from './folder.ts'
export { hookForm } from './hook.ts'
