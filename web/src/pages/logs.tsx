/** Every thread as a log that can be read. */

import { useRef } from 'react'
import { usePages } from '../api/pages.ts'
import type { ThreadSummary } from '../api/types.ts'
import { DialectBadge, Status } from '../components/badge.tsx'
import { LongList, RowLink } from '../components/list.tsx'
import { useListKeys } from '../components/list-keys.ts'
import { Empty, Standing } from '../components/note.tsx'
import { PageHead } from '../components/page-head.tsx'
import { untwisted } from '../components/plain.ts'
import { TimeAgo } from '../components/time-ago.tsx'
import type { WindowedHandle } from '../components/windowed.tsx'
import { Link, navigate } from '../router.tsx'

const keyOf = (thread: ThreadSummary): string => thread.id
const open = (thread: ThreadSummary): void => navigate(`/log/${thread.id}`)

export function LogsPage() {
  const threads = usePages<ThreadSummary>('/threads')
  const list = useRef<WindowedHandle>(null)
  const items = threads.data?.items ?? []
  const [current] = useListKeys({ items, keyOf, group: 'Log', open, list })
  return (
    <>
      <PageHead title="Log" about="Every thread is a log of events. Choose one to read it." />
      <Standing of={threads} />
      {threads.data?.items.length === 0 && (
        <Empty icon="log" title="Nothing has happened yet">
          <Link to="/threads" className="text-accent underline">
            Say something to an agent
          </Link>
        </Empty>
      )}
      <LongList
        label="Logs"
        pages={threads}
        keyOf={keyOf}
        estimate={42}
        handle={list}
        row={(thread) => <LogRow thread={thread} isCurrent={thread.id === current} />}
      />
    </>
  )
}

const LogRow = ({ thread, isCurrent }: { thread: ThreadSummary; isCurrent: boolean }) => (
  <RowLink to={`/log/${thread.id}`} isCurrent={isCurrent}>
    <span className="min-w-0 flex-1 truncate font-medium" dir="auto">
      {untwisted(thread.title ?? 'Empty thread')}
    </span>
    <span className="w-20 max-md:hidden">
      <DialectBadge dialect={thread.dialect} />
    </span>
    <span className="shrink-0 text-right text-xs text-soft tabular-nums md:w-24">
      {thread.seq} {thread.seq === 1 ? 'event' : 'events'}
    </span>
    <span className="w-20 max-md:hidden">
      <Status status={thread.status} />
    </span>
    <span className="w-12 shrink-0 text-right text-xs text-soft">
      <TimeAgo at={thread.updatedAt} />
    </span>
  </RowLink>
)
