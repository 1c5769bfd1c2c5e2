import { expect, test } from 'vitest'
import { createPaint, harmless, oneLine, table, textWidth } from './terminal.ts'

test('what a model says cannot drive the terminal', () => {
  expect(harmless('a\u001b[31mred\u001b[0m\u001b]0;title\u0007\r\nb\u0008\u009b2J\tc')).toBe(
    'ared\nb\tc',
  )
})

test('widths count what a terminal shows', () => {
  expect([textWidth('abc'), textWidth('日本'), textWidth('e\u0301'), textWidth('😀')]).toEqual([
    3, 4, 1, 2,
  ])
})

test('a line is cut to its columns, wide characters included', () => {
  expect(oneLine('one\n  two', 20)).toBe('one two')
  expect(oneLine('abcdef', 4)).toBe('abc…')
  expect(textWidth(oneLine('日本語日本語', 6))).toBeLessThanOrEqual(6)
})

test('columns of a table are aligned', () => {
  expect(
    table(
      ['A', 'B'],
      [
        ['日本', 'x'],
        ['1', 'longer'],
      ],
    ),
  ).toBe('A     B\n日本  x\n1     longer\n')
})

test('without colour nothing is painted', () => {
  expect(createPaint(false).red('x')).toBe('x')
  expect(createPaint(true).red('x')).toBe('\u001b[31mx\u001b[39m')
})
