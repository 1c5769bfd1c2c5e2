/**
 * The shape of the house: who may import whom, which words are not used, and what has grown large.
 * An exception is a line in this file with its reason.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Facts } from '../src/kernel/event.ts'

const ROOT = resolve(import.meta.dirname, '..')
const SRC = join(ROOT, 'src')

interface Source {
  /** Relative to src, with forward slashes. */
  path: string
  text: string
  lines: string[]
}

const sources: Source[] = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
  .map((path) => path.replaceAll('\\', '/'))
  .sort()
  .map((path) => {
    const text = readFileSync(join(SRC, path), 'utf8')
    return { path, text, lines: text.split('\n') }
  })
const product = sources.filter((s) => !s.path.endsWith('.test.ts'))

/** The folder a file belongs to; a dialect is a folder of its own. */
function houseOf(path: string): string {
  const [first, second] = path.split('/')
  if (first === 'dialects') return `dialects/${second}`
  return path.includes('/') ? (first as string) : path
}

/**
 * The files that tie everything together. They are more than one because `main.ts` may load nothing
 * heavy: `--version` and the commands that talk to a server must answer at once.
 */
const TIES = ['main.ts', 'serve.ts', 'examine.ts', 'compose.ts', 'parts.ts']

/** What each folder may import beside itself. */
function mayImport(house: string): string[] {
  if (TIES.includes(house)) return ['*']
  if (house === 'kernel') return []
  if (house === 'server') return ['kernel', 'wire', 'access']
  if (house.startsWith('dialects/')) return ['kernel', 'wire']
  return ['kernel']
}

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s[^'"]*?from\s+['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)import\s+['"]([^'"]+)['"]/g

const importsOf = (source: Source): string[] =>
  [...source.text.matchAll(IMPORT)].map((m) => (m[1] ?? m[2] ?? m[3]) as string)

const packageOf = (name: string): string =>
  name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/')

/** Packages that more than one folder needs, each with its reason. */
const SHARED_PACKAGES: Record<string, string> = {
  zod: 'schemas are written where the thing they describe is: routes, agent files, tool inputs',
}

