/** Every thread as a log that can be read. */

import { useCallback } from 'react'
import { api } from '../api/client.ts'
import { useResource } from '../api/resource.ts'
import type { Page, ThreadSummary } from '../api/types.ts'
import { DialectBadge, Status } from '../components/badge.tsx'
import { useListKeys } from '../components/list-keys.ts'
import { Empty, ErrorNote, Loading } from '../components/note.tsx'
import { PageHead } from '../components/page-head.tsx'
import { untwisted } from '../components/plain.ts'
import { TimeAgo } from '../components/time-ago.tsx'
import { Link, navigate } from '../router.tsx'

const keyOf = (thread: ThreadSummary): string => thread.id

export function LogsPage() {
  const threads = useResource(
    'logs',
    (signal) => api.get<Page<ThreadSummary>>('/threads', { limit: 100 }, { signal }),
    { everyMs: 4000 },
  )
  const { data, error } = threads
  const items = data?.items ?? []
  const open = useCallback((thread: ThreadSummary) => navigate(`/log/${thread.id}`), [])
  const [current] = useListKeys({ items, keyOf, group: 'Log', open })
  return (
    <>
      <PageHead title="Log" about="Every thread is a log of events. Choose one to read it." />
      {error && (
        <div className="p-3">
          <ErrorNote error={error} onRetry={threads.reload} />
        </div>
      )}
      {!data && threads.isLoading && <Loading />}
      {data?.items.length === 0 && (
        <Empty icon="log" title="Nothing has happened yet">
          <Link to="/threads" className="text-accent underline">
            Say something to an agent
          </Link>
        </Empty>
      )}
      <ul className="min-h-0 flex-1 overflow-y-auto">
        {items.map((thread) => (
          <li key={thread.id}>
            <LogRow thread={thread} isCurrent={thread.id === current} />
          </li>
        ))}
      </ul>
    </>
  )
}

const LogRow = ({ thread, isCurrent }: { thread: ThreadSummary; isCurrent: boolean }) => (
  <Link
    to={`/log/${thread.id}`}
    className={`flex items-center gap-3 border-b border-line px-4 py-2 hover:bg-sunk ${
      isCurrent ? 'bg-accent-soft shadow-[inset_3px_0_0] shadow-accent' : 'bg-panel'
    }`}
  >
    <span className="min-w-0 flex-1 truncate font-medium" dir="auto">
      {untwisted(thread.title ?? 'Empty thread')}
    </span>
    <DialectBadge dialect={thread.dialect} />
    <span className="w-24 text-right text-xs text-soft tabular-nums">{thread.seq} events</span>
    <span className="w-20 max-md:hidden">
      <Status status={thread.status} />
    </span>
    <span className="w-14 text-right text-xs text-soft">
      <TimeAgo at={thread.updatedAt} />
    </span>
  </Link>
)
