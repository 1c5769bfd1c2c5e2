/** What the server itself answers at the root, beside its dialects: a page, and its figures. */

import type { Dialect } from '../wire/dialect.ts'
import type { Metrics } from './metrics.ts'
import { landingPage, type Pages } from './page.ts'

export function rootDialect(
  dialects: readonly Dialect[],
  page: Pages,
  metrics: () => Metrics | null,
): Dialect {
  return {
    name: 'server',
    about: 'The server itself.',
    routes: [
      {
        method: 'GET',
        path: '/',
        summary: 'What this is.',
        answers: { 200: { about: 'A page.' } },
        isPublic: true,
        handle: async ({ headers }) =>
          (await page('/', headers['accept-encoding'])) ?? landingPage(dialects),
      },
      {
        method: 'GET',
        path: '/metrics',
        summary: 'Figures in Prometheus form.',
        answers: { 200: { about: 'Text.' } },
        handle: async () =>
          (await metrics()?.page()) ?? { status: 503, text: 'starting\n', type: 'text/plain' },
      },
    ],
    refuse: (fault) => ({
      status: STATUS[fault.code] ?? 500,
      text: `${fault.message}\n`,
      type: 'text/plain; charset=utf-8',
    }),
  }
}

const STATUS: Record<string, number> = {
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  unsupported: 405,
  limited: 503,
  unavailable: 503,
  invalid: 400,
}
