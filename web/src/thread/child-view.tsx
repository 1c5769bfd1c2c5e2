/** A sub-agent: what it was told, what it waits for, and its own conversation, opened in place. */

import { api } from '../api/client.ts'
import { useResource } from '../api/resource.ts'
import type { AskView } from '../api/types.ts'
import { Badge, Status } from '../components/badge.tsx'
import { Disclosure } from '../components/disclosure.tsx'
import { ErrorNote, Loading } from '../components/note.tsx'
import { untwisted } from '../components/plain.ts'
import { Link } from '../router.tsx'
import { AskCard } from './ask-card.tsx'
import type { ChildFacts } from './entry.ts'
import { EntryView } from './entry-view.tsx'
import { useConversation } from './use-conversation.ts'

interface Props {
  child: ChildFacts
  id: string
  output: string | null
}

export function ChildView({ child, id, output }: Props) {
  const { thread, agent, name, outcome, asks } = child
  const status = outcome ?? (asks.length > 0 ? 'waiting' : 'running')
  return (
    <div className="flex flex-col gap-2 border-t border-line p-2">
      <Disclosure
        id={`${id}/child`}
        summary={
          <>
            <Badge>{untwisted(agent)}</Badge>
            <span className="min-w-0 flex-1 truncate" dir="auto">
              {untwisted(name)}
            </span>
            <Status status={status} />
          </>
        }
      >
        <Nested thread={thread} />
      </Disclosure>
      {asks.map((asked) => (
        <ChildAsk key={asked.ask} ask={{ id: asked.ask, body: asked.body, open: asked.open }} />
      ))}
      {output !== null && output !== '' && (
        <p className="line-clamp-4 px-2 text-sm whitespace-pre-line text-soft" dir="auto">
          {untwisted(output.slice(0, 1000))}
        </p>
      )}
    </div>
  )
}

/** The log of the parent tells the ask once; how much of it is still open says the inbox. */
function ChildAsk({ ask }: { ask: { id: string; body: AskView['body']; open: string[] } }) {
  const { data } = useResource(`ask/${ask.id}`, (signal) =>
    api.get<AskView>(`/asks/${ask.id}`, {}, { signal }),
  )
  return <AskCard ask={data ?? ask} head={<Badge>sub-agent</Badge>} />
}

function Nested({ thread }: { thread: string }) {
  const { conversation, why } = useConversation(thread)
  return (
    <div className="ml-3 flex flex-col gap-3 border-l-2 border-line py-1 pl-3">
      <Link to={`/threads/${thread}`} className="text-xs text-accent underline">
        Open as a thread of its own
      </Link>
      {why && <ErrorNote error={why} />}
      {!conversation && !why && <Loading />}
      {conversation?.entries.map((entry) => (
        <EntryView key={entry.key} entry={entry} actions={null} />
      ))}
    </div>
  )
}