describe('the shape of the house', () => {
  it('imports form a star', () => {
    const wrong: string[] = []
    for (const source of product) {
      const house = houseOf(source.path)
      const allowed = mayImport(house)
      for (const name of importsOf(source).filter((n) => n.startsWith('.'))) {
        const target = relative(SRC, resolve(SRC, dirname(source.path), name)).replaceAll('\\', '/')
        const other = houseOf(target)
        if (other !== house && !allowed.includes('*') && !allowed.includes(other))
          wrong.push(`${source.path} imports ${target}`)
      }
    }
    expect(wrong).toEqual([])
  })

  it('a file of our own is loaded late in one place only', () => {
    // main.ts loads the server only for `serve` and `doctor`; everything else is small and fast.
    const late = product.filter(
      (s) => /\bawait import\(\s*['"]\./.test(s.text) && s.path !== 'main.ts',
    )
    expect(late.map((s) => s.path)).toEqual([])
  })

  it('a third-party package is imported in one folder only', () => {
    const users = new Map<string, Set<string>>()
    for (const source of product) {
      for (const name of importsOf(source)) {
        if (name.startsWith('.') || name.startsWith('node:')) continue
        const houses = users.get(packageOf(name)) ?? new Set()
        users.set(packageOf(name), houses.add(houseOf(source.path)))
      }
    }
    const many = [...users].filter(([name, houses]) => houses.size > 1 && !SHARED_PACKAGES[name])
    expect(many.map(([name, houses]) => `${name}: ${[...houses].join(', ')}`)).toEqual([])
    expect([...(users.get('kernel') ?? [])]).toEqual([])
  })

  it('the kernel is pure', () => {
    const impure = /\b(Date\.now|Math\.random|new Date\(\)|setTimeout|process\.|node:|crypto\.)/
    const wrong = product.filter((s) => houseOf(s.path) === 'kernel' && impure.test(s.text))
    expect(wrong.map((s) => s.path)).toEqual([])
  })

  it('settings are read in one file', () => {
    const wrong = product.filter(
      (s) => /process\.(env|argv)\b/.test(s.text) && s.path !== 'cli/config.ts',
    )
    expect(wrong.map((s) => s.path)).toEqual([])
  })

  it('names say what a thing is', () => {
    const forbidden = /^(utils?|helpers?|common|misc|manager|service|base|impl|handlers?)$/
    const words = (path: string): string[] => path.replace(/\.ts$/, '').split(/[/.-]/)
    const files = sources.filter((s) => words(s.path).some((w) => forbidden.test(w)))
    expect(files.map((s) => s.path)).toEqual([])
    const name =
      /export\s+(?:class|function|const|interface|type)\s+(\w*(?:Utils?|Helpers?|Manager|Service|Impl|Base)\b)/
    const exported = product.flatMap((s) =>
      name.exec(s.text) ? [`${s.path}: ${name.exec(s.text)?.[1]}`] : [],
    )
    expect(exported).toEqual([])
  })

  it('a fact is named only where the compiler knows the vocabulary, and never in a handler', () => {
    const names: Record<keyof Facts, true> = {
      ...{ 'thread.opened': true, 'thread.changed': true, 'thread.rewound': true, note: true },
      ...{ 'run.created': true, 'run.edited': true, 'run.moved': true, 'run.started': true },
      ...{ 'run.steered': true, 'run.cancelling': true, 'run.ended': true, 'turn.started': true },
      ...{ 'text.delta': true, 'thinking.delta': true, 'call.begun': true, 'call.delta': true },
      ...{ 'run.switched': true, 'run.recovered': true, 'hook.ended': true },
      ...{ 'turn.answered': true, 'turn.interrupted': true, 'turn.ended': true },
      ...{ 'ask.opened': true, 'ask.settled': true, 'tool.started': true, 'tool.progressed': true },
      ...{ 'tool.ended': true, 'child.started': true, 'child.ended': true },
      ...{ 'child.asked': true, 'child.settled': true },
      ...{ 'context.compacting': true, 'context.compacted': true, 'context.uncompacted': true },
    }
    const wrong = product
      .filter((s) => houseOf(s.path) !== 'kernel')
      .filter((s) => isHandler(s.path) || !importsOf(s).some((n) => n.endsWith('/event.ts')))
      .flatMap((s) =>
        Object.keys(names)
          .filter(
            (n) => n !== 'note' && new RegExp(`['"\`]${n.replace('.', '\\.')}['"\`]`).test(s.text),
          )
          .map((n) => `${s.path}: ${n}`),
      )
    expect(wrong).toEqual([])
  })

  it('the console takes types of the kernel, and nothing else of the server', () => {
    const web = join(ROOT, 'web', 'src')
    const wrong = readdirSync(web, { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.tsx?$/.test(path))
      .flatMap((path) => {
        const text = readFileSync(join(web, path), 'utf8')
        return [...text.matchAll(/(?:import|export)(\s+type)?\s[^'"]*?from\s+'(\.[^']+)'/g)]
          .filter(([, isType, name]) => {
            const target = resolve(web, dirname(path), name as string)
            const isOwn = target.startsWith(web)
            return !isOwn && !(isType && target.startsWith(join(SRC, 'kernel')))
          })
          .map(([, , name]) => `${path} imports ${name}`)
      })
    expect(wrong).toEqual([])
  })

  it('has no barrel and no default export', () => {
    const barrel = product.filter((s) => /^export \* from/m.test(s.text))
    const fallback = product.filter((s) => /^export default/m.test(s.text))
    expect([...barrel, ...fallback].map((s) => s.path)).toEqual([])
  })

  it('prints what has grown large', () => {
    const files = product.map((s) => ({ name: s.path, lines: s.lines.length }))
    const functions = product.flatMap(functionsOf)
    const top = (list: { name: string; lines: number }[]): string =>
      list
        .sort((a, b) => b.lines - a.lines)
        .slice(0, 10)
        .map((x) => `${String(x.lines).padStart(6)}  ${x.name}`)
        .join('\n')
    console.info(`largest files\n${top(files)}\nlargest functions\n${top(functions)}`)
    expect(files.length).toBeGreaterThan(0)
  })
})

const isHandler = (path: string): boolean =>
  /^dialects\/.*\/(routes|faults|schema)[\w-]*\.ts$/.test(path)

/** Functions and methods by their indentation; near enough to know where to look. */
function functionsOf(source: Source): { name: string; lines: number }[] {
  const found: { name: string; lines: number }[] = []
  const head =
    /^(\s*)(?:export\s+)?(?:async\s+)?(?:function\*?\s+(\w+)|(?:static\s+)?(?:async\s+)?\*?(#?\w+)\s*(?:<[^>]*>)?\([^;]*\)[^;=]*\{$)/
  source.lines.forEach((line, at) => {
    const match = head.exec(line)
    const name = match?.[2] ?? match?.[3]
    if (!match || !name || /^(if|for|while|switch|catch|return)$/.test(name)) return
    const close = `${match[1]}}`
    const length = source.lines.slice(at).findIndex((l) => l === close || l.startsWith(`${close})`))
    if (length > 0) found.push({ name: `${source.path} ${name}`, lines: length + 1 })
  })
  return found
}
