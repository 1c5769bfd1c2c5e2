/** Several routes told as one: one document with the keys of all, and the worst of their statuses. */

import type { Reply, Route } from '../wire/dialect.ts'

export function mergeRoutes(routes: readonly Route[]): Route {
  const first = routes[0] as Route
  return {
    ...first,
    isPublic: routes.every((r) => r.isPublic === true),
    isAlwaysLetIn: routes.some((r) => r.isAlwaysLetIn === true),
    async handle(call) {
      const replies = await Promise.all(routes.map((r) => r.handle(call)))
      return mergeReplies(replies)
    },
  }
}

/** Of a key that two documents have, the first one's value is told. */
function mergeReplies(replies: readonly Reply[]): Reply {
  const documents = replies.map((r) => ('json' in r && isRecord(r.json) ? r.json : {}))
  return {
    status: Math.max(...replies.map((r) => r.status)),
    json: Object.assign({}, ...documents.reverse()),
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
