import { expect, test } from 'vitest'
import { createRouter, staticPrefix } from './router.ts'

const routerOf = (...templates: string[]) => {
  const router = createRouter<string>()
  for (const template of templates) router.add(template, template)
  return (path: string) => router.match(path)?.map((m) => [m.value, m.params])
}

test('text beats a part, a part beats a parameter', () => {
  const match = routerOf('/v1/runs/{id}', '/v1/runs/{run}:cancel', '/v1/runs/active')
  expect(match('/v1/runs/active')).toEqual([
    ['/v1/runs/active', {}],
    ['/v1/runs/{id}', { id: 'active' }],
  ])
  expect(match('/v1/runs/r1:cancel')).toEqual([
    ['/v1/runs/{run}:cancel', { run: 'r1' }],
    ['/v1/runs/{id}', { id: 'r1:cancel' }],
  ])
})

test('all owners of a path are found', () => {
  const match = routerOf('/api/runs/{a}', '/api/runs/{b}')
  expect(match('/api/runs/x')).toEqual([
    ['/api/runs/{a}', { a: 'x' }],
    ['/api/runs/{b}', { b: 'x' }],
  ])
})

test('escapes are undone within a segment', () => {
  const match = routerOf('/t/{name}', '/v1/{run}:cancel')
  expect(match('/t/a%20b%2Fc')).toEqual([['/t/{name}', { name: 'a b/c' }]])
  expect(match('/v1/r%3Acancel')).toEqual([['/v1/{run}:cancel', { run: 'r' }]])
  expect(match('/t/%zz')).toBeUndefined()
  expect(match('/t/%0a')).toEqual([['/t/{name}', { name: '\n' }]])
})

test('a segment is neither empty nor more than one', () => {
  const match = routerOf('/t/{name}', '/')
  expect(match('/t/')).toEqual([])
  expect(match('/t/a/b')).toEqual([])
  expect(match('/')).toEqual([['/', {}]])
})

test('special characters of a template mean themselves', () => {
  const match = routerOf('/openapi.json')
  expect(match('/openapi.json')).toHaveLength(1)
  expect(match('/openapiXjson')).toEqual([])
})

test('the text a template begins with', () => {
  expect(staticPrefix('/api/v1/runs/{run}/events')).toEqual(['api', 'v1', 'runs'])
  expect(staticPrefix('/health')).toEqual(['health'])
})
