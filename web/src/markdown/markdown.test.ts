/** What is understood of Markdown, and that what is not stays text and takes no time. */

import { describe, expect, it } from 'vitest'
import { blocksOf } from './blocks.ts'
import { inlineOf, safeHref } from './inline.ts'

describe('blocks', () => {
  it('reads what models write', () => {
    const text = [
      '# Title',
      'One line',
      'and its second.',
      '',
      '- a',
      '- b',
      '  - c',
      '',
      '1. x',
      '2. y',
      '```ts',
      'const a = "`"',
      '```',
      '> said',
      '> twice',
      '',
      '| a | b |',
      '|---|---|',
      '| 1 | 2 |',
      '',
      '---',
    ].join('\n')
    expect(blocksOf(text)).toEqual([
      { kind: 'heading', level: 1, text: 'Title' },
      { kind: 'paragraph', text: 'One line\nand its second.' },
      { kind: 'list', start: null, items: ['a', 'b\n- c'] },
      { kind: 'list', start: 1, items: ['x', 'y'] },
      { kind: 'code', language: 'ts', text: 'const a = "`"' },
      { kind: 'quote', text: 'said\ntwice' },
      { kind: 'table', head: ['a', 'b'], rows: [['1', '2']] },
      { kind: 'rule' },
    ])
  })

  it('a fence that is still open holds all that follows', () => {
    expect(blocksOf('```\nlet x\n\n# no heading')).toEqual([
      { kind: 'code', language: '', text: 'let x\n\n# no heading' },
    ])
  })

  it('a line of a machine is no prose', () => {
    const [block] = blocksOf('*'.repeat(1_000_000))
    expect(block?.kind).toBe('code')
  })

  it('loses no word of a text that grows', () => {
    const text = 'Say **this** and\n\n- one\n- two\n\n```\ncode\n```\nend'
    for (let n = 1; n <= text.length; n++)
      expect(JSON.stringify(blocksOf(text.slice(0, n))).length).toBeGreaterThan(2)
  })
})

describe('inline', () => {
  it('reads emphasis, code and links', () => {
    expect(inlineOf('a **b** _c_ `d*` ~~e~~ [f](https://x.test/a_(b)) snake_case_name')).toEqual([
      { kind: 'text', text: 'a ' },
      { kind: 'strong', inside: [{ kind: 'text', text: 'b' }] },
      { kind: 'text', text: ' ' },
      { kind: 'em', inside: [{ kind: 'text', text: 'c' }] },
      { kind: 'text', text: ' ' },
      { kind: 'code', text: 'd*' },
      { kind: 'text', text: ' ' },
      { kind: 'strike', inside: [{ kind: 'text', text: 'e' }] },
      { kind: 'text', text: ' ' },
      { kind: 'link', href: 'https://x.test/a_(b)', inside: [{ kind: 'text', text: 'f' }] },
      { kind: 'text', text: ' snake_case_name' },
    ])
  })

  it('finds bare addresses, without the point behind them', () => {
    expect(inlineOf('see https://x.test/a.')).toEqual([
      { kind: 'text', text: 'see ' },
      {
        kind: 'link',
        href: 'https://x.test/a',
        inside: [{ kind: 'text', text: 'https://x.test/a' }],
      },
      { kind: 'text', text: '.' },
    ])
  })

  it('a mark without its partner is a letter', () => {
    for (const text of ['2 * 3 * 4', '**open', '`open', '[a](b', '[a]', '_x', '~~y', '<script>'])
      expect(inlineOf(text)).toEqual([{ kind: 'text', text }])
  })

  it('lets only harmless addresses be links', () => {
    expect(safeHref('https://a.test')).toBe('https://a.test/')
    expect(safeHref('mailto:a@b.test')).toBe('mailto:a@b.test')
    for (const href of [
      'javascript:alert(1)',
      ' JAVASCRIPT:alert(1)',
      'data:text/html,x',
      '/x',
      '',
    ])
      expect(safeHref(href)).toBeNull()
  })

  it('reads twenty thousand marks in one go', () => {
    for (const mark of ['*', '_', '[', '`', '~~', '![', '**a', '[a](', '\\'])
      expect(inlineOf(mark.repeat(20_000)).length).toBeGreaterThan(0)
  })
})
