/** Tasks and chores: what is planned, what became of it, and doing it now. */

import { useState } from 'react'
import { api } from '../api/client.ts'
import { useResource } from '../api/resource.ts'
import { Badge, Status } from '../components/badge.tsx'
import { Button } from '../components/button.tsx'
import { Dialog } from '../components/dialog.tsx'
import { moment } from '../components/figure.ts'
import { Chooser } from '../components/list.tsx'
import { Empty, Standing } from '../components/note.tsx'
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
  const jobs = useResource(
    `jobs ${isArchive}`,
    (signal) => api.get<{ items: Job[] }>('/jobs', { archived: isArchive }, { signal }),
    { everyMs: 2500 },
  )
  const { data, reload } = jobs
  const items = data?.items ?? []
  const chosen = query.get('job')
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
      <Standing of={jobs} />
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
        <Chooser
          label="Jobs"
          items={items}
          keyOf={keyOf}
          chosen={chosen}
          onChoose={(id) => setQuery({ job: id })}
          row={(job) => <JobRow job={job} />}
        >
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
        </Chooser>
      )}
      {isNew && (
        <Dialog title="New job" onClose={() => setNew(false)}>
          <JobForm onDone={made} />
        </Dialog>
      )}
    </>
  )
}

const JobRow = ({ job }: { job: Job }) => (
  <>
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
  </>
)
