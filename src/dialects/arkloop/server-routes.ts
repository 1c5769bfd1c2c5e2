/** Is it up, is it ready, how quickly does it answer. No credential, and no work. */

import type { Context } from './context.ts'
import { refusal } from './faults.ts'
import { type ArkRoute, ark, json } from './row.ts'

const PUBLIC = { may: 'public', about: 'none' } as const

export const serverRoutes = ({ engine }: Context): ArkRoute[] => [
  ark({
    method: 'GET',
    path: '/healthz',
    isAlwaysLetIn: true,
    summary: 'Is the server up',
    rule: PUBLIC,
    handle: () => json({ status: 'ok' }),
  }),
  ark({
    method: 'GET',
    path: '/readyz',
    isAlwaysLetIn: true,
    summary: 'Can the server work',
    rule: PUBLIC,
    handle: async () => {
      const { migration } = await engine.store.health().catch(notReady)
      const schema = typeof migration === 'number' ? migration : 0
      const same = { schema_version: schema, expected_schema_version: schema, match: true }
      return json({ status: 'ok', ...same })
    },
  }),
  ark({
    method: 'GET',
    path: '/benchz',
    summary: 'Answers, and that is all',
    rule: PUBLIC,
    handle: () => json({ ok: true }),
  }),
]

/** Whatever the reason is: it is the operator's, and nobody who asks here needs a credential. */
function notReady(): never {
  throw refusal('unavailable', 'health.not_ready', 'not ready')
}
