/**
 * How statements are made: values that both databases can hold, texts that are made once, many rows
 * in few statements, conditions with numbered parameters.
 */

import type { Statement, Value } from './db.ts'

/** How many rows one statement takes; few sizes, so that few statements are prepared. */
const SIZES = [64, 16, 4, 1]

/** Numbers are whole and safe, texts have no NUL: what both databases can hold. */
export function clean(value: Value | undefined): Value {
  if (typeof value === 'string')
    return value.includes('\0') ? value.replaceAll('\0', '\ufffd') : value
  if (typeof value !== 'number') return value ?? null
  if (Number.isNaN(value)) return 0
  const most = Number.MAX_SAFE_INTEGER
  return Math.min(most, Math.max(-most, Math.round(value)))
}

export const statement = (text: string, ...params: Value[]): Statement => ({
  text,
  params: params.map(clean),
})

const texts = new Map<string, string>()

/** The same text is made once: drivers keep what they prepared by it. */
function once(key: string, make: () => string): string {
  const known = texts.get(key)
  if (known !== undefined) return known
  const made = make()
  texts.set(key, made)
  return made
}

/** `($1, $2), ($3, $4)` for two rows of two columns. */
export const tuples = (rows: number, columns: number): string =>
  Array.from({ length: rows }, (_, r) => {
    const cells = Array.from({ length: columns }, (_, c) => `$${r * columns + c + 1}`)
    return `(${cells.join(', ')})`
  }).join(', ')

function inSizes<T>(items: T[]): T[][] {
  const parts: T[][] = []
  let from = 0
  while (from < items.length) {
    const size = SIZES.find((s) => s <= items.length - from) as number
    parts.push(items.slice(from, from + size))
    from += size
  }
  return parts
}

/** One statement for many rows, as few times as its sizes allow. `first` are parameters of each. */
export const inParts = (
  name: string,
  rows: Value[][],
  textFor: (rows: number) => string,
  first: Value[] = [],
): Statement[] =>
  inSizes(rows).map((part) => {
    const text = once(`${name} ${part.length}`, () => textFor(part.length))
    return statement(text, ...first, ...part.flat())
  })

export const alone = (value: Value): Value[] => [value]

export interface Target {
  table: string
  columns: string[]
  /** Columns of the key; a row that has the same is replaced. Null: there is never one. */
  key: string[] | null
}

export const inserts = (target: Target, rows: Value[][]): Statement[] =>
  inParts(`insert ${target.table}`, rows, (n) => insertText(target, n))

function insertText({ table, columns, key }: Target, rows: number): string {
  const head = `insert into ${table} (${columns.join(', ')}) values ${tuples(rows, columns.length)}`
  if (!key) return head
  const changed = columns.filter((c) => !key.includes(c)).map((c) => `${c} = excluded.${c}`)
  return `${head} on conflict (${key.join(', ')}) do update set ${changed.join(', ')}`
}

/** Conditions that are joined by `and`, with their parameters numbered as they come. */
export class Where {
  readonly params: Value[] = []
  readonly #conditions: string[] = []

  /** `?` stands for the value; without a value there is no condition. */
  add(condition: string, value: Value | undefined): this {
    if (value === undefined) return this
    this.params.push(value)
    this.#conditions.push(condition.replaceAll('?', `$${this.params.length}`))
    return this
  }

  oneOf(column: string, values: Value[] | undefined): this {
    if (values === undefined) return this
    const first = this.params.length + 1
    this.params.push(...values)
    const marks = values.map((_, i) => `$${first + i}`)
    this.#conditions.push(marks.length > 0 ? `${column} in (${marks.join(', ')})` : '1 = 0')
    return this
  }

  /** Rows that come after one with these values when the greatest is first. */
  below(columns: string[], values: Value[]): this {
    const first = this.params.length + 1
    this.params.push(...values)
    const marks = values.map((_, i) => `$${first + i}`)
    return this.bare(`(${columns.join(', ')}) < (${marks.join(', ')})`)
  }

  bare(condition: string): this {
    this.#conditions.push(condition)
    return this
  }

  get text(): string {
    return this.#conditions.length > 0 ? `where ${this.#conditions.join(' and ')}` : ''
  }
}
