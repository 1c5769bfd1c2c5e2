/**
 * Index rows as columns and back. Each table names every field of its row with how it is kept, so a
 * field that the kernel adds breaks the build here. Money is kept in whole nano-dollars.
 */

import type { Json } from '../kernel/part.ts'
import type { AskRow, RunRow, ThreadRow, UsageRow } from '../kernel/rows.ts'
import type { Usage } from '../kernel/usage.ts'
import type { Row, Value } from './db.ts'

/** `plain`: text or number as it is. `flag`: 0 or 1. `json`: as text. `usage`: five columns. */
type Kept = 'plain' | 'flag' | 'json' | 'usage'

export interface Table<T> {
  columns: string[]
  write(row: T): Value[]
  read(row: Row): T
}

const NANO = 1e9

const USAGE_COLUMNS = [
  'input_tokens',
  'output_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'cost_nano',
]

const writeUsage = (u: Usage): Value[] => [
  u.inputTokens,
  u.outputTokens,
  u.cacheReadTokens,
  u.cacheWriteTokens,
  u.costUsd === null ? null : Math.round(u.costUsd * NANO),
]

export const readUsage = (row: Row): Usage => ({
  inputTokens: row.input_tokens as number,
  outputTokens: row.output_tokens as number,
  cacheReadTokens: row.cache_read_tokens as number,
  cacheWriteTokens: row.cache_write_tokens as number,
  costUsd: row.cost_nano === null ? null : (row.cost_nano as number) / NANO,
})

const snake = (name: string): string => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)

/** `derived` columns are computed from the row when it is written, for statements to look at. */
function table<T>(
  kept: Record<keyof T & string, Kept>,
  derived: Record<string, (row: T) => Value> = {},
): Table<T> {
  const fields = (Object.entries(kept) as [keyof T & string, Kept][]).map(
    ([name, how]) => [name, how, snake(name)] as const,
  )
  const own = fields.flatMap(([, how, column]) => (how === 'usage' ? USAGE_COLUMNS : [column]))
  const extras = Object.values(derived)
  return {
    columns: [...own, ...Object.keys(derived)],
    write: (row) => {
      const values: Value[] = []
      for (const [name, how] of fields) write(values, row[name], how)
      for (const of of extras) values.push(of(row))
      return values
    },
    read: (row) => {
      const own: Record<string, unknown> = {}
      for (const [name, how, column] of fields) own[name] = read(row, column, how)
      return own as T
    },
  }
}

function write(values: Value[], value: unknown, how: Kept): void {
  switch (how) {
    case 'plain':
      values.push((value as Value | undefined) ?? null)
      break
    case 'flag':
      values.push(value ? 1 : 0)
      break
    case 'json':
      values.push(JSON.stringify(value))
      break
    case 'usage':
      values.push(...writeUsage(value as Usage))
  }
}

function read(row: Row, column: string, how: Kept): unknown {
  switch (how) {
    case 'plain':
      return row[column]
    case 'flag':
      return row[column] === 1
    case 'json':
      return JSON.parse(row[column] as string) as Json
    case 'usage':
      return readUsage(row)
  }
}

export const threadTable = table<ThreadRow>(
  {
    id: 'plain',
    account: 'plain',
    principal: 'plain',
    dialect: 'plain',
    agent: 'plain',
    model: 'plain',
    workspace: 'plain',
    title: 'plain',
    preview: 'plain',
    parentThread: 'plain',
    status: 'plain',
    activeRun: 'plain',
    lastRun: 'plain',
    queued: 'plain',
    runs: 'plain',
    messages: 'plain',
    seq: 'plain',
    usage: 'usage',
    openedAt: 'plain',
    updatedAt: 'plain',
    due: 'flag',
    wakeAt: 'plain',
  },
  {
    search: (t) => searchable(`${t.title ?? ''}\n${t.preview ?? ''}`),
    due_at: (t) => (t.due ? 0 : t.wakeAt),
  },
)

/** Lower case is made here, because the two databases do not agree on what it is. */
export const searchable = (text: string): string => text.toLowerCase()

export const runTable = table<RunRow>({
  id: 'plain',
  thread: 'plain',
  account: 'plain',
  principal: 'plain',
  dialect: 'plain',
  agent: 'plain',
  model: 'plain',
  status: 'plain',
  stop: 'plain',
  troubleCode: 'plain',
  troubleMessage: 'plain',
  parentRun: 'plain',
  preview: 'plain',
  turns: 'plain',
  usage: 'usage',
  firstSeq: 'plain',
  lastSeq: 'plain',
  createdAt: 'plain',
  startedAt: 'plain',
  endedAt: 'plain',
})

export const askTable = table<AskRow>({
  id: 'plain',
  thread: 'plain',
  run: 'plain',
  account: 'plain',
  agent: 'plain',
  body: 'json',
  open: 'json',
  openedAt: 'plain',
  expiresAt: 'plain',
})

export const usageTable = table<UsageRow>(
  {
    thread: 'plain',
    seq: 'plain',
    run: 'plain',
    account: 'plain',
    agent: 'plain',
    model: 'plain',
    at: 'plain',
    usage: 'usage',
  },
  { day: (u) => new Date(u.at).toISOString().slice(0, 10) },
)
