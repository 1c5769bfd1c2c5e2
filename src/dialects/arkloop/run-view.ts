/** Runs as lists and single documents tell them. */

import type { User } from '../../kernel/accounts.ts'
import type { Catalog } from '../../kernel/ports.ts'
import type { RunRow } from '../../kernel/rows.ts'
import type { Usage } from '../../kernel/usage.ts'
import { arkStatus } from './ending.ts'
import type { RunHints } from './hints.ts'
import { accountId, iso } from './id.ts'
import { personaKey } from './persona.ts'
import { modelOf } from './saying.ts'

export const statusOf = (run: RunRow) => arkStatus(run.status, run.stop, run.troubleCode)

export const isOver = (run: Pick<RunRow, 'endedAt'>): boolean => run.endedAt !== null

export function runDocument(
  run: RunRow,
  more: { children: string[]; maker: string | null; trace: string },
) {
  return {
    run_id: run.id,
    account_id: accountId(run.account),
    org_id: accountId(run.account),
    thread_id: run.thread,
    created_by_user_id: more.maker,
    ...(run.parentRun === null ? {} : { parent_run_id: run.parentRun }),
    ...(more.children.length > 0 ? { child_run_ids: more.children } : {}),
    status: statusOf(run),
    waiting_for_input: run.status === 'waiting',
    created_at: iso(run.createdAt),
    trace_id: more.trace,
  }
}

export const threadRunItem = (run: RunRow, hints: RunHints | null) => ({
  run_id: run.id,
  status: statusOf(run),
  created_at: iso(run.createdAt),
  ...(typeof hints?.asked.resume_from_run_id === 'string'
    ? { resume_from_run_id: hints.asked.resume_from_run_id }
    : {}),
})

/** What is known only at the end is null before it. */
export function listItem(
  run: RunRow,
  more: { catalog: Catalog; hints: RunHints | null; maker: string | null; user: User | null },
) {
  const { catalog, hints, maker, user } = more
  const over = isOver(run)
  const status = statusOf(run)
  const { usage } = run
  const endedAt = run.endedAt === null ? null : iso(run.endedAt)
  const hasBegun = run.startedAt !== null
  return {
    run_id: run.id,
    account_id: accountId(run.account),
    org_id: accountId(run.account),
    thread_id: run.thread,
    status,
    model: hasBegun && run.model !== null ? modelOf(run.model) : null,
    persona_id: hints?.persona ?? (hasBegun ? personaKey(catalog, run.agent) : null),
    parent_run_id: run.parentRun,
    total_input_tokens: over ? usage.inputTokens : null,
    total_output_tokens: over ? usage.outputTokens : null,
    total_cost_usd: over ? usage.costUsd : null,
    duration_ms: run.endedAt === null ? null : run.endedAt - run.createdAt,
    cache_hit_rate: cacheHitRate(usage),
    credits_used: over ? creditsOf(usage) : null,
    created_at: iso(run.createdAt),
    completed_at: status === 'completed' ? endedAt : null,
    failed_at: status === 'failed' || status === 'interrupted' ? endedAt : null,
    created_by_user_id: maker,
    created_by_user_name: user?.username ?? null,
    created_by_email: user?.email || null,
  }
}

/** Of what the model read, how much it had read before; null when nothing was kept for it. */
export function cacheHitRate(usage: Usage): number | null {
  const { inputTokens, cacheReadTokens, cacheWriteTokens } = usage
  if (cacheReadTokens + cacheWriteTokens === 0) return null
  return cacheReadTokens / (inputTokens + cacheReadTokens + cacheWriteTokens)
}

const FREE_TOKENS = 2000

/** Small runs are free; else a credit for a tenth of a cent, or for a thousand tokens without a price. */
export function creditsOf(usage: Usage): number {
  const tokens = usage.inputTokens + usage.outputTokens
  if (tokens <= FREE_TOKENS) return 0
  const { costUsd } = usage
  const exact = costUsd === null || costUsd === 0 ? tokens / 1000 : costUsd * 1000
  return Math.max(1, Math.ceil(exact - 1e-9))
}
