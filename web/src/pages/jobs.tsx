/** Tasks and chores: what is planned, what became of it, and doing it now. */

import { useCallback, useState } from 'react'
import { api } from '../api/client.ts'
import { useResource } from '../api/resource.ts'
import { Badge, Status } from '../components/badge.tsx'
import { Button } from '../components/button.tsx'
import { Dialog } from '../components/dialog.tsx'
import { moment } from '../components/figure.ts'
import { useListKeys } from '../components/list-keys.ts'
import { Empty, ErrorNote, Loading } from '../components/note.tsx'
import { PageHead } from '../components/page-head.tsx'
import { untwisted } from '../components/plain.ts'
import { JobForm } from '../jobs/job-form.tsx'
import { JobView } from '../jobs/job-view.tsx'
import { inWords } from '../jobs/schedule.ts'
import { type Job, nameOf, standing } from '../jobs/types.ts'
import { useKeys } from '../keys.tsx'
import { setQuery, usePlace } from '../router.tsx'

const keyOf = (job: Job): string => job.id

export function JobsPage() {
  const { query } = usePlace()
  const isArchive = query.get('archived') === 'true'
  const [isNew, setNew] = useState(false)
  const { data, error, isLoading, reload } = useResource(
    `jobs ${isArchive}`,
    (signal) => api.get<{ items: Job[] }>('/jobs', { archived: isArchive }, { signal }),
    { everyMs: 2500 },
  )
  const items = data?.items ?? []
  const chosen = query.get('job')
  const open = useCallback((job: Job) => setQuery({ job: job.id }), [])
  const [current] = useListKeys({ items, keyOf, group: 'Jobs', open })
  useKeys([{ keys: 'n', about: 'New job', group: 'Jobs', run: () => setNew(true) }])
  const made = (job: Job) => {
    setNew(false)
    reload()
    setQuery({ job: job.id, archived: null })
  }
  return (
    <>
      <PageHead title="Jobs" about="Tasks are done once, chores come again on a schedule">
        <Button
          aria-pressed={isArchive}
          onClick={() => setQuery({ archived: isArchive ? null : 'true', job: null })}
        >
          {isArchive ? 'Leave the archive' : 'Archive'}
        </Button>
        <Button tone="primary" icon="plus" onClick={() => setNew(true)}>
          New job
        </Button>
      </PageHead>
      {error && (
        <div className="p-3">
          <ErrorNote error={error} onRetry={reload} />
        </div>
      )}
      {!data && isLoading && <Loading />}
      {data && items.length === 0 && !chosen && (
        <Empty icon="jobs" title={isArchive ? 'The archive is empty' : 'No jobs yet'}>
          {!isArchive && (
            <Button tone="primary" onClick={() => setNew(true)}>
              Have an agent do something regularly
            </Button>
          )}
        </Empty>
      )}
      {data && (items.length > 0 || chosen) && (
        <div className="flex min-h-0 flex-1 max-md:flex-col">
          <ul
            aria-label="Jobs"
            className="shrink-0 overflow-y-auto border-line bg-panel max-md:max-h-56 max-md:border-b md:w-80 md:border-r"
          >
            {items.map((job) => (
              <li key={job.id}>
                <JobRow job={job} isOpen={job.id === chosen} isCurrent={job.id === current} />
              </li>
            ))}
          </ul>
          <div className="min-h-0 min-w-0 flex-1 overflow-y-auto p-4">
            {chosen ? (
              <JobView
                key={chosen}
                id={chosen}
                onChange={reload}
                onGone={() => setQuery({ job: null })}
              />
            ) : (
              <p className="py-10 text-center text-faint">Choose a job to see what became of it.</p>
            )}
          </div>
        </div>
      )}
      {isNew && (
        <Dialog title="New job" onClose={() => setNew(false)}>
          <JobForm onDone={made} />
        </Dialog>
      )}
    </>
  )
}

interface RowProps {
  job: Job
  isOpen: boolean
  isCurrent: boolean
}

const JobRow = ({ job, isOpen, isCurrent }: RowProps) => (
  <button
    type="button"
    aria-current={isOpen ? 'true' : undefined}
    onClick={() => setQuery({ job: job.id })}
    className={`flex w-full flex-col gap-0.5 border-b border-line px-4 py-2 text-left hover:bg-sunk ${
      isOpen ? 'bg-accent-soft' : ''
    } ${isCurrent ? 'shadow-[inset_3px_0_0] shadow-accent' : ''}`}
  >
    <span className="flex w-full items-center gap-2">
      <span className="min-w-0 flex-1 truncate font-medium" dir="auto">
        {untwisted(nameOf(job))}
      </span>
      <Badge>{job.kind}</Badge>
    </span>
    <span className="flex w-full items-center gap-2 text-xs text-soft">
      <Status status={standing(job)} />
      <span className="min-w-0 flex-1 truncate text-right">
        {job.nextAt !== null ? moment(job.nextAt) : job.schedule ? inWords(job.schedule) : ''}
      </span>
    </span>
  </button>
)
