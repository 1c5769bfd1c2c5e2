/** A job being written: what is to be done, by whom, and how often. The server says what is wrong. */

import { type FormEvent, useState } from 'react'
import { useAgents } from '../api/catalog.ts'
import { api, messageOf } from '../api/client.ts'
import { Button } from '../components/button.tsx'
import { SelectField, TextArea, TextField } from '../components/field.tsx'
import { ErrorNote } from '../components/note.tsx'
import { EXAMPLES, inWords } from './schedule.ts'
import type { Job } from './types.ts'

interface Props {
  /** Absent: a new one. */
  job?: Job
  onDone(job: Job): void
}

export function JobForm({ job, onDone }: Props) {
  const agents = useAgents()
  const [kind, setKind] = useState(job?.kind ?? 'task')
  const [title, setTitle] = useState(job?.title ?? '')
  const [body, setBody] = useState(job?.body ?? '')
  const [schedule, setSchedule] = useState(job?.schedule ?? EXAMPLES[1]?.[1] ?? '')
  const [agent, setAgent] = useState(job?.agent ?? '')
  const [trouble, setTrouble] = useState<string | null>(null)
  const [isBusy, setBusy] = useState(false)
  const save = (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    setTrouble(null)
    const timed = kind === 'chore' ? { schedule } : {}
    const said = { title: title.trim() || null, body, ...timed }
    const sent = job
      ? api.patch<Job>(`/jobs/${job.id}`, said)
      : api.post<Job>('/jobs', { kind, ...said, ...(agent ? { agent } : {}) })
    sent.then(onDone, (error) => {
      setTrouble(messageOf(error))
      setBusy(false)
    })
  }
  return (
    <form onSubmit={save} className="flex flex-col gap-4">
      {!job && (
        <SelectField
          label="Kind"
          value={kind}
          onChange={(event) => setKind(event.target.value as Job['kind'])}
        >
          <option value="task">Task: done once</option>
          <option value="chore">Chore: comes again</option>
        </SelectField>
      )}
      <TextField label="Title" value={title} onChange={(event) => setTitle(event.target.value)} />
      <TextArea
        label="What is to be done"
        rows={6}
        value={body}
        onChange={(event) => setBody(event.target.value)}
        hint="It is said to the agent as a message."
      />
      {kind === 'chore' && <ScheduleField schedule={schedule} onSchedule={setSchedule} />}
      {!job && (
        <SelectField label="Agent" value={agent} onChange={(event) => setAgent(event.target.value)}>
          <option value="">the one that is there by default</option>
          {agents.data?.items.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </SelectField>
      )}
      {trouble && <ErrorNote error={trouble} />}
      <Button type="submit" tone="primary" disabled={isBusy}>
        {job ? 'Save' : 'Make it'}
      </Button>
    </form>
  )
}

function ScheduleField({
  schedule,
  onSchedule,
}: {
  schedule: string
  onSchedule(schedule: string): void
}) {
  return (
    <div className="flex flex-col gap-2">
      <TextField
        label="Schedule"
        required
        value={schedule}
        onChange={(event) => onSchedule(event.target.value)}
        hint={`A recurrence rule (RFC 5545): ${inWords(schedule)}`}
        className="field font-mono"
      />
      <div className="flex flex-wrap gap-1.5">
        {EXAMPLES.map(([name, rule]) => (
          <Button key={rule} tone="quiet" onClick={() => onSchedule(rule)}>
            {name}
          </Button>
        ))}
      </div>
    </div>
  )
}
