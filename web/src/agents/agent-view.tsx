/** One agent: whether its model answers, its files, what it may do, and what it has been allowed. */

import { useState } from 'react'
import { api, messageOf } from '../api/client.ts'
import { useResource } from '../api/resource.ts'
import { Button } from '../components/button.tsx'
import { Dialog } from '../components/dialog.tsx'
import { ErrorNote, Loading } from '../components/note.tsx'
import { untwisted } from '../components/plain.ts'
import { Abilities } from './abilities.tsx'
import { ModelCheck } from './model-check.tsx'
import { Grants, Permissions } from './permissions.tsx'
import { SourceForm } from './source-form.tsx'
import type { Agent, AgentSource } from './types.ts'

interface Props {
  name: string
  onChange(): void
  onGone(): void
}

export function AgentView({ name, onChange, onGone }: Props) {
  const at = `/agents/${encodeURIComponent(name)}`
  const load =
    <T,>(part: string) =>
    (signal: AbortSignal) =>
      api.get<T>(at + part, {}, { signal })
  const agent = useResource(`agent ${name}`, load<Agent>(''))
  const source = useResource(`source ${name}`, load<AgentSource>('/source'))
  const [trouble, setTrouble] = useState<string | null>(null)
  const reload = () => {
    agent.reload()
    source.reload()
    onChange()
  }
  const [isLeaving, setLeaving] = useState(false)
  const remove = () => {
    setLeaving(false)
    api.remove(at).then(onGone, (error) => setTrouble(messageOf(error)))
  }
  const { data } = agent
  return (
    <article aria-label={name} className="mx-auto flex max-w-3xl flex-col gap-6">
      <header className="flex flex-wrap items-start gap-2">
        <div className="min-w-0 flex-1 basis-56">
          <h2 className="text-xl font-semibold">{name}</h2>
          <p className="text-soft" dir="auto">
            {data ? untwisted(data.about) : ''}
          </p>
        </div>
        {source.data?.isWritable && data?.folder !== null && (
          <Button tone="danger" icon="trash" onClick={() => setLeaving(true)}>
            Remove
          </Button>
        )}
      </header>
      {trouble && <ErrorNote error={trouble} />}
      <ModelCheck key={`${name} ${data?.model}`} at={at} model={data?.model ?? null} />
      {source.data && (
        <SourceForm key={`${name} ${source.data.revision}`} source={source.data} onSaved={reload} />
      )}
      {!source.data && source.error && <ErrorNote error={source.error.message} />}
      {!source.data && source.isLoading && <Loading />}
      {data && <Permissions agent={data} />}
      <Grants name={name} />
      {data && <Abilities agent={data} />}
      {isLeaving && (
        <Dialog title={`Remove ${name}?`} onClose={() => setLeaving(false)}>
          <p className="mb-4">
            Its folder goes, with its settings and instructions. Its threads stay, and can go on
            with another agent.
          </p>
          <Button tone="danger" icon="trash" onClick={remove}>
            Remove the agent
          </Button>
        </Dialog>
      )}
    </article>
  )
}
