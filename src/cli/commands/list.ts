/** `manifold threads`, `runs` and `asks`: one screen of rows, or the server's JSON as it came. */

import type { AskBody } from '../../kernel/event.ts'
import type { AskRow, RunRow, ThreadRow } from '../../kernel/rows.ts'
import { totalTokens } from '../../kernel/usage.ts'
import type { Client } from '../client.ts'
import { money } from '../phrase.ts'
import { oneLine, table } from '../terminal.ts'

/** A page of the native API. */
export interface List<T> {
  items: T[]
  total?: number
}

export interface ListOptions {
  client: Client
  write(text: string): void
  columns: number
  json: boolean
  query: Record<string, string | number | undefined>
}

export const listThreads = (options: ListOptions): Promise<void> =>
  list<ThreadRow>(options, '/threads', {
    head: ['THREAD', 'AGENT', 'STATUS', 'AGE', 'TITLE'],
    row: (t) => [t.id, t.agent, t.status, age(t.updatedAt), t.title ?? ''],
    none: 'No threads yet. "manifold chat" begins one.',
  })

export const listRuns = (options: ListOptions): Promise<void> =>
  list<RunRow>(options, '/runs', {
    head: ['RUN', 'STATUS', 'AGE', 'TOKENS', 'COST', 'AGENT', 'INPUT'],
    row: (r) => [
      r.id,
      r.status,
      age(r.createdAt),
      String(totalTokens(r.usage)),
      r.usage.costUsd === null ? '?' : money(r.usage.costUsd),
      r.agent,
      r.preview,
    ],
    none: 'No runs yet.',
  })

export const listAsks = (options: ListOptions): Promise<void> =>
  list<AskRow>(options, '/asks', {
    head: ['ASK', 'KIND', 'AGENT', 'AGE', 'ABOUT'],
    row: (a) => [a.id, a.body.kind, a.agent, age(a.openedAt), aboutOf(a.body)],
    none: 'Nothing waits for a person.',
  })

interface Layout<T> {
  head: string[]
  /** The last cell is cut to what the screen leaves. */
  row(item: T): string[]
  none: string
}

const FILTERS = ['thread', 'agent', 'status', 'search', 'offset']

async function list<T>(options: ListOptions, path: string, layout: Layout<T>): Promise<void> {
  const page = await options.client.get<List<T>>(path, options.query)
  if (options.json) return options.write(`${JSON.stringify(page, null, 2)}\n`)
  if (page.items.length === 0) {
    const isFiltered = FILTERS.some((name) => options.query[name] !== undefined)
    return options.write(isFiltered ? 'Nothing fits.\n' : `${layout.none}\n`)
  }
  const rows = page.items.map((item) => layout.row(item).map((cell) => oneLine(cell, 60)))
  const lines = table(layout.head, rows).split('\n')
  options.write(lines.map((line) => cut(line, options.columns)).join('\n'))
  const more = (page.total ?? 0) - page.items.length - Number(options.query.offset ?? 0)
  if (more > 0) options.write(`${more} more; --limit and --offset show them\n`)
}

const cut = (line: string, columns: number): string =>
  line.length > columns ? `${line.slice(0, Math.max(columns - 1, 1))}…` : line

function aboutOf(body: AskBody): string {
  switch (body.kind) {
    case 'approval':
    case 'recovery':
      return body.calls.map((call) => `${call.tool} ${call.subject}`.trim()).join(', ')
    case 'question':
      return body.question.text
    case 'limit':
      return `${money(body.spentUsd)} of ${money(body.limitUsd)} spent`
  }
}

/** `12s`, `5m`, `3h`, `2d`. */
export function age(since: number, now = Date.now()): string {
  const seconds = Math.max(0, Math.round((now - since) / 1000))
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`
  return `${Math.floor(seconds / 86_400)}d`
}
