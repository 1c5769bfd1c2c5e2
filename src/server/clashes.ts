/**
 * The paths without an id that more than one dialect documents, each with whose it is at the root
 * and why. Under `/<name>` and on a port of its own every dialect has all of its paths.
 */

type Query = Record<string, string | string[]>

export interface Clash {
  /** A dialect's name, what the query decides, or one document with the keys of all. */
  give: string | 'merge' | ((query: Query) => string)
  reason: string
}

export const CLASHES: Readonly<Record<string, Clash>> = {
  'GET /': {
    give: 'server',
    reason:
      'The root is where people look for the server itself; OAH shows a page for developers there.',
  },
  'GET /metrics': {
    give: 'server',
    reason: "OAH's figures are about its own storage; one scrape has to show the whole server.",
  },
  'GET /healthz': {
    give: 'merge',
    reason: 'Toolang reads `ok`, OAH and Arkloop read `status` and more: no key means two things.',
  },
  'GET /readyz': {
    give: 'merge',
    reason: 'OAH and Arkloop both read `status`; the rest of their keys differ.',
  },
  'GET /docs': {
    give: 'oah',
    reason: "OAH links to it from its own index; Toolang's and Clotho's are a framework's default.",
  },
  'GET /openapi.json': {
    give: 'toolang',
    reason: "Toolang's clients are generated from it; OAH's authority is /openapi.yaml.",
  },
  'GET /api/v1/threads': {
    give: (query) => ('profileId' in query || 'workspaceId' in query ? 'ownware' : 'toolang'),
    reason:
      "It is on Toolang's page and not on Ownware's, and only Ownware filters by profile or workspace.",
  },
  'POST /api/v1/threads': {
    give: 'ownware',
    reason:
      'In Toolang, threads come into being with their first message; only a later version adds this.',
  },
  'GET /api/v1/events': {
    give: 'toolang',
    reason: "It is on Toolang's page; no client of Ownware's reads its own stream of hints.",
  },
  'GET /api/v1/models': {
    give: 'ownware',
    reason: "It is on Ownware's page; Toolang's is /api/v1/chat/models.",
  },
  'GET /api/v1/workspaces': {
    give: 'oah',
    reason: "Workspaces are OAH's first resource; no client of Ownware's asks for them.",
  },
  'POST /api/v1/workspaces': {
    give: 'oah',
    reason: "Workspaces are OAH's first resource; no client of Ownware's makes them.",
  },
  'GET /api/v1/workspaces/{}': {
    give: 'oah',
    reason: 'As for the list, when the id has neither form.',
  },
  'GET /api/v1/runs/{}': {
    give: 'ownware',
    reason: 'An id that nobody issued: the unknown run is told as the first of the three says it.',
  },
  'POST /api/v1/runs/{}/cancel': {
    give: 'ownware',
    reason: 'As for reading a run that nobody knows.',
  },
  'GET /api/v1/runs/{}/events': {
    give: 'ownware',
    reason: 'As for reading a run that nobody knows.',
  },
  'GET /api/v1/threads/{}': {
    give: 'ownware',
    reason: 'As for reading a run that nobody knows.',
  },
}

/** Whose unknown paths are, where several dialects share the beginning. The longest comes first. */
export const FAMILIES: readonly { under: string; give: string; reason: string }[] = [
  {
    under: '/api/v1/',
    give: 'ownware',
    reason:
      "Ownware's clients read an unknown path's error body; Toolang's and OAH's only its status.",
  },
  {
    under: '/api/',
    give: 'clotho',
    reason: 'Only Clotho has paths there without a version.',
  },
]
