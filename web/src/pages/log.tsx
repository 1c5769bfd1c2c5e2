/**
 * A thread's log as it is: every event, what the fold was at it, and the frames it became in each of
 * the dialects. This is the page that shows what the server is.
 */

import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import { api } from '../api/client.ts'
import { useResource } from '../api/resource.ts'
import { Button } from '../components/button.tsx'
import { ErrorNote, Loading } from '../components/note.tsx'
import { PageHead } from '../components/page-head.tsx'
import { untwisted } from '../components/plain.ts'
import type { WindowedHandle } from '../components/windowed.tsx'
import { useKeys } from '../keys.tsx'
import { EventList } from '../log/event-list.tsx'
import { isFamily, Legend, RunFilter, TypeFilter } from '../log/filters.tsx'
import { LogBook } from '../log/log-book.ts'
import { useMoment } from '../log/moment.ts'
import { MomentView } from '../log/moment-view.tsx'
import { rowAt, rowsOf } from '../log/rows.ts'
import { Scrubber } from '../log/scrubber.tsx'
import { Link, navigate, setQuery, usePlace } from '../router.tsx'
import type { PageProps } from './index.ts'

const AROUND = 4

function useLogBook(thread: string): LogBook | null {
  const [book, setBook] = useState<LogBook | null>(null)
  useEffect(() => {
    const opened = new LogBook(thread)
    setBook(opened)
    return () => opened.close()
  }, [thread])
  return book
}

export function LogPage({ params }: PageProps) {
  const thread = params.thread as string
  const book = useLogBook(thread)
  return book ? <OpenLog thread={thread} log={book} /> : <Loading />
}

function OpenLog({ thread, log }: { thread: string; log: LogBook }) {
  const { query } = usePlace()
  const { entries, runs, connection, error, isRead, loaded } = useSyncExternalStore(
    log.listen,
    log.book,
  )
  const [isFolded, setFolded] = useState(true)
  const [isRaw, setRaw] = useState(false)
  const list = useRef<WindowedHandle>(null)
  const families = (query.get('show') ?? '').split(' ').filter(isFamily)
  const shown = families.join(' ')
  const run = query.get('run')
  const type = query.get('type')
  const rows = useMemo(
    () => rowsOf(entries, { families: shown.split(' ').filter(isFamily), run, type, isFolded }),
    [entries, shown, run, type, isFolded],
  )
  const last = entries.length
  // Without a place of its own the page stands at the end, and follows it.
  const seq = Math.min(Number(query.get('seq')) || last, last)
  const { moment, error: trouble, isStale } = useMoment(thread, seq > 0 ? seq : null)
  const current = rowAt(rows, seq)
  const go = useCallback((to: number) => setQuery({ seq: String(to) }), [])
  useEffect(() => {
    // With some lines around it, so that one sees where one is.
    if (current < 0) return
    list.current?.show(Math.min(rows.length - 1, current + AROUND))
    list.current?.show(Math.max(0, current - AROUND))
  }, [current, rows.length])
  const step = (by: number) => go(Math.max(1, Math.min(last, seq + by)))
  const line = (by: number) => {
    const row = rows[Math.max(0, Math.min(rows.length - 1, current + by))]
    if (row) go(row.seq)
  }
  useKeys([
    key('j', 'Next line', () => line(1)),
    key('k', 'Line before', () => line(-1)),
    key('ArrowDown', 'Next line', () => line(1)),
    key('ArrowUp', 'Line before', () => line(-1)),
    key('ArrowRight', 'Next event', () => step(1)),
    key('ArrowLeft', 'Event before', () => step(-1)),
    key('Home', 'First event', () => go(1)),
    key('End', 'Last event, and follow', () => setQuery({ seq: null })),
    key('f', 'Fold words into lines, or not', () => setFolded(!isFolded)),
    key('r', 'Frames raw, or indented', () => setRaw(!isRaw)),
    key('o', 'Open the conversation', () => navigate(`/threads/${thread}`)),
  ])
  if (error && last === 0)
    return (
      <div className="p-4">
        <ErrorNote error={error} />
      </div>
    )
  const isFollowing = !query.get('seq')
  return (
    <>
      <PageHead
        title={<Title thread={thread} />}
        about={`${last} events, ${runs.length} ${runs.length === 1 ? 'run' : 'runs'} · ${LIFE[connection]}`}
      >
        <TypeFilter entries={entries} type={type} />
        <RunFilter runs={runs} run={run} />
        <Button aria-pressed={isFolded} onClick={() => setFolded(!isFolded)}>
          {isFolded ? 'Unfold words' : 'Fold words'}
        </Button>
        <Button
          tone={isFollowing ? 'plain' : 'primary'}
          disabled={isFollowing}
          onClick={() => setQuery({ seq: null })}
        >
          {isFollowing ? 'Following' : 'To the end'}
        </Button>
      </PageHead>
      <div className="shrink-0 border-b border-line bg-panel px-4 py-2.5">
        <Legend families={families} />
        {last > 0 && <Scrubber entries={entries} seq={seq} shown={families} run={run} onSeq={go} />}
      </div>
      <div className="grid min-h-0 flex-1 max-md:grid-rows-[minmax(9rem,34%)_minmax(0,1fr)] md:grid-cols-[minmax(15rem,34%)_minmax(0,1fr)] xl:grid-cols-[25rem_minmax(0,1fr)]">
        <div className="min-h-0 overflow-hidden border-line bg-panel max-md:border-b md:border-r">
          {!isRead && last === 0 && <Loading what="Reading the log" />}
          {isRead && rows.length === 0 && <p className="p-4 text-faint">No event fits.</p>}
          {rows.length > 0 && (
            <EventList
              rows={rows}
              current={current}
              book={log}
              loaded={loaded}
              since={entries[0]?.at ?? 0}
              handle={list}
              onSeq={go}
            />
          )}
        </div>
        <div className="min-h-0 min-w-0 overflow-y-auto p-4">
          {trouble && <ErrorNote error={trouble} />}
          {moment && <MomentView {...{ moment, last, isStale, isRaw }} onRaw={setRaw} onSeq={go} />}
          {!moment && !trouble && last > 0 && <Loading />}
        </div>
      </div>
    </>
  )
}

const key = (keys: string, about: string, run: () => void) => ({ keys, about, group: 'Log', run })

const LIFE = {
  reading: 'reading',
  live: 'live',
  lost: 'connection lost, trying again',
  gone: 'no longer there',
}

function Title({ thread }: { thread: string }) {
  const { data } = useResource(`title ${thread}`, (signal) =>
    api.get<{ title: string | null }>(`/threads/${thread}`, { messages: 0 }, { signal }),
  )
  return (
    <>
      <Link to="/log" className="font-normal text-soft hover:underline">
        Log
      </Link>
      <span className="font-normal text-faint"> / </span>
      <span dir="auto">{untwisted(data?.title ?? thread.slice(-12))}</span>
    </>
  )
}
