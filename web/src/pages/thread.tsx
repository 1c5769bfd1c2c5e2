/** One conversation: read as it is said, and steered. */

import { type RefObject, useCallback, useMemo, useRef, useState } from 'react'
import { api } from '../api/client.ts'
import { OpeningSource } from '../components/disclosure.tsx'
import { Empty, ErrorNote, Loading } from '../components/note.tsx'
import { untwisted } from '../components/plain.ts'
import { Windowed, type WindowedHandle } from '../components/windowed.tsx'
import { useKeys } from '../keys.tsx'
import { Link, navigate } from '../router.tsx'
import { wordsOf } from '../thread/attachment.tsx'
import { Composer, type Revision } from '../thread/composer.tsx'
import type { Conversation, Entry } from '../thread/entry.ts'
import { type Actions, EntryView } from '../thread/entry-view.tsx'
import { QueueList } from '../thread/queue-list.tsx'
import { RunBar } from '../thread/run-bar.tsx'
import { ThreadFacts } from '../thread/thread-facts.tsx'
import { ThreadHead } from '../thread/thread-head.tsx'
import { type Action, useAction } from '../thread/use-action.ts'
import { useConversation, type Watched } from '../thread/use-conversation.ts'
import type { PageProps } from './index.ts'

export function ThreadPage({ params }: PageProps) {
  const thread = params.thread ?? ''
  const watched = useConversation(thread)
  const { conversation, connection, why } = watched
  if (connection === 'gone' && why?.status === 404)
    return (
      <Empty icon="alert" title="There is no such thread">
        <p>It may have been deleted.</p>
        <Link to="/threads" className="text-accent underline">
          All threads
        </Link>
      </Empty>
    )
  if (!conversation)
    return why ? (
      <div className="p-4">
        <ErrorNote error={why} />
      </div>
    ) : (
      <Loading what="Reading the log" />
    )
  return (
    <OpeningSource>
      <Talk {...{ thread, watched, conversation }} />
    </OpeningSource>
  )
}

interface TalkProps {
  thread: string
  watched: Watched
  conversation: Conversation
}

const keyOf = (entry: Entry): string => entry.key

function Talk({ thread, watched, conversation }: TalkProps) {
  const { entries, active, queue } = conversation
  const [revision, setRevision] = useState<Revision | null>(null)
  const [isAtEnd, setAtEnd] = useState(true)
  const action = useAction()
  const list = useRef<WindowedHandle>(null)
  const field = useRef<HTMLTextAreaElement>(null)
  const actions = useActions(thread, action, setRevision)
  const cancel = () =>
    void (active && action.run(() => api.post(`/runs/${active.run}/cancel`, { queue: 'keep' })))
  useThreadKeys(field, { cancel, toNewest: () => list.current?.toEnd() })
  return (
    <>
      <ThreadHead {...{ thread, conversation, action }} title={titleOf(conversation)} />
      {action.trouble !== null && (
        <div className="p-2">
          <ErrorNote error={action.trouble} onRetry={action.clear} />
        </div>
      )}
      <div className="flex min-h-0 flex-1">
        <div className="flex min-w-0 flex-1 flex-col">
          <Windowed
            label="Conversation"
            items={entries}
            keyOf={keyOf}
            estimate={72}
            isFollowing
            onEnd={setAtEnd}
            handle={list}
            className="min-h-0 flex-1"
            render={(entry) => (
              <div className="mx-auto max-w-3xl px-4 pt-3 empty:hidden">
                <EntryView entry={entry} actions={actions} />
              </div>
            )}
          />
          <RunBar
            {...{ conversation, isAtEnd }}
            connection={watched.connection}
            onEnd={() => list.current?.toEnd()}
            onCancel={cancel}
          />
          {queue.length > 0 && (
            <div className="max-h-56 overflow-y-auto border-t border-line p-3 lg:hidden">
              <QueueList thread={thread} queue={queue} />
            </div>
          )}
          <Composer
            {...{ thread, revision, field }}
            isBusy={active !== null}
            onRevised={() => setRevision(null)}
          />
        </div>
        <aside
          aria-label="Beside the conversation"
          className="flex w-72 shrink-0 flex-col gap-5 overflow-y-auto border-l border-line bg-panel p-4 max-lg:hidden"
        >
          <QueueList thread={thread} queue={queue} />
          <ThreadFacts conversation={conversation} />
        </aside>
      </div>
      <Announcer lines={watched.said} />
    </>
  )
}

/** Said aloud: answers when they are complete, and what waits for a person. */
const Announcer = ({ lines }: { lines: string[] }) => (
  <div role="log" aria-live="polite" aria-label="What was said" className="sr-only">
    {lines.map((line, i) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: lines are only added.
      <p key={i}>{untwisted(line.slice(0, 2000))}</p>
    ))}
  </div>
)

function titleOf({ title, entries }: Conversation): string {
  if (title) return title
  const first = entries.find((entry) => entry.kind === 'user')
  return (first ? wordsOf(first.parts).slice(0, 80) : '') || 'Empty thread'
}

/** Told to the entries once, so that none of them is made anew for it. */
function useActions(
  thread: string,
  action: Action,
  setRevision: (revision: Revision) => void,
): Actions {
  const latest = useRef(action)
  latest.current = action
  const fork = useCallback(
    async (seq: number) => {
      let id = ''
      const isDone = await latest.current.run(async () => {
        id = (await api.post<{ id: string }>(`/threads/${thread}/fork`, { seq })).id
      })
      if (isDone) navigate(`/threads/${id}`)
    },
    [thread],
  )
  return useMemo(
    () => ({
      fork: (seq) => void fork(seq),
      retry: (run) => void latest.current.run(() => api.post(`/runs/${run}/retry`)),
      edit: (run, text) => setRevision({ run, text }),
    }),
    [fork, setRevision],
  )
}

interface Ways {
  cancel(): void
  toNewest(): void
}

function useThreadKeys(
  field: RefObject<HTMLTextAreaElement | null>,
  { cancel, toNewest }: Ways,
): void {
  const row = (keys: string, about: string, run: () => void) => ({
    ...{ keys, about, group: 'Thread', run },
  })
  const act = (name: string) =>
    [...document.querySelectorAll<HTMLElement>(`[data-act="${name}"]`)].at(0)?.click()
  useKeys([
    row('r', 'Write', () => field.current?.focus()),
    row('s', 'Stop the run', cancel),
    row('End', 'To the newest', toNewest),
    row('a', 'Allow what is asked', () => act('allow')),
    row('A', 'Always allow it', () => act('always')),
    row('d', 'Deny it', () => act('deny')),
    row('u', 'Back to all threads', () => navigate('/threads')),
  ])
}
