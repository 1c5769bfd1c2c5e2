/**
 * What stands within a line: emphasis, code, links. A mark without its partner is a letter like any
 * other. Looks for every kind of partner at most once in vain, so that no text takes long. Pure.
 */

export type Inline =
  | { kind: 'text'; text: string }
  | { kind: 'code'; text: string }
  | { kind: 'strong' | 'em' | 'strike'; inside: Inline[] }
  | { kind: 'link'; href: string; inside: Inline[] }
  | { kind: 'image'; src: string; alt: string }

const DEEPEST = 6
const SPECIAL = /[\\`*_~![<h]/g

export const inlineOf = (text: string): Inline[] => read(text, 0)

function read(text: string, depth: number): Inline[] {
  const found: Inline[] = []
  const missing = new Set<string>()
  let plain = ''
  let at = 0
  const put = (inline: Inline, next: number) => {
    if (plain !== '') found.push({ kind: 'text', text: plain })
    plain = ''
    found.push(inline)
    at = next
  }
  while (at < text.length) {
    SPECIAL.lastIndex = at
    const next = SPECIAL.exec(text)?.index ?? text.length
    plain += text.slice(at, next)
    at = next
    if (at >= text.length) break
    if (text[at] === '\\' && /[!-/:-@[-`{-~]/.test(text[at + 1] ?? '')) {
      plain += text[at + 1]
      at += 2
      continue
    }
    const hit = depth < DEEPEST ? inlineAt(text, at, depth, missing) : null
    if (hit) put(hit[0], hit[1])
    else {
      // Ticks without their partners are letters all together, not one after the other.
      const end = text[at] === '`' ? endOfTicks(text, at) : at + 1
      plain += text.slice(at, end)
      at = end
    }
  }
  if (plain !== '') found.push({ kind: 'text', text: plain })
  return found
}

type Hit = [Inline, number] | null

function inlineAt(text: string, at: number, depth: number, missing: Set<string>): Hit {
  switch (text[at]) {
    case '`':
      return code(text, at, missing)
    case '*':
    case '_':
    case '~':
      return emphasis(text, at, depth, missing)
    case '!':
      return text[at + 1] === '[' ? link(text, at + 1, depth, missing, true) : null
    case '[':
      return link(text, at, depth, missing, false)
    case '<':
    case 'h':
      return address(text, at)
    default:
      return null
  }
}

/** The next place of a mark; what was once not found is not looked for again. */
function find(text: string, mark: string, from: number, missing: Set<string>): number {
  if (missing.has(mark)) return -1
  const at = text.indexOf(mark, from)
  if (at < 0) missing.add(mark)
  return at
}

function endOfTicks(text: string, at: number): number {
  let end = at
  while (text[end] === '`') end++
  return end
}

function code(text: string, at: number, missing: Set<string>): Hit {
  const from = endOfTicks(text, at)
  const mark = text.slice(at, from)
  let end = find(text, mark, from, missing)
  while (end >= 0 && text[end + mark.length] === '`') {
    while (text[end] === '`') end++
    end = find(text, mark, end, missing)
  }
  if (end < 0) return null
  const inside = text.slice(from, end)
  const isPadded = inside.startsWith(' ') && inside.endsWith(' ') && inside.trim() !== ''
  return [{ kind: 'code', text: isPadded ? inside.slice(1, -1) : inside }, end + mark.length]
}

const isWord = (c: string | undefined): boolean => c !== undefined && /[\p{L}\p{N}]/u.test(c)
const isSpace = (c: string | undefined): boolean => c === undefined || /\s/.test(c)

function emphasis(text: string, at: number, depth: number, missing: Set<string>): Hit {
  const sign = text[at] as string
  const isDouble = text[at + 1] === sign
  if (sign === '~' && !isDouble) return null
  const mark = isDouble ? sign + sign : sign
  const from = at + mark.length
  if (isSpace(text[from]) || (sign === '_' && isWord(text[at - 1]))) return null
  let end = find(text, mark, from, missing)
  while (end >= 0) {
    const isClose = !isSpace(text[end - 1]) && !(sign === '_' && isWord(text[end + mark.length]))
    const isOfDouble = !isDouble && (text[end + 1] === sign || text[end - 1] === sign)
    if (isClose && !isOfDouble && end > from) break
    end = find(text, mark, end + (isOfDouble ? 2 : 1), missing)
  }
  if (end < 0) return null
  const kind = sign === '~' ? 'strike' : isDouble ? 'strong' : 'em'
  return [{ kind, inside: read(text.slice(from, end), depth + 1) }, end + mark.length]
}

function link(
  text: string,
  at: number,
  depth: number,
  missing: Set<string>,
  isImage: boolean,
): Hit {
  const middle = find(text, '](', at + 1, missing)
  if (middle < 0) return null
  const words = text.slice(at + 1, middle)
  if (words.includes('\n\n') || words.length > 2000) return null
  let end = find(text, ')', middle + 2, missing)
  // An address may hold one pair of parentheses.
  if (end >= 0 && text.slice(middle + 2, end).includes('(')) end = text.indexOf(')', end + 1)
  if (end < 0) return null
  const target = text.slice(middle + 2, end).trim()
  const href = target.replace(/\s+["'(].*$/s, '').replace(/^<|>$/g, '')
  if (isImage) return [{ kind: 'image', src: href, alt: words }, end + 1]
  return [{ kind: 'link', href, inside: read(words, depth + 1) }, end + 1]
}

const ADDRESS = /<?(https?:\/\/[^\s<>"'`]+)>?/y

function address(text: string, at: number): Hit {
  if (text[at] === 'h' && isWord(text[at - 1])) return null
  ADDRESS.lastIndex = at
  const match = ADDRESS.exec(text)
  if (!match) return null
  const whole = match[1] as string
  const isBracketed = text[at] === '<'
  const href = isBracketed ? whole : whole.replace(/[.,;:!?*_~)\]]+$/, '')
  const next = isBracketed ? at + match[0].length : at + href.length
  return [{ kind: 'link', href, inside: [{ kind: 'text', text: href }] }, next]
}

/** Addresses that a link may have; everything else stays text. */
export function safeHref(href: string): string | null {
  try {
    const { protocol, href: whole } = new URL(href)
    return ['http:', 'https:', 'mailto:'].includes(protocol) ? whole : null
  } catch {
    return null
  }
}
