/** Colours and widths of a terminal. Text from models and tools is cleaned before it is shown. */

import { stripVTControlCharacters } from 'node:util'

export interface Paint {
  dim(text: string): string
  bold(text: string): string
  red(text: string): string
  green(text: string): string
  yellow(text: string): string
  cyan(text: string): string
}

const sgr = (on: number, off: number) => (text: string) =>
  text === '' ? '' : `\u001b[${on}m${text}\u001b[${off}m`

const plain = (text: string): string => text

export const createPaint = (colour: boolean): Paint => ({
  dim: colour ? sgr(2, 22) : plain,
  bold: colour ? sgr(1, 22) : plain,
  red: colour ? sgr(31, 39) : plain,
  green: colour ? sgr(32, 39) : plain,
  yellow: colour ? sgr(33, 39) : plain,
  cyan: colour ? sgr(36, 39) : plain,
})

/** A model or a tool must not be able to drive the terminal: escape sequences go, layout stays. */
export const harmless = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about.
  stripVTControlCharacters(text).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '')

/** Columns a character takes: none for marks that combine, two for East Asian wide ones and emoji. */
function widthOf(char: string): number {
  if (/\p{Mark}|\u200d|\ufe0f/u.test(char)) return 0
  return /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u.test(
    char,
  )
    ? 2
    : 1
}

export const textWidth = (text: string): number =>
  [...text].reduce((sum, char) => sum + widthOf(char), 0)

/** The text on one line, in at most so many columns; what is cut is marked by an ellipsis. */
export function oneLine(text: string, columns: number): string {
  const flat = harmless(text).replace(/\s+/g, ' ').trim()
  if (textWidth(flat) <= columns) return flat
  let kept = ''
  let width = 1
  for (const char of flat) {
    width += widthOf(char)
    if (width > columns) break
    kept += char
  }
  return `${kept.trimEnd()}…`
}

/** Rows under a head, each column as wide as its widest cell; the last one gets the rest. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows]
  const widths = head.map((_, i) => Math.max(...lines.map((line) => textWidth(line[i] ?? ''))))
  return lines
    .map((line) =>
      line
        .map((cell, i) => cell + ' '.repeat((widths[i] ?? 0) - textWidth(cell)))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('')
}
