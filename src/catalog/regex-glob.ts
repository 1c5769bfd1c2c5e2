/**
 * Regular expressions as globs. What an expression matches is always matched by one of its globs;
 * they may match more. That is the right side to err on, since only denials are written this way.
 */

/** More alternatives than this are told as "anything". */
const MOST = 64
const ANY = ['*']

/** The globs, or null when the expression is not valid or has nothing to hold on to. */
export function regexGlobs(source: string): string[] | null {
  try {
    new RegExp(source)
  } catch {
    return null
  }
  const globs = readAlternatives({ source, at: 0 }, true).map((g) => g.replace(/\*{2,}/g, '*'))
  return globs.some((g) => g === '*' || g === '') ? null : [...new Set(globs)]
}

interface Cursor {
  source: string
  at: number
}

/** Reads `a|b|c` up to the end or a closing parenthesis. Only the outermost is tied to the ends. */
function readAlternatives(cursor: Cursor, isOutermost: boolean): string[] {
  const found: string[] = []
  for (;;) {
    found.push(...readSequence(cursor, isOutermost))
    if (cursor.source[cursor.at] !== '|') break
    cursor.at++
  }
  return found.length > MOST ? ANY : found
}

function readSequence(cursor: Cursor, isOutermost: boolean): string[] {
  const begins = cursor.source[cursor.at] === '^'
  let globs = [isOutermost && !begins ? '*' : '']
  let endsHere = false
  while (cursor.at < cursor.source.length && !'|)'.includes(cursor.source[cursor.at] as string)) {
    endsHere = cursor.source[cursor.at] === '$'
    globs = product(globs, repeat(cursor, readAtom(cursor)))
  }
  return isOutermost && !endsHere ? product(globs, ANY) : globs
}

function product(heads: string[], tails: string[]): string[] {
  if (heads.length * tails.length > MOST) return product(heads.length > 1 ? ANY : heads, ANY)
  return heads.flatMap((h) => tails.map((t) => h + t))
}

/** Applies the quantifier that follows the atom, if one does. */
function repeat(cursor: Cursor, atom: string[]): string[] {
  const found = /^(?:[*+?]|\{(\d+)(?:,\d*)?\})/.exec(cursor.source.slice(cursor.at))
  if (!found) return atom
  cursor.at += found[0].length
  if (cursor.source[cursor.at] === '?') cursor.at++
  if (found[0] === '?') return [...atom, '']
  const isAtLeastOnce = found[0] === '+' || Number(found[1] ?? 0) > 0
  return isAtLeastOnce ? product(atom, ANY) : ANY
}

function readAtom(cursor: Cursor): string[] {
  const char = cursor.source[cursor.at++] as string
  if (char === '^' || char === '$') return ['']
  if (char === '.') return ANY
  if (char === '[') return readClass(cursor)
  if (char === '(') return readGroup(cursor)
  return char === '\\' ? readEscape(cursor) : [char]
}

function readEscape(cursor: Cursor): string[] {
  const char = cursor.source[cursor.at++] as string
  if (char === 'b' || char === 'B') return ['']
  if (/[a-z0-9]/i.test(char)) {
    // Classes, code points and back references: whatever they stand for, a star covers it.
    cursor.at += escapeLength(char, cursor)
    return ANY
  }
  return [char]
}

/** How much more belongs to the escape that begins with this character. */
function escapeLength(char: string, cursor: Cursor): number {
  const form = /\d/.test(char) ? /^\d*/ : /^(?:\{[^}]*\}|<[^>]*>|[0-9A-Fa-f]{1,4}|[A-Za-z])?/
  if (!/[\dxuckpP]/.test(char)) return 0
  return form.exec(cursor.source.slice(cursor.at))?.[0].length ?? 0
}

/** `[;&|]` is each of its characters; a class with ranges, escapes or a negation is anything. */
function readClass(cursor: Cursor): string[] {
  let end = cursor.at
  while (cursor.source[end] !== ']') end += cursor.source[end] === '\\' ? 2 : 1
  const inside = cursor.source.slice(cursor.at, end)
  cursor.at = end + 1
  return inside === '' || inside.length > 16 || /[\\^-]/.test(inside) ? ANY : inside.split('')
}

function readGroup(cursor: Cursor): string[] {
  const opening = /^\?(?:[:=!]|<[=!]|<[^>]*>)/.exec(cursor.source.slice(cursor.at))?.[0] ?? ''
  cursor.at += opening.length
  const globs = readAlternatives(cursor, false)
  cursor.at++
  // A look-around only narrows what the rest says, so leaving it out is wider.
  return /^\?<?[=!]/.test(opening) ? [''] : globs
}
