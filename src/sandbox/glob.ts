/**
 * File globs: `*`, `?`, `[a-z]`, `{a,b}` within a name, `**` over folders. A path is matched name by
 * name while it is walked, so a folder in which nothing can match is never entered, and no pattern
 * takes more than pattern times text.
 */

import { Fault } from '../kernel/fault.ts'

/** Where in the alternatives of a glob a walk may be. */
export type GlobState = readonly (readonly [alternative: number, segment: number])[]

export interface Glob {
  start: GlobState
  /** After one more name of the path. Empty: nothing below can match. */
  step(state: GlobState, name: string): GlobState
  /** Does the path so far match? */
  accepts(state: GlobState): boolean
}

const MAX_ALTERNATIVES = 256
const MAX_PATTERN = 1000

export function compileGlob(pattern: string): Glob {
  if (pattern === '' || pattern.length > MAX_PATTERN || pattern.includes('\0'))
    throw new Fault('invalid', `A glob must have 1 to ${MAX_PATTERN} characters.`)
  const alternatives = expand(pattern).map(segments)
  const close = (alternative: number, segment: number): GlobState => {
    const names = alternatives[alternative] as string[]
    const states: (readonly [number, number])[] = []
    for (let s = segment; ; s++) {
      states.push([alternative, s])
      if (names[s] !== '**') return states
    }
  }
  return {
    start: alternatives.flatMap((_, alternative) => close(alternative, 0)),
    step: (state, name) => {
      const seen = new Set<string>()
      return state
        .flatMap(([alternative, segment]) => {
          const names = alternatives[alternative] as string[]
          const wanted = names[segment]
          if (wanted === undefined) return []
          if (wanted === '**') return close(alternative, segment)
          return nameMatches(wanted, name) ? close(alternative, segment + 1) : []
        })
        .filter((at) => !seen.has(at.join()) && seen.add(at.join()))
    },
    accepts: (state) =>
      state.some(([alternative, segment]) => segment === alternatives[alternative]?.length),
  }
}

export const globAccepts = (glob: Glob, path: string): boolean =>
  glob.accepts(path.split('/').reduce(glob.step, glob.start))

const segments = (pattern: string): string[] =>
  pattern.split('/').filter((name) => name !== '' && name !== '.')

/** `a{b,c}` -> `ab`, `ac`. A brace that is never closed is itself. */
function expand(pattern: string): string[] {
  const done: string[] = []
  const todo = [pattern]
  while (todo.length > 0) {
    const next = todo.pop() as string
    const brace = firstBrace(next)
    if (brace) todo.push(...brace.choices.map((c) => brace.before + c + brace.after).reverse())
    else done.push(next)
    if (todo.length + done.length > MAX_ALTERNATIVES)
      throw new Fault('invalid', `The glob has more than ${MAX_ALTERNATIVES} alternatives.`)
  }
  return done
}

function firstBrace(pattern: string): { before: string; choices: string[]; after: string } | null {
  const open = pattern.indexOf('{')
  if (open < 0) return null
  const choices: string[] = []
  let depth = 0
  let from = open + 1
  for (let i = open; i < pattern.length; i++) {
    const c = pattern[i]
    if (c === '{') depth++
    if ((c === ',' && depth === 1) || (c === '}' && depth === 1)) {
      choices.push(pattern.slice(from, i))
      from = i + 1
    }
    if (c === '}' && --depth === 0) {
      const whole = { before: pattern.slice(0, open), choices, after: pattern.slice(i + 1) }
      return choices.length > 1 ? whole : null
    }
  }
  return null
}

/** Matches one name. Goes back to the last `*` only, which is enough. */
function nameMatches(pattern: string, name: string): boolean {
  const p = tokens(pattern)
  const n = [...name]
  let pi = 0
  let ni = 0
  let star = -1
  let mark = 0
  while (ni < n.length) {
    const token = p[pi]
    if (token === '*') {
      star = pi++
      mark = ni
    } else if (token?.(n[ni] as string)) {
      pi++
      ni++
    } else if (star >= 0) {
      pi = star + 1
      ni = ++mark
    } else return false
  }
  while (p[pi] === '*') pi++
  return pi === p.length
}

type Token = '*' | ((char: string) => boolean)

const compiled = new Map<string, Token[]>()

function tokens(pattern: string): Token[] {
  const known = compiled.get(pattern)
  if (known) return known
  if (compiled.size > 500) compiled.clear()
  const chars = [...pattern]
  const list: Token[] = []
  for (let i = 0; i < chars.length; i++) {
    const c = chars[i] as string
    const end = c === '[' ? chars.indexOf(']', i + (/[!^]/.test(chars[i + 1] ?? '') ? 3 : 2)) : -1
    if (c === '*') {
      if (list.at(-1) !== '*') list.push('*')
    } else if (c === '?') list.push(() => true)
    else if (end > 0) {
      list.push(charClass(chars.slice(i + 1, end)))
      i = end
    } else {
      const literal = c === '\\' && i + 1 < chars.length ? (chars[++i] as string) : c
      list.push((char) => char === literal)
    }
  }
  compiled.set(pattern, list)
  return list
}

function charClass(chars: string[]): (char: string) => boolean {
  const negated = chars[0] === '!' || chars[0] === '^'
  const members = negated ? chars.slice(1) : chars
  return (char) => {
    let found = false
    for (let i = 0; i < members.length; i++) {
      const from = members[i] as string
      const to =
        members[i + 1] === '-' && i + 2 < members.length ? (members[i + 2] as string) : from
      if (to !== from) i += 2
      if (char >= from && char <= to) found = true
    }
    return found !== negated
  }
}
