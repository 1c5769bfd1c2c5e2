/** Every conversation there is, of whatever API, the one that changed last first. */

import { useMemo, useRef, useState } from 'react'
import { useDialects } from '../api/catalog.ts'
import { api } from '../api/client.ts'
import { type Pages, usePages } from '../api/pages.ts'
import { useResource } from '../api/resource.ts'
import type { Page, RunView, ThreadSummary } from '../api/types.ts'
import { DialectBadge, Status } from '../components/badge.tsx'
import { Button } from '../components/button.tsx'
import { count, money, tokensOf } from '../components/figure.ts'
import { Icon } from '../components/icon.tsx'
import { LongList, RowLink } from '../components/list.tsx'
import { useListKeys } from '../components/list-keys.ts'
import { Empty, Standing } from '../components/note.tsx'
import { PageHead } from '../components/page-head.tsx'
import { untwisted } from '../components/plain.ts'
import { named, QueryChoice } from '../components/query-choice.tsx'
import { TimeAgo } from '../components/time-ago.tsx'
import type { WindowedHandle } from '../components/windowed.tsx'
import { useKeys } from '../keys.tsx'
import { navigate, setQuery, usePlace } from '../router.tsx'
import { NewThread } from '../thread/new-thread.tsx'

const STATUSES = named(['running', 'waiting', 'queued', 'idle'])

export function ThreadsPage() {
  const { query } = usePlace()
  const [isNew, setNew] = useState(false)
  const search = useRef<HTMLInputElement>(null)
  const wanted = {
    search: query.get('search'),
    status: query.get('status'),
    dialect: query.get('dialect'),
  }
  const threads = usePages<ThreadSummary>('/threads', { ...wanted, parent: 'none' })
  const dialects = useDialects()
  const isFiltered = Object.values(wanted).some((value) => value)
  useKeys([
    { keys: 'n', about: 'New thread', group: 'Threads', run: () => setNew(true) },
    { keys: '/', about: 'Search', group: 'Threads', run: () => search.current?.focus() },
  ])
  const { data } = threads
  return (
    <>
      <PageHead
        title="Threads"
        about={data ? `${data.total} ${data.total === 1 ? 'conversation' : 'conversations'}` : ' '}
      >
        <SearchBox field={search} />
        <QueryChoice
          name="status"
          label="Only of this status"
          value={wanted.status ?? ''}
          options={STATUSES}
          none="any status"
        />
        <QueryChoice
          name="dialect"
          label="Only of this dialect"
          value={wanted.dialect ?? ''}
          options={named(dialects)}
          none="any dialect"
        />
        <Button tone="primary" icon="plus" onClick={() => setNew(true)}>
          New thread
        </Button>
      </PageHead>
      <Standing of={threads} />
      {data?.items.length === 0 && (isFiltered ? <NoMatch /> : <Welcome />)}
      <ThreadList threads={threads} />
      {isNew && <NewThread onClose={() => setNew(false)} />}
    </>
  )
}

/** A thread that rests says nothing of how its last run ended; the runs do. */
function useFailed(): Set<string> {
  const { data } = useResource(
    'failed',
    (signal) => api.get<Page<RunView>>('/runs', { status: 'failed', limit: 500 }, { signal }),
    { isLive: true },
  )
  return useMemo(() => new Set(data?.items.map((run) => run.id)), [data])
}

function SearchBox({ field }: { field: { current: HTMLInputElement | null } }) {
  const { query } = usePlace()
  const [text, setText] = useState(query.get('search') ?? '')
  return (
    <label className="relative">
      <span className="sr-only">Search threads</span>
      <span className="pointer-events-none absolute top-2 left-2 text-faint">
        <Icon name="search" />
      </span>
      <input
        ref={field}
        type="search"
        value={text}
        placeholder="Search  /"
        className="field max-w-44 pl-8"
        onChange={(event) => {
          setText(event.target.value)
          setQuery({ search: event.target.value.trim() || null })
        }}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return
          // Browsers empty the field; the list is what the person wants to get at.
          event.preventDefault()
          field.current?.blur()
        }}
      />
    </label>
  )
}

const keyOf = (thread: ThreadSummary): string => thread.id
const open = (thread: ThreadSummary): void => navigate(`/threads/${thread.id}`)

function ThreadList({ threads }: { threads: Pages<ThreadSummary> }) {
  const list = useRef<WindowedHandle>(null)
  const failed = useFailed()
  const items = threads.data?.items ?? []
  const [current] = useListKeys({ items, keyOf, group: 'Threads', open, list })
  return (
    <LongList
      label="Threads"
      pages={threads}
      keyOf={keyOf}
      estimate={61}
      handle={list}
      row={(thread) => (
        <ThreadRow
          thread={thread}
          isFailed={failed.has(thread.lastRun ?? '')}
          isCurrent={thread.id === current}
        />
      )}
    />
  )
}

interface RowProps {
  thread: ThreadSummary
  isFailed: boolean
  isCurrent: boolean
}

function ThreadRow({ thread, isFailed, isCurrent }: RowProps) {
  const { id, title, preview, agent, dialect, status, usage, updatedAt, queued } = thread
  return (
    <RowLink to={`/threads/${id}`} isCurrent={isCurrent}>
      <div className="min-w-0 flex-1">
        <div className="flex min-w-0 items-baseline gap-2">
          <span className="truncate font-medium" dir="auto">
            {untwisted(title ?? 'Empty thread')}
          </span>
          <span className="ml-auto text-xs text-faint md:hidden">
            <TimeAgo at={updatedAt} />
          </span>
        </div>
        <div className="truncate text-sm text-soft" dir="auto">
          {untwisted(preview ?? 'Nothing was said yet.')}
        </div>
      </div>
      <div className="flex shrink-0 items-center gap-3 max-md:flex-col max-md:items-end max-md:gap-1">
        <span className="w-28 truncate text-xs text-soft max-lg:hidden">{agent}</span>
        <span className="md:w-20">
          <DialectBadge dialect={dialect} />
        </span>
        <span className="md:w-24">
          <Status status={isFailed && status === 'idle' ? 'failed' : status} />
          {queued > 0 && <span className="text-xs text-faint"> +{queued}</span>}
        </span>
        <span
          className="w-16 text-right text-xs tabular-nums text-soft max-md:hidden"
          title={`${tokensOf(usage)} tokens`}
        >
          {usage.costUsd ? money(usage.costUsd) : `${count(tokensOf(usage))} tok`}
        </span>
        <span className="w-14 text-right text-xs text-faint max-md:hidden">
          <TimeAgo at={updatedAt} />
        </span>
      </div>
    </RowLink>
  )
}

const NoMatch = () => (
  <Empty icon="search" title="No thread fits">
    <Button onClick={() => setQuery({ search: null, status: null, dialect: null })}>
      Show all threads
    </Button>
  </Empty>
)

/** What somebody sees who has never been here. */
const Welcome = () => (
  <div className="min-h-0 flex-1 overflow-y-auto">
    <div className="mx-auto flex max-w-xl flex-col gap-5 px-4 py-10">
      <div>
        <h2 className="text-xl font-semibold">Say something to an agent</h2>
        <p className="mt-1 text-soft">
          Every conversation is a log that outlives restarts. Whatever client started it - this
          page, a terminal, an app that speaks one of the other APIs - it shows up here and can be
          watched, steered and answered from here.
        </p>
      </div>
      <NewThread />
    </div>
  </div>
)
