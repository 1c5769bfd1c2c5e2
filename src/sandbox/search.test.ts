import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Workspace } from '../kernel/workspace.ts'
import { compileGlob, globAccepts } from './glob.ts'
import { openWorkspace } from './workspace.ts'

let root: string
let workspace: Workspace

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'manifold-search-'))
  workspace = await openWorkspace(root)
  await workspace.write('src/a.ts', 'const a = 1\nexport { a }\n')
  await workspace.write('src/deep/b.ts', 'CONST b = 2\r\nfoo(b)\r\n')
  await workspace.write('src/c.md', '# const\n')
  await workspace.write('node_modules/x/index.ts', 'const hidden = 1\n')
  await workspace.write('bin.dat', Buffer.from('const\0'))
})

afterEach(async () => {
  await rm(root, { recursive: true, force: true })
})

const paths = async (pattern: string, path?: string): Promise<string[]> =>
  (await workspace.glob(pattern, { path })).paths

describe('glob', () => {
  test.each([
    ['*.ts', 'a.ts', true],
    ['*.ts', 'x/a.ts', false],
    ['**/*.ts', 'a.ts', true],
    ['**/*.ts', 'x/y/a.ts', true],
    ['src/**', 'src/x/y', true],
    ['src/**/z', 'src/z', true],
    ['a?c', 'abc', true],
    ['a?c', 'a/c', false],
    ['[a-c]x', 'bx', true],
    ['[!a-c]x', 'bx', false],
    ['[]]x', ']x', true],
    ['{a,b/c}.ts', 'b/c.ts', true],
    ['{a,{b,c}}d', 'cd', true],
    ['a{b', 'a{b', true],
    ['\\*', '*', true],
    ['\\*', 'x', false],
    ['*', 'a\u{1f600}b', true],
    ['a?b', 'a\u{1f600}b', true],
    [`${'*a'.repeat(200)}`, `${'a'.repeat(199)}b`, false],
    [`${'**/'.repeat(200)}x`, `${'a/'.repeat(50)}y`, false],
  ])('%s on %s is %s', (pattern, path, is) => {
    expect(globAccepts(compileGlob(pattern), path)).toBe(is)
  })

  test('refuses a pattern that stands for too many', () => {
    expect(() => compileGlob('{a,b}'.repeat(20))).toThrow('alternatives')
  })

  test('finds files in order, and what machines wrote only when it is named', async () => {
    await symlink(root, join(root, 'src/loop'))
    expect(await paths('**/*.ts')).toEqual(['src/a.ts', 'src/deep/b.ts'])
    expect(await paths('*.{ts,md}', 'src')).toEqual(['src/a.ts', 'src/c.md'])
    expect(await paths('node_modules/**/*.ts')).toEqual(['node_modules/x/index.ts'])
    expect(await paths('/workspace/src/*')).toEqual([
      'src/a.ts',
      'src/c.md',
      'src/deep/',
      'src/loop',
    ])
    expect(await workspace.glob('**', { limit: 2 })).toMatchObject({ partial: true })
  })
})

describe('grep', () => {
  const grep = async (pattern: string, options = {}): Promise<string[]> => {
    const { hits } = await workspace.grep(pattern, options)
    return hits.map((hit) => `${hit.path}:${hit.line}: ${hit.text}`)
  }

  test('finds words and patterns', async () => {
    expect(await grep('const')).toEqual(['src/a.ts:1: const a = 1', 'src/c.md:1: # const'])
    expect(await grep('^const \\w', { ignoreCase: true })).toEqual([
      'src/a.ts:1: const a = 1',
      'src/deep/b.ts:1: CONST b = 2',
    ])
    expect(await grep('(?i)^CONST\\s', { glob: '*.ts', path: 'src' })).toHaveLength(2)
    expect(await grep('\\)$', { path: 'src/deep/b.ts' })).toEqual(['src/deep/b.ts:2: foo(b)'])
    expect(await grep('const', { glob: 'src/*.md' })).toEqual(['src/c.md:1: # const'])
    expect((await workspace.grep('zzz')).skipped).toBe(1)
    expect(await workspace.grep('.', { limit: 2 })).toMatchObject({ partial: true })
  })

  test('tells what is wrong with a pattern', async () => {
    await expect(workspace.grep('(')).rejects.toMatchObject({ code: 'invalid' })
  })

  test('ends a pattern that would never end, and the server goes on meanwhile', async () => {
    await workspace.write('evil.txt', `${'a'.repeat(60)}!`)
    let ticks = 0
    const timer = setInterval(() => ticks++, 20)
    const work = workspace.grep('^(a+)+$', { path: 'evil.txt' })
    await expect(work).rejects.toMatchObject({ code: 'limited' })
    clearInterval(timer)
    expect(ticks).toBeGreaterThan(5)
    const controller = new AbortController()
    const aborted = workspace.grep('^(a+)+$', { path: 'evil.txt', signal: controller.signal })
    setTimeout(() => controller.abort(), 50)
    await expect(aborted).rejects.toMatchObject({ code: 'conflict' })
  })
})
