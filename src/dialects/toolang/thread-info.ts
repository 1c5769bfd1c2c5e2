/** A thread as a resource. Pure. */

import type { Json } from '../../kernel/part.ts'
import { second } from './context.ts'
import { threadId } from './id.ts'
import type { Reckoning } from './journal.ts'
import { isVisible, runRef } from './record.ts'
import { originOfKind } from './telling.ts'

const CHANNELS: Record<string, string> = { web: 'web', tui: 'terminal', term: 'terminal' }

/** `channel` and `status` are the next version's; clients of this one pass them over. */
export function threadInfo(uuid: string, at: Reckoning): Record<string, Json> {
  const { kind, peer, parent, inherited } = at
  const origin = originOfKind(kind)
  const runs = at.runs.filter(isVisible)
  const latest = runs.at(-1)
  const active = runs.findLast((r) => r.status === 'running')
  const nobody = peer.type === 'agent' ? peer.name : origin
  const own = runs.length === 0 ? nobody : runs[0]?.inputText || origin
  return {
    id: threadId(kind, uuid),
    title: inherited ?? own,
    created_at: second(at.openedAt),
    updated_at: second(at.updatedAt),
    origin,
    peer,
    parent: parent === null ? null : threadId('chat', parent),
    run_count: runs.length,
    latest_run: latest ? runRef(latest, kind) : null,
    active_run: active ? runRef(active, kind) : null,
    channel: CHANNELS[kind] ?? origin,
    status: active ? 'running' : 'idle',
  }
}
