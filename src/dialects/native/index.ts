/** The native API: the kernel's own nouns and events, without translation. */

import type { Engine } from '../../kernel/ports.ts'
import type { Dialect } from '../../wire/dialect.ts'
import type { About } from './catalog-routes.ts'
import { refuse } from './faults.ts'
import { nativeGuide } from './guide.ts'
import type { House } from './house.ts'
import { nativeLens } from './lens.ts'
import { routes } from './routes.ts'

/** Its door is the server's: open on loopback, elsewhere the server's token. */
export const native = (engine: Engine, about: About, house: House | null = null): Dialect => ({
  name: 'native',
  about: 'The native API: threads, runs, asks and their event log.',
  routes: routes(engine, about, house),
  refuse,
  lens: nativeLens,
  guide: nativeGuide,
})

export type { About } from './catalog-routes.ts'
export type { House } from './house.ts'
