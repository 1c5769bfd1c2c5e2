/** The table of all routes: what the page prints, and what the real clients call. */

import type { Route } from '../../wire/dialect.ts'
import { openApi } from '../../wire/openapi.ts'
import { chatRoutes } from './chat-routes.ts'
import type { Context } from './context.ts'
import { profileRoutes } from './profile-routes.ts'
import { serverRoutes } from './server-routes.ts'

export function routes(context: Context): Route[] {
  const all = [...serverRoutes(context), ...chatRoutes(context), ...profileRoutes(context)]
  const info = {
    title: 'Clotho gateway',
    version: context.settings.version,
    about: "Clotho's REST API; agent turns go over the WebSocket at /ws/{chat_id}.",
  }
  const document: Route = {
    method: 'GET',
    path: '/openapi.json',
    summary: 'This document.',
    answers: { 200: { about: 'OpenAPI 3.1' } },
    isPublic: true,
    handle: () => ({ status: 200, json: openApi(info, all) }),
  }
  return [...all, document, ...all.map(withoutSlash)]
}

/** A path with a slash too many is the path without it, as the real gateway says it. */
const withoutSlash = ({ method, path, summary }: Route): Route => ({
  method,
  path: `${path}/`,
  summary,
  answers: { 307: { about: 'The path without its last slash' } },
  isPublic: true,
  handle({ base, url }) {
    const [, at = '', query = ''] = /^(.*?)\/(\?.*)?$/s.exec(url) ?? []
    return { status: 307, headers: { location: base + at + query }, empty: true }
  },
})
