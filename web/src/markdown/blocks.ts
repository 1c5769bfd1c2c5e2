/**
 * Markdown's blocks: the part of CommonMark that models write, and nothing that could carry markup
 * through. Reads every line once; what is not understood is a paragraph. Pure.
 */

export type Block =
  | { kind: 'heading'; level: number; text: string }
  | { kind: 'paragraph'; text: string }
  | { kind: 'code'; language: string; text: string }
  | { kind: 'quote'; text: string }
  | { kind: 'list'; start: number | null; items: string[] }
  | { kind: 'table'; head: string[]; rows: string[][] }
  | { kind: 'rule' }

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^`]*)$/
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/
const RULE = /^ {0,3}(?:(?:\*\s*){3,}|(?:-\s*){3,}|(?:_\s*){3,})$/
const QUOTE = /^ {0,3}>\s?/
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])(?:\s+|$)(.*)$/
const DIVIDER = /^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/

/** No line of machines is prose beyond this. */
const LONGEST_LINE = 20_000

export function blocksOf(text: string): Block[] {
  const lines = text.replace(/\r\n?/g, '\n').split('\n')
  const blocks: Block[] = []
  let at = 0
  while (at < lines.length) {
    const line = lines[at] as string
    if (line.trim() === '') {
      at++
      continue
    }
    const [block, next] = line.length > LONGEST_LINE ? longLine(lines, at) : blockAt(lines, at)
    blocks.push(block)
    at = next
  }
  return blocks
}

type Found = [Block, number]

function blockAt(lines: string[], at: number): Found {
  const line = lines[at] as string
  const fence = FENCE.exec(line)
  if (fence) return code(lines, at, fence)
  const heading = HEADING.exec(line)
  if (heading) {
    const [, marks = '#', text = ''] = heading
    return [{ kind: 'heading', level: marks.length, text }, at + 1]
  }
  if (RULE.test(line)) return [{ kind: 'rule' }, at + 1]
  if (QUOTE.test(line)) return quote(lines, at)
  if (ITEM.test(line)) return list(lines, at)
  if (line.includes('|') && DIVIDER.test(lines[at + 1] ?? '') && lines[at + 1]?.includes('-'))
    return table(lines, at)
  return paragraph(lines, at)
}

const longLine = (lines: string[], at: number): Found => [
  { kind: 'code', language: '', text: lines[at] as string },
  at + 1,
]

/** Until its own fence; one that is never closed goes to the end, as it does while it is written. */
function code(lines: string[], at: number, [, fence = '', info = '']: RegExpExecArray): Found {
  const close = new RegExp(`^ {0,3}${fence[0]}{${fence.length},}\\s*$`)
  let end = at + 1
  while (end < lines.length && !close.test(lines[end] as string)) end++
  const text = lines.slice(at + 1, end).join('\n')
  return [{ kind: 'code', language: info.trim().split(/\s/)[0] ?? '', text }, end + 1]
}

function quote(lines: string[], at: number): Found {
  let end = at
  while (end < lines.length && QUOTE.test(lines[end] as string)) end++
  const text = lines
    .slice(at, end)
    .map((line) => line.replace(QUOTE, ''))
    .join('\n')
  return [{ kind: 'quote', text }, end]
}

function list(lines: string[], at: number): Found {
  const [, , mark = '-'] = ITEM.exec(lines[at] as string) as RegExpExecArray
  const isOrdered = /\d/.test(mark)
  const items: string[][] = []
  let end = at
  let width = 0
  while (end < lines.length) {
    const line = lines[end] as string
    const item = ITEM.exec(line)
    const isOwn = items.length === 0 || indentOf(line) < width
    const isOfList = item && isOwn && /\d/.test(item[2] as string) === isOrdered && !RULE.test(line)
    if (isOfList) {
      width = (item[1] as string).length + (item[2] as string).length + 1
      items.push([item[3] as string])
    } else if (line.trim() === '') {
      if (!continues(lines, end, width, isOrdered)) break
      items.at(-1)?.push('')
    } else if (indentOf(line) >= Math.min(width, 2) || isLazy(lines, end))
      items.at(-1)?.push(line.slice(Math.min(width, indentOf(line))))
    else break
    end++
  }
  const start = isOrdered ? Number.parseInt(mark, 10) : null
  return [{ kind: 'list', start, items: items.map((item) => item.join('\n').trimEnd()) }, end]
}

const indentOf = (line: string): number => line.length - line.trimStart().length

/** A blank line belongs to a list when the list goes on behind it. */
function continues(lines: string[], at: number, width: number, isOrdered: boolean): boolean {
  const next = lines.slice(at, at + 3).find((line) => line.trim() !== '')
  if (next === undefined) return false
  const item = ITEM.exec(next)
  if (item) return /\d/.test(item[2] as string) === isOrdered
  return indentOf(next) >= Math.min(width, 2)
}

/** Text right under an item goes on with it, unless it begins something else. */
const isLazy = (lines: string[], at: number): boolean =>
  (lines[at - 1] ?? '').trim() !== '' && !beginsBlock(lines[at] as string)

const beginsBlock = (line: string): boolean =>
  FENCE.test(line) || HEADING.test(line) || RULE.test(line) || QUOTE.test(line) || ITEM.test(line)

function table(lines: string[], at: number): Found {
  const head = cellsOf(lines[at] as string)
  let end = at + 2
  while (end < lines.length && (lines[end] as string).includes('|')) end++
  const rows = lines.slice(at + 2, end).map((line) => {
    const cells = cellsOf(line)
    return head.map((_, i) => cells[i] ?? '')
  })
  return [{ kind: 'table', head, rows }, end]
}

const cellsOf = (line: string): string[] =>
  line
    .trim()
    .replace(/^\||\|$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'))

function paragraph(lines: string[], at: number): Found {
  let end = at + 1
  while (end < lines.length) {
    const line = lines[end] as string
    if (line.trim() === '' || beginsBlock(line) || line.length > LONGEST_LINE) break
    end++
  }
  return [{ kind: 'paragraph', text: lines.slice(at, end).join('\n').trim() }, end]
}
