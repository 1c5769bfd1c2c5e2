import { expect, test } from 'vitest'
import type { Dialect, Method, Route } from '../wire/dialect.ts'
import { createMount } from './mount.ts'

const row = (method: Method, path: string, owns?: Route['owns']): Route => ({
  method,
  path,
  summary: path,
  answers: {},
  ...(owns ? { owns } : {}),
  handle: () => ({ status: 200, empty: true }),
})

const dialect = (name: string, ...routes: Route[]): Dialect => ({
  name,
  about: '',
  routes,
  refuse: () => ({ status: 500, empty: true }),
})

const starts = (prefix: string) => (path: Record<string, string>) =>
  Object.values(path)[0]?.startsWith(prefix) ?? false

const ownware = dialect(
  'ownware',
  row('GET', '/api/v1/runs/active'),
  row('GET', '/api/v1/runs/{run}', starts('0')),
  row('GET', '/api/v1/threads'),
  row('GET', '/api/v1/health'),
)
const toolang = dialect(
  'toolang',
  row('GET', '/api/v1/runs/{run_id}', starts('run_')),
  row('GET', '/api/v1/threads'),
  row('GET', '/api/v1/runs'),
)
const clotho = dialect('clotho', row('GET', '/api/chats'), row('GET', '/health'))
const native = dialect('native', row('GET', '/manifold/v1/health'))

const mount = createMount([native, ownware, toolang, clotho])
const ownerOf = (method: string, path: string, query = {}) => {
  const found = mount.find(method, path, query)
  return `${found.dialect.name} ${found.kind === 'route' ? found.route.path : found.kind}`
}

test('the form of an id decides; text comes before a parameter', () => {
  expect(ownerOf('GET', '/api/v1/runs/0190')).toBe('ownware /api/v1/runs/{run}')
  expect(ownerOf('GET', '/api/v1/runs/run_12345678')).toBe('toolang /api/v1/runs/{run_id}')
  expect(ownerOf('GET', '/api/v1/runs/active')).toBe('ownware /api/v1/runs/active')
})

test('an id that nobody issued is refused by the one the table names', () => {
  expect(ownerOf('GET', '/api/v1/runs/what')).toBe('ownware /api/v1/runs/{run}')
})

test('without ids the table decides, by query where it says so', () => {
  expect(ownerOf('GET', '/api/v1/threads')).toBe('toolang /api/v1/threads')
  expect(ownerOf('GET', '/api/v1/threads', { profileId: 'a' })).toBe('ownware /api/v1/threads')
})

test('an unknown path is refused by its family', () => {
  expect(ownerOf('GET', '/api/v1/nope')).toBe('ownware unknown')
  expect(ownerOf('GET', '/api/nope')).toBe('clotho unknown')
  expect(ownerOf('GET', '/health/x')).toBe('clotho unknown')
  expect(ownerOf('GET', '/somewhere')).toBe('native unknown')
})

test('another method of a known path is told apart from an unknown path', () => {
  expect(ownerOf('PUT', '/api/v1/runs/run_12345678')).toBe('toolang method')
  expect(ownerOf('HEAD', '/api/chats')).toBe('clotho /api/chats')
})

test('two owners that nothing decides between are found when the server is built', () => {
  const build = () => createMount([dialect('x', row('GET', '/q')), dialect('y', row('GET', '/q'))])
  expect(build).toThrow(/x and y both own GET \/q/)
})
