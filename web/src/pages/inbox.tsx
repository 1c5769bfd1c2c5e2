/** Everything that waits for a person, over all threads and APIs, oldest first. */

import { useRef } from 'react'
import { useAsks } from '../api/asks.tsx'
import type { AskView } from '../api/types.ts'
import { LongList } from '../components/list.tsx'
import { useListKeys } from '../components/list-keys.ts'
import { Empty, Standing } from '../components/note.tsx'
import { PageHead } from '../components/page-head.tsx'
import { TimeAgo } from '../components/time-ago.tsx'
import type { WindowedHandle } from '../components/windowed.tsx'
import { useKeys } from '../keys.tsx'
import { Link, navigate } from '../router.tsx'
import { AskCard } from '../thread/ask-card.tsx'

const keyOf = (ask: AskView): string => ask.id

export function InboxPage() {
  const asks = useAsks()
  const { data, reload } = asks
  const items = data?.items ?? []
  const list = useRef<WindowedHandle>(null)
  const open = (ask: AskView) => navigate(`/threads/${ask.thread}`)
  const [chosen] = useListKeys({ items, keyOf, group: 'Inbox', open, list })
  const current = items.some((ask) => ask.id === chosen) ? chosen : (items[0]?.id ?? null)
  useKeys([
    key('a', 'Allow', () => press(current, 'allow')),
    key('A', 'Always allow', () => press(current, 'always')),
    key('d', 'Deny', () => press(current, 'deny')),
  ])
  return (
    <>
      <PageHead
        title="Inbox"
        about={
          data ? (data.total === 0 ? 'Nothing waits' : `${data.total} waiting, oldest first`) : ' '
        }
      />
      <Standing of={asks} />
      {data && items.length === 0 && (
        <Empty icon="inbox" title="Nothing waits for you">
          When an agent wants to do something that must be allowed, or has a question, it stands
          here, whatever client began the run. It waits as long as it has to.
        </Empty>
      )}
      <LongList
        label="Open asks"
        pages={asks}
        keyOf={keyOf}
        estimate={220}
        handle={list}
        row={(ask) => (
          <div className="mx-auto max-w-4xl px-4 pt-4 pb-1">
            <AskCard
              ask={ask}
              isCurrent={ask.id === current}
              onSettled={reload}
              head={<From ask={ask} />}
            />
          </div>
        )}
      />
    </>
  )
}

const key = (keys: string, about: string, run: () => void) => ({ keys, about, group: 'Inbox', run })

/** Does what the button of the current ask does. */
function press(ask: string | null, act: string): void {
  const button = document.querySelector<HTMLElement>(
    `[data-ask="${CSS.escape(ask ?? '')}"] [data-act="${act}"]`,
  )
  button?.click()
}

const From = ({ ask }: { ask: AskView }) => (
  <span className="ml-auto flex items-center gap-2 text-xs text-soft">
    <span>{ask.agent}</span>
    <span aria-hidden="true">·</span>
    <TimeAgo at={ask.openedAt} />
    <span aria-hidden="true">·</span>
    <Link to={`/threads/${ask.thread}`} className="text-accent underline">
      Thread
    </Link>
  </span>
)
