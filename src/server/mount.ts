/**
 * Whose a request is. Every dialect is at the root at its own documented paths and under `/<name>`.
 * Where two share a method and path, the form of the ids in it decides; where there is no id, the
 * table below does. A dialect never knows where it is mounted.
 */

import type { Dialect, Route, SocketRoute } from '../wire/dialect.ts'
import { CLASHES, FAMILIES } from './clashes.ts'
import { mergeRoutes } from './merge.ts'
import { createRouter, type Match, type Router, staticPrefix } from './router.ts'

type Query = Record<string, string | string[]>

interface Owned<R> {
  dialect: Dialect
  route: R
}

export type Found<R> =
  | { kind: 'route'; dialect: Dialect; route: R; params: Record<string, string> }
  /** The path exists, but not under this method. */
  | { kind: 'method'; dialect: Dialect; allow: string[] }
  | { kind: 'unknown'; dialect: Dialect }
  | { kind: 'malformed'; dialect: Dialect }

/** A set of dialects that answer at one address. */
export interface Mount {
  find(method: string, path: string, query: Query): Found<Route>
  findSocket(path: string): Found<SocketRoute>
  /** The methods that the path has, of whatever dialect. */
  methods(path: string): string[]
}

/** Where a path leads: below which prefix, in which mount. */
export interface Place {
  mount: Mount
  /** `` or `/clotho`. */
  prefix: string
  path: string
  /** At the root of the main port, where everything of the server is. */
  isRoot: boolean
}

/** All mounts of a server. `only` is the dialect that a port of its own was opened for. */
export function createPlaces(dialects: readonly Dialect[], atRoot: Dialect) {
  const root = createMount([...dialects, atRoot])
  const own = new Map(dialects.map((d) => [d.name, createMount([d])]))
  return (path: string, only: string | null): Place => {
    const base = only === null ? root : (own.get(only) ?? root)
    const name = path.split('/', 2)[1] ?? ''
    const named = only === null || only === name ? own.get(name) : undefined
    if (!named) return { mount: base, prefix: '', path, isRoot: only === null }
    return {
      mount: named,
      prefix: `/${name}`,
      path: path.slice(name.length + 1) || '/',
      isRoot: false,
    }
  }
}

/** Throws when two dialects claim a path and nothing says whose it is. */
export function createMount(dialects: readonly Dialect[]): Mount {
  const routes = createRouter<Owned<Route>>()
  const sockets = createRouter<Owned<SocketRoute>>()
  for (const { dialect, route } of settleClashes(dialects))
    routes.add(route.path, { dialect, route })
  for (const dialect of dialects)
    for (const route of dialect.sockets ?? []) sockets.add(route.path, { dialect, route })
  const familyOf = createFamilies(dialects)
  return {
    find: (method, path, query) => findRoute(routes, familyOf, { method, path, query }),
    findSocket(path) {
      const matches = sockets.match(path)
      if (!matches) return { kind: 'malformed', dialect: familyOf(path) }
      const [match] = matches
      if (!match) return { kind: 'unknown', dialect: familyOf(path) }
      return { kind: 'route', ...match.value, params: match.params }
    },
    methods: (path) => withImplied((routes.match(path) ?? []).map((m) => m.value.route.method)),
  }
}

function findRoute(
  routes: Router<Owned<Route>>,
  familyOf: (path: string) => Dialect,
  asked: { method: string; path: string; query: Query },
): Found<Route> {
  const { method, path, query } = asked
  const matches = routes.match(path)
  if (!matches) return { kind: 'malformed', dialect: familyOf(path) }
  const wanted = method === 'HEAD' ? 'GET' : method
  const match = choose(
    matches.filter((m) => m.value.route.method === wanted),
    query,
  )
  if (match) return { kind: 'route', ...match.value, params: match.params }
  const other = choose(matches, query)
  if (!other) return { kind: 'unknown', dialect: familyOf(path) }
  const { dialect } = other.value
  const own = matches.filter((m) => m.value.dialect === dialect)
  return { kind: 'method', dialect, allow: withImplied(own.map((m) => m.value.route.method)) }
}

const withImplied = (methods: string[]): string[] =>
  methods.length === 0
    ? []
    : [...new Set([...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'])]

/** The most literal match; among equals the one whose ids are of its dialect's form. */
function choose(matches: Match<Owned<Route>>[], query: Query): Match<Owned<Route>> | undefined {
  const first = matches[0]
  const equal = matches.filter((m) => m.ranks === first?.ranks)
  if (equal.length < 2) return first
  const owner = equal.find((m) => m.value.route.owns?.(m.params, query))
  if (owner) return owner
  const winner = winnerOf(first as Match<Owned<Route>>, query)
  return (
    equal.find((m) => m.value.dialect.name === winner) ??
    equal.find((m) => !m.value.route.owns) ??
    first
  )
}

function winnerOf({ value, template }: Match<Owned<Route>>, query: Query): string | undefined {
  const clash = CLASHES[keyOf(value.route.method, template)]
  if (!clash || clash.give === 'merge') return undefined
  return typeof clash.give === 'function' ? clash.give(query) : clash.give
}

/** `GET /api/v1/runs/{run}` and `GET /api/v1/runs/{id}` are the same path. */
const keyOf = (method: string, path: string): string =>
  `${method} ${path.replace(/\{[^}]+\}/g, '{}')}`

/** Every route with its owner; routes that are to be told as one are made one. */
function settleClashes(dialects: readonly Dialect[]): Owned<Route>[] {
  const groups = new Map<string, Owned<Route>[]>()
  for (const dialect of dialects)
    for (const route of dialect.routes) {
      const key = keyOf(route.method, route.path)
      groups.set(key, [...(groups.get(key) ?? []), { dialect, route }])
    }
  return [...groups].flatMap(([key, group]) => {
    const [first] = group
    if (!first || group.length < 2) return group
    const clash = CLASHES[key]
    if (clash?.give === 'merge')
      return [{ dialect: first.dialect, route: mergeRoutes(group.map((o) => o.route)) }]
    const names = group.map((o) => o.dialect.name).join(' and ')
    if (!clash && group.filter((o) => !o.route.owns).length > 1)
      throw new Error(
        `${names} both own ${key}: give their routes \`owns\`, or settle it in clashes.ts`,
      )
    return group
  })
}

/** Whose an unknown path is: the dialect that shares most of its beginning. */
function createFamilies(dialects: readonly Dialect[]): (path: string) => Dialect {
  const prefixes = new Map<string, Set<Dialect>>()
  for (const dialect of dialects)
    for (const { path } of [...dialect.routes, ...(dialect.sockets ?? [])]) {
      const parts = staticPrefix(path)
      for (let n = 1; n <= parts.length; n++) {
        const key = parts.slice(0, n).join('/')
        prefixes.set(key, (prefixes.get(key) ?? new Set()).add(dialect))
      }
    }
  const fallback = dialects.find((d) => d.name === 'native') ?? (dialects[0] as Dialect)
  return (path) => {
    const parts = path.slice(1).split('/').slice(0, 8)
    for (let n = parts.length; n > 0; n--) {
      const sharing = [...(prefixes.get(parts.slice(0, n).join('/')) ?? [])]
      if (sharing.length === 0) continue
      const name = FAMILIES.find((f) => `${path}/`.startsWith(f.under))?.give
      return sharing.find((d) => d.name === name) ?? (sharing[0] as Dialect)
    }
    return fallback
  }
}
