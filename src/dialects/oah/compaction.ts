/** What a compaction leaves in a session: two messages of the system, and a step. */

import type { EventOf } from '../../kernel/event.ts'
import type { Chronicle } from './chronicle.ts'
import { boundaryMessageId, summaryMessageId } from './id.ts'
import type { RunRecord } from './record.ts'
import { addSystem } from './step.ts'

export function compacted(
  chronicle: Chronicle,
  run: RunRecord,
  event: EventOf<'context.compacted'>,
): void {
  const n = chronicle.compactions++
  const boundary = boundaryMessageId(run.id, n)
  const summary = summaryMessageId(run.id, n)
  const { tokensBefore, tokensAfter, messagesBefore, messagesAfter } = event.data
  const count = Math.max(0, messagesBefore - messagesAfter + 1)
  const shared = { compactBoundaryId: boundary, eligibleForModelContext: true }
  const extra = {
    compactedBy: run.kind === 'compact' ? 'manual' : 'automatic',
    estimatedTokensBefore: tokensBefore,
    estimatedTokensAfter: tokensAfter,
    summarizedMessageCount: count,
  }
  const base = { run: run.id, role: 'system' as const, at: event.at }
  chronicle.messages.push(
    {
      ...base,
      id: boundary,
      content: 'Conversation compacted',
      metadata: {
        runtimeKind: 'compact_boundary',
        ...shared,
        eligibleForModelContext: false,
        extra,
      },
    },
    {
      ...base,
      id: summary,
      content: event.data.summary,
      metadata: {
        runtimeKind: 'compact_summary',
        ...shared,
        summaryForBoundaryId: boundary,
        extra,
      },
    },
  )
  run.compaction = { boundary, summary, count }
  addSystem(run, 'context_compact', extra, event.at)
}
