import { expect, test } from 'vitest'
import { laidOut } from './laid-out.ts'
import type { Entry } from './log-book.ts'
import { rowAt, rowsOf } from './rows.ts'

const entry = (type: string, run: string | null = 'r'): Entry => ({ type, run, at: 0 })

const LOG = [
  entry('thread.opened', null),
  entry('run.created'),
  entry('text.delta'),
  entry('text.delta'),
  entry('text.delta', 's'),
  entry('tool.started'),
  entry('text.delta'),
]

const ALL = { families: [], run: null, type: null, isFolded: true }

test('words of one run that follow each other are one line, nothing else is', () => {
  const rows = rowsOf(LOG, ALL)
  expect(rows.map(({ seq, count }) => [seq, count])).toEqual([
    [1, 1],
    [2, 1],
    [3, 2],
    [5, 1],
    [6, 1],
    [7, 1],
  ])
  expect(rowsOf(LOG, { ...ALL, isFolded: false })).toHaveLength(LOG.length)
})

test('what is left out does not bring words together', () => {
  const rows = rowsOf(LOG, { ...ALL, families: ['words'], run: 'r' })
  expect(rows.map(({ seq, count }) => [seq, count])).toEqual([
    [3, 2],
    [7, 1],
  ])
})

test('one type alone', () => {
  const rows = rowsOf(LOG, { ...ALL, type: 'tool.started' })
  expect(rows.map(({ seq }) => seq)).toEqual([6])
})

test('an event within a line, and one that is left out, has the line before it', () => {
  const rows = rowsOf(LOG, { ...ALL, run: 'r' })
  expect(rowAt(rows, 4)).toBe(1)
  expect(rowAt(rows, 5)).toBe(1)
  expect(rowAt(rows, 1)).toBe(-1)
  expect(rowAt(rows, 99)).toBe(rows.length - 1)
})

test('what fits on a line is one line, and all of it is the same JSON', () => {
  const value = { type: 'x', usage: { input: 1, output: 2 }, list: [], text: 'a'.repeat(60) }
  const text = laidOut(value)
  expect(text.split('\n')).toHaveLength(6)
  expect(text).toContain('"usage": { "input": 1, "output": 2 }')
  expect(JSON.parse(text)).toEqual(value)
  for (const odd of [null, 'a', [], {}, [[{ a: [] }]]])
    expect(JSON.parse(laidOut(odd))).toEqual(odd)
})
