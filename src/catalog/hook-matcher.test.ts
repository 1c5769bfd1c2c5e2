import { expect, test } from 'vitest'
import { toolsMatching } from './hook-matcher.ts'
import { ENGINE, NATIVE } from './workspace-native.ts'

const ALL = [...new Set(Object.values({ ...NATIVE, ...ENGINE }).flat())]

test('names are taken as they are, and stand for tools of servers too', () => {
  expect(toolsMatching('^Read$')).toEqual([...(NATIVE.Read ?? []), 'Read'])
  expect(toolsMatching('Read|mcp__docs.*')).toEqual([...(NATIVE.Read ?? []), 'Read', 'docs*'])
  expect(toolsMatching('(')).toBeNull()
})

test.each([
  ['(\\w|\\w|\\w|\\w|\\w|\\w|\\w|\\w)*!', []],
  ['.*'.repeat(40).concat('!'), []],
  ['(\\w|\\w|\\w|\\w)+', ALL],
])('%s is not tried, and still guards what it means', (matcher, tools) => {
  expect(toolsMatching(matcher)).toEqual(tools)
})

test('a repeated group still narrows', () => {
  const found = toolsMatching('^Re(ad)+$') ?? []
  expect(found).toEqual(expect.arrayContaining(NATIVE.Read ?? []))
  expect(found.length).toBeLessThan(ALL.length)
})
