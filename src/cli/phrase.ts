/** Short lines for a terminal: a tool call, its outcome, what is asked, what it cost. All pure. */

import type { AskBody, Ruling } from '../kernel/event.ts'
import type { Json, Outcome } from '../kernel/part.ts'
import { totalTokens, type Usage } from '../kernel/usage.ts'
import { harmless, oneLine, type Paint } from './terminal.ts'

export interface PrintStyle {
  paint: Paint
  columns: number
}

export const dim = (style: PrintStyle, text: string): string => {
  const indent = /^ */.exec(text)?.[0] ?? ''
  return style.paint.dim(indent + oneLine(text, style.columns - indent.length))
}

/** Said in full: what went wrong must be readable to its end. */
export const warning = (style: PrintStyle, text: string): string =>
  style.paint.yellow(`! ${harmless(text).trim()}`)

/** What a person said, as it stands behind the prompt. */
export const userLines = (style: PrintStyle, text: string): string[] =>
  harmless(text)
    .split('\n')
    .map((line, i) => style.paint.bold(i === 0 ? `> ${line}` : `  ${line}`))

export function callLine(style: PrintStyle, tool: string, input: Json): string {
  const name = harmless(tool)
  const rest = oneLine(inputText(input), Math.max(style.columns - name.length - 4, 10))
  return `${style.paint.cyan('●')} ${style.paint.bold(name)} ${rest}`.trimEnd()
}

/** A single field is said by its value, several with their names. */
function inputText(input: Json): string {
  if (input === null) return ''
  if (typeof input !== 'object') return String(input)
  const fields = Object.entries(input)
  const say = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value))
  const [only] = fields
  if (fields.length === 1 && only) return say(only[1])
  return fields.map(([name, value]) => `${name}=${say(value)}`).join(' ')
}

const MARKS: Record<Outcome, string> = {
  ok: '✓',
  failed: '✗',
  denied: '✗',
  cancelled: '✗',
  unknown: '?',
}

export function outcomeLine(
  style: PrintStyle,
  ended: { tool: string; outcome: Outcome; output: string; durationMs: number },
): string {
  const { paint, columns } = style
  const tint = ended.outcome === 'ok' ? paint.green : paint.red
  const lines = ended.output.trim().split('\n')
  const more = lines.length > 1 ? ` (+${lines.length - 1} lines)` : ''
  const time = ended.durationMs >= 1000 ? ` ${(ended.durationMs / 1000).toFixed(1)} s` : ''
  const first = oneLine(lines[0] || ended.outcome, Math.max(columns - 4 - more.length - 8, 10))
  return `  ${tint(MARKS[ended.outcome])} ${paint.dim(first + more + time)}`
}

/** What is asked, without the keys that answer it: those are the prompt's. */
export function askLines(style: PrintStyle, body: AskBody): string[] {
  const { paint } = style
  switch (body.kind) {
    case 'approval':
      return body.calls.map((c) => {
        const about = c.subject || inputText(c.input)
        const text = oneLine(`Allow ${c.tool} ${about}`.trim(), style.columns * 3)
        return `${paint.yellow('?')} ${text}?${c.reason ? paint.dim(` (${harmless(c.reason)})`) : ''}`
      })
    case 'recovery':
      return body.calls.map((c) => {
        const about = oneLine(`${c.tool} ${c.subject}`, style.columns)
        return `${paint.yellow('?')} ${about}: it had begun when the server stopped. Run it again?`
      })
    case 'limit': {
      const { limitUsd, spentUsd } = body
      return [
        `${paint.yellow('?')} ${money(spentUsd)} of ${money(limitUsd)} are spent. Raise the limit?`,
      ]
    }
    case 'question': {
      const { text, options = [] } = body.question
      const choices = options.map((o, i) => {
        const about = o.about ? paint.dim(` ${harmless(o.about)}`) : ''
        return `  ${i + 1}) ${harmless(o.label)}${about}`
      })
      return [`${paint.yellow('?')} ${harmless(text)}`, ...choices]
    }
  }
}

export function settledLine(
  style: PrintStyle,
  settled: {
    how: 'answered' | 'expired' | 'cancelled'
    rulings: Record<string, Ruling>
    answer?: Json
    limitUsd?: number
  },
): string {
  if (settled.how === 'expired') return warning(style, 'nobody answered in time')
  if (settled.how === 'cancelled') return dim(style, '  no longer asked')
  if (settled.limitUsd !== undefined)
    return dim(style, `  the limit is now ${money(settled.limitUsd)}`)
  if (settled.answer !== undefined) return dim(style, `  answered: ${inputText(settled.answer)}`)
  const rulings = Object.values(settled.rulings)
  const refused = rulings.find((ruling) => !ruling.allow)
  if (!refused) return dim(style, '  allowed')
  return dim(style, refused.reason ? `  refused: ${refused.reason}` : '  refused')
}

/** Nothing for what used nothing; a price only where it is known and not nought. */
export function spentLine(style: PrintStyle, usage: Usage): string[] {
  const tokens = totalTokens(usage)
  if (tokens === 0) return []
  const price = usage.costUsd ? `, ${money(usage.costUsd)}` : ''
  return [dim(style, `${tokens.toLocaleString('en')} tokens${price}`)]
}

export const money = (usd: number): string =>
  usd === 0 ? '$0' : `$${usd.toFixed(usd < 0.1 ? 4 : 2)}`
