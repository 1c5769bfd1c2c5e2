/** One event whole: what it says, what the fold became by it, and what every dialect made of it. */

import { Button, IconButton } from '../components/button.tsx'
import { JsonCode } from '../components/code.tsx'
import { moment as timeOf } from '../components/figure.ts'
import { exposed } from '../components/plain.ts'
import { Link } from '../router.tsx'
import { type Fact, factsOf, saidIn } from './facts.ts'
import { Frames } from './frames.tsx'
import type { Moment } from './moment.ts'

interface Props {
  moment: Moment
  last: number
  isStale: boolean
  isRaw: boolean
  onRaw(isRaw: boolean): void
  onSeq(seq: number): void
}

const SAID_SHOWN = 1_500

export function MomentView({ moment, last, isStale, isRaw, onRaw, onSeq }: Props) {
  const { event, before, after, dialects } = moment
  const facts = factsOf(after, before)
  const told = dialects.reduce((sum, d) => sum + d.frames.length, 0)
  return (
    <article
      aria-label={`Event ${event.seq}, ${event.type}`}
      aria-busy={isStale}
      className="flex flex-col gap-4"
    >
      <header className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <span className="flex">
          <IconButton
            icon="left"
            label="Event before (←)"
            disabled={event.seq <= 1}
            onClick={() => onSeq(event.seq - 1)}
          />
          <IconButton
            icon="right"
            label="Event after (→)"
            disabled={event.seq >= last}
            onClick={() => onSeq(event.seq + 1)}
          />
        </span>
        <h2 className="font-mono text-lg font-semibold">
          {event.seq} {event.type}
        </h2>
        <time
          dateTime={new Date(event.at).toISOString()}
          className="text-xs text-faint tabular-nums"
          title={new Date(event.at).toISOString()}
        >
          {timeOf(event.at)}
        </time>
        <span className="flex-1" />
        <Link
          to={`/threads/${event.thread}`}
          className="text-sm text-accent underline underline-offset-2"
        >
          Open the conversation
        </Link>
      </header>
      <Changes facts={facts} />
      <section aria-label="Frames" className="min-w-0">
        <div className="mb-2 flex flex-wrap items-center gap-2">
          <h3 className="text-sm font-semibold">What it became in each API</h3>
          <span className="text-xs text-faint">
            {told === 1 ? '1 frame' : `${told} frames`}, as they went over the wire
          </span>
          <span className="flex-1" />
          <Button tone="quiet" aria-pressed={isRaw} onClick={() => onRaw(!isRaw)}>
            {isRaw ? 'Indent' : 'Raw bytes'}
          </Button>
        </div>
        <Frames dialects={dialects} isRaw={isRaw} />
      </section>
      <div className="grid grid-cols-[repeat(auto-fit,minmax(min(100%,22rem),1fr))] gap-5">
        <section aria-label="The event" className="min-w-0">
          <Heading>What was recorded</Heading>
          <JsonCode label="Data of the event" value={event.data} className="[&_pre]:max-h-96" />
        </section>
        <section aria-label="The fold" className="min-w-0">
          <Heading>What the fold was then</Heading>
          <Fold facts={facts} said={saidIn(after)} />
        </section>
      </div>
    </article>
  )
}

const Heading = ({ children }: { children: string }) => (
  <h3 className="mb-2 text-sm font-semibold">{children}</h3>
)

/** In a line what the event has changed of the fold. */
function Changes({ facts }: { facts: Fact[] }) {
  const changed = facts.filter((fact) => fact.before !== null)
  return (
    <ul aria-label="What it changed" className="-mt-2 flex flex-wrap gap-1.5">
      {changed.map(({ name, value, before }) => (
        <li
          key={name}
          className="max-w-full truncate rounded bg-accent-soft px-2 text-xs leading-5.5"
        >
          <span className="text-soft">{name} </span>
          <del className="text-soft">{exposed(before ?? '')}</del>
          <span className="text-soft"> → </span>
          <span className="font-semibold">{exposed(value)}</span>
        </li>
      ))}
      {changed.length === 0 && <li className="text-xs text-faint">Changes nothing of the fold.</li>}
    </ul>
  )
}

function Fold({ facts, said }: { facts: Fact[]; said: string }) {
  return (
    <div className="rounded-lg border border-line bg-panel">
      <dl className="divide-y divide-line">
        {facts.map(({ name, value, before }) => (
          <div
            key={name}
            className={`flex gap-3 px-3 py-1 text-xs ${before === null ? '' : 'bg-accent-soft'}`}
          >
            <dt className="w-28 shrink-0 text-soft">{name}</dt>
            <dd className={`min-w-0 flex-1 ${before === null ? '' : 'font-semibold'}`}>
              {exposed(value)}
            </dd>
          </div>
        ))}
      </dl>
      {said !== '' && (
        <p
          className="max-h-40 overflow-y-auto border-t border-line px-3 py-2 text-xs whitespace-pre-wrap text-soft"
          dir="auto"
          tabIndex={0}
        >
          {said.length > SAID_SHOWN && '…'}
          {exposed(said.slice(-SAID_SHOWN))}
        </p>
      )}
    </div>
  )
}
