/** One job: what it says, what comes next, and what became of each occurrence up to now. */

import { type ReactNode, useState } from 'react'
import { api, messageOf } from '../api/client.ts'
import { useResource } from '../api/resource.ts'
import { Badge, Status } from '../components/badge.tsx'
import { Button } from '../components/button.tsx'
import { Dialog } from '../components/dialog.tsx'
import { moment, span } from '../components/figure.ts'
import { ErrorNote, Loading } from '../components/note.tsx'
import { untwisted } from '../components/plain.ts'
import { useKeys } from '../keys.tsx'
import { Link } from '../router.tsx'
import { JobForm } from './job-form.tsx'
import { inWords } from './schedule.ts'
import { type JobDetail, nameOf, type Occurrence, standing } from './types.ts'

interface Props {
  id: string
  onChange(): void
  onGone(): void
}

export function JobView({ id, onChange, onGone }: Props) {
  const { data, error, reload } = useResource(
    `job ${id}`,
    (signal) => api.get<JobDetail>(`/jobs/${id}`, {}, { signal }),
    { everyMs: 2000 },
  )
  const [isEditing, setEditing] = useState(false)
  const [trouble, setTrouble] = useState<string | null>(null)
  const act = (work: Promise<unknown>, then = reload) => {
    setTrouble(null)
    work.then(
      () => {
        then()
        onChange()
      },
      (refusal) => setTrouble(messageOf(refusal)),
    )
  }
  const patch = (change: object) => act(api.patch(`/jobs/${id}`, change))
  const runNow = () => act(api.post(`/jobs/${id}/run`))
  useKeys([
    { keys: 'x', about: 'Run it now', group: 'Jobs', run: runNow },
    { keys: 'e', about: 'Edit it', group: 'Jobs', run: () => setEditing(true) },
  ])
  if (!data) return error ? <ErrorNote error={error} onRetry={reload} /> : <Loading />
  const { state, kind, body, agent, schedule, nextAt, occurrences, activeRun } = data
  return (
    <article aria-label={nameOf(data)} className="mx-auto flex max-w-3xl flex-col gap-5">
      <header className="flex flex-wrap items-center gap-2">
        <div className="min-w-0 flex-1 basis-56">
          <h2 className="text-xl font-semibold" dir="auto">
            {untwisted(nameOf(data))}
          </h2>
          <p className="flex flex-wrap items-center gap-2 text-sm text-soft">
            <Badge>{kind}</Badge>
            <Status status={standing(data)} />
            <span>by {agent}</span>
          </p>
        </div>
        <Button
          tone="primary"
          onClick={runNow}
          disabled={activeRun !== null || state === 'archived'}
        >
          Run now
        </Button>
        <Button icon="edit" onClick={() => setEditing(true)}>
          Edit
        </Button>
        <StateButtons
          state={state}
          patch={patch}
          remove={() => act(api.remove(`/jobs/${id}`), onGone)}
        />
      </header>
      {trouble && <ErrorNote error={trouble} />}
      <dl className="divide-y divide-line rounded-lg border border-line bg-panel">
        {schedule !== null && (
          <Fact name="Schedule">
            <span title={schedule}>{inWords(schedule)}</span>
          </Fact>
        )}
        {kind === 'chore' && (
          <Fact name="Next">{nextAt === null ? 'nothing is planned' : moment(nextAt)}</Fact>
        )}
        <Fact name="Conversation">
          <Link to={`/threads/${id}`} className="text-accent underline underline-offset-2">
            all its runs are in one thread
          </Link>
        </Fact>
      </dl>
      {body !== '' && (
        <section aria-label="What is to be done">
          <h3 className="mb-2 text-sm font-semibold">What is to be done</h3>
          <p
            className="rounded-lg border border-line bg-panel px-3 py-2 whitespace-pre-wrap"
            dir="auto"
          >
            {untwisted(body)}
          </p>
        </section>
      )}
      <section aria-label="Occurrences">
        <h3 className="mb-2 text-sm font-semibold">What became of it</h3>
        {occurrences.length === 0 ? (
          <p className="text-sm text-faint">It has not been begun yet.</p>
        ) : (
          <ol className="divide-y divide-line rounded-lg border border-line bg-panel">
            {occurrences.map((one) => (
              <OccurrenceRow key={`${one.at} ${one.run} ${one.dueAt}`} one={one} thread={id} />
            ))}
          </ol>
        )}
      </section>
      {isEditing && (
        <Dialog title="Edit the job" onClose={() => setEditing(false)}>
          <JobForm
            job={data}
            onDone={() => {
              setEditing(false)
              reload()
              onChange()
            }}
          />
        </Dialog>
      )}
    </article>
  )
}

interface StateProps {
  state: JobDetail['state']
  patch(change: object): void
  remove(): void
}

function StateButtons({ state, patch, remove }: StateProps) {
  if (state === 'archived')
    return (
      <>
        <Button onClick={() => patch({ state: 'inactive' })}>Take out of the archive</Button>
        <Button tone="danger" icon="trash" onClick={remove}>
          Delete
        </Button>
      </>
    )
  return (
    <>
      <Button onClick={() => patch({ state: state === 'active' ? 'inactive' : 'active' })}>
        {state === 'active' ? 'Switch off' : 'Switch on'}
      </Button>
      <Button tone="quiet" onClick={() => patch({ state: 'archived' })}>
        Archive
      </Button>
    </>
  )
}

const Fact = ({ name, children }: { name: string; children: ReactNode }) => (
  <div className="flex gap-3 px-3 py-1.5 text-sm">
    <dt className="w-28 shrink-0 text-soft">{name}</dt>
    <dd className="min-w-0 flex-1">{children}</dd>
  </div>
)

const REASONS = {
  missed: 'no server was running then',
  busy: 'the one before was still going on',
  inactive: 'the chore was switched off',
}

function OccurrenceRow({ one, thread }: { one: Occurrence; thread: string }) {
  const { dueAt, lastDueAt, skipped, reason, run, status, startedAt, endedAt, at } = one
  if (run === null)
    return (
      <li className="flex flex-wrap items-center gap-x-3 px-3 py-1.5 text-sm text-faint">
        <span className="w-44 tabular-nums">{moment(dueAt ?? at)}</span>
        <Badge tone="warn">skipped{skipped !== null && skipped > 1 ? ` ×${skipped}` : ''}</Badge>
        <span className="min-w-0 flex-1 max-md:basis-full">
          {reason ? REASONS[reason] : ''}
          {lastDueAt !== null && skipped !== null && skipped > 1 && `, up to ${moment(lastDueAt)}`}
        </span>
      </li>
    )
  return (
    <li className="flex flex-wrap items-center gap-x-3 px-3 py-1.5 text-sm">
      <span className="w-44 tabular-nums">{moment(startedAt ?? at)}</span>
      <Status status={status ?? 'queued'} />
      <span className="min-w-0 flex-1 text-xs text-faint max-md:order-last max-md:basis-full">
        {[
          dueAt === null ? 'by hand' : `due ${moment(dueAt)}`,
          startedAt !== null && endedAt !== null ? `took ${span(endedAt - startedAt)}` : '',
        ]
          .filter(Boolean)
          .join(', ')}
      </span>
      <Link
        to={`/log/${thread}?run=${run}`}
        className="text-xs text-accent underline underline-offset-2"
      >
        Log
      </Link>
    </li>
  )
}
