/** One entry of a conversation. */

import { memo, type ReactNode } from 'react'
import { Badge } from '../components/badge.tsx'
import { Disclosure } from '../components/disclosure.tsx'
import { clock, count, moment, money, span, tokensOf } from '../components/figure.ts'
import { Icon, type IconName } from '../components/icon.tsx'
import { untwisted } from '../components/plain.ts'
import { Markdown } from '../markdown/markdown.tsx'
import { AskCard } from './ask-card.tsx'
import { Parts } from './attachment.tsx'
import type { Entry, EntryOf } from './entry.ts'
import { EntryActions } from './entry-actions.tsx'
import { SettledLine } from './settled-line.tsx'
import { ToolCard } from './tool-card.tsx'

/** What can be done from an entry; null: it is only looked at. */
export interface Actions {
  fork(seq: number): void
  retry(run: string): void
  edit(run: string, text: string): void
}

interface Props {
  entry: Entry
  actions: Actions | null
}

export const EntryView = memo(function EntryView({ entry, actions }: Props) {
  switch (entry.kind) {
    case 'user':
      return <Said entry={entry} actions={actions} />
    case 'text':
      return (
        <article aria-label="Agent" className="group relative min-w-0" data-seq={entry.seq}>
          <Markdown text={entry.text} />
          {actions && <EntryActions entry={entry} actions={actions} />}
        </article>
      )
    case 'thinking':
      return (
        <Disclosure
          id={entry.key}
          className="-ml-2"
          summary={
            <span className="text-soft italic">
              {entry.isOpen ? 'Thinking' : `Thought for ${span(entry.until - entry.at)}`}
            </span>
          }
        >
          <p
            className="ml-3 border-l-2 border-line pl-3 text-sm whitespace-pre-wrap text-soft"
            dir="auto"
          >
            {untwisted(entry.text)}
          </p>
        </Disclosure>
      )
    case 'call':
      return <ToolCard call={entry} />
    case 'ask':
      if (entry.settled)
        return isPlainYes(entry) ? null : <SettledLine entry={entry} settled={entry.settled} />
      return <AskCard ask={{ id: entry.ask, body: entry.body, open: entry.open }} />
    case 'break':
      return <Break entry={entry} />
    case 'compaction':
      return <Compaction entry={entry} />
    case 'note':
      return <Line icon={entry.level === 'info' ? 'info' : 'alert'}>{untwisted(entry.text)}</Line>
    case 'undone':
      return (
        <Disclosure
          id={entry.key}
          summary={
            <span className="text-faint">
              {entry.entries.length} earlier entries no longer count ({entry.reason})
            </span>
          }
        >
          <div className="ml-3 flex flex-col gap-3 border-l-2 border-line py-1 pl-3 opacity-70">
            {entry.entries.map((old) => (
              <EntryView key={old.key} entry={old} actions={null} />
            ))}
          </div>
        </Disclosure>
      )
    case 'end':
      return <End entry={entry} actions={actions} />
  }
})

/** That calls were allowed stands at the calls. */
const isPlainYes = ({ body, settled }: EntryOf<'ask'>): boolean =>
  body.kind === 'approval' &&
  settled?.how === 'answered' &&
  Object.values(settled.rulings).every((ruling) => ruling.allow)

const Line = ({ icon, children }: { icon: IconName; children: ReactNode }) => (
  <p className="flex items-start gap-2 text-xs text-soft">
    <span className="mt-0.5">
      <Icon name={icon} size={13} />
    </span>
    <span className="min-w-0">{children}</span>
  </p>
)

function Said({ entry, actions }: { entry: EntryOf<'user'>; actions: Actions | null }) {
  return (
    <article
      aria-label={entry.isSteered ? 'You, into the run' : 'You'}
      data-seq={entry.seq}
      className="group relative min-w-0 rounded-lg bg-accent-soft px-3 py-2"
    >
      <p className="mb-0.5 flex items-center gap-2 text-xs text-soft">
        <span className="font-semibold">You</span>
        {entry.isSteered && <Badge tone="accent">steered</Badge>}
        {entry.dialect && entry.dialect !== 'native' && <span>via {entry.dialect}</span>}
        <time dateTime={new Date(entry.at).toISOString()} title={moment(entry.at)}>
          {clock(entry.at)}
        </time>
      </p>
      <Parts parts={entry.parts} />
      {actions && <EntryActions entry={entry} actions={actions} />}
    </article>
  )
}

const CAUSES: Record<string, string> = {
  restart: 'The server was restarted here. What was said before stays; the answer goes on.',
  provider: 'The provider broke off.',
  limit: 'A limit was reached.',
}

const Break = ({ entry }: { entry: EntryOf<'break'> }) => (
  <Line icon="alert">
    {CAUSES[entry.cause] ?? entry.cause}
    {entry.words && ` ${untwisted(entry.words)}`}
    {entry.retryAt !== null &&
      entry.cause !== 'restart' &&
      ` Next attempt at ${clock(entry.retryAt)}.`}
  </Line>
)

function Compaction({ entry }: { entry: EntryOf<'compaction'> }) {
  if (entry.state === 'going')
    return <Line icon="shrink">The conversation is being summed up…</Line>
  if (entry.state === 'not')
    return (
      <Line icon="shrink">The conversation stays as it is. {untwisted(entry.words ?? '')}</Line>
    )
  const { before, after } = entry.tokens ?? { before: 0, after: 0 }
  return (
    <Disclosure
      id={entry.key}
      summary={
        <span className="text-xs text-soft">
          Summed up: the model reads {count(after)} tokens instead of {count(before)} from here
        </span>
      }
    >
      <div className="ml-3 border-l-2 border-line pl-3 text-sm text-soft">
        <Markdown text={entry.summary} />
      </div>
    </Disclosure>
  )
}

const STOPS: Record<string, string> = {
  turns: 'the limit of turns was reached',
  time: 'the limit of time was reached',
  tokens: 'the limit of tokens was reached',
  cost: 'the limit of money was reached',
  denied: 'everything was denied',
  length: 'the answer was cut at its greatest length',
}

/** What the run was in figures. Failures are said in full. */
function End({ entry, actions }: { entry: EntryOf<'end'>; actions: Actions | null }) {
  const { outcome, stop, trouble, usage, turns, model, durationMs, of } = entry
  if (of === 'compact' && outcome === 'completed') return null
  return (
    <div className="group relative flex min-w-0 flex-col gap-2 border-b border-line pb-3">
      {trouble && (
        <div role="alert" className="rounded-md bg-bad-soft px-3 py-2 text-sm text-bad">
          <p>{untwisted(trouble.message)}</p>
          <p className="text-xs">{trouble.code}</p>
        </div>
      )}
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1 text-xs text-faint">
        {outcome !== 'completed' && (
          <Badge tone={outcome === 'failed' ? 'bad' : 'plain'}>{outcome}</Badge>
        )}
        {STOPS[stop] && <span className="text-warn">{STOPS[stop]}</span>}
        <span>{model}</span>
        <span className="tabular-nums">{span(durationMs)}</span>
        {turns > 1 && <span>{turns} turns</span>}
        <span className="tabular-nums">{count(tokensOf(usage))} tokens</span>
        {usage.costUsd !== 0 && <span className="tabular-nums">{money(usage.costUsd)}</span>}
        {actions && <EntryActions entry={entry} actions={actions} />}
      </div>
    </div>
  )
}
