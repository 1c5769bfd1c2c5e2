/** Agents: who they are, what they are told, what they may do. */

import { type FormEvent, useState } from 'react'
import { AgentView } from '../agents/agent-view.tsx'
import { useAgents } from '../api/catalog.ts'
import { api, messageOf } from '../api/client.ts'
import type { AgentSummary } from '../api/types.ts'
import { Button } from '../components/button.tsx'
import { Dialog } from '../components/dialog.tsx'
import { TextField } from '../components/field.tsx'
import { Chooser } from '../components/list.tsx'
import { ErrorNote, Standing } from '../components/note.tsx'
import { PageHead } from '../components/page-head.tsx'
import { exposed, untwisted } from '../components/plain.ts'
import { useKeys } from '../keys.tsx'
import { setQuery, usePlace } from '../router.tsx'

const keyOf = (agent: AgentSummary): string => agent.name

export function AgentsPage() {
  const { query } = usePlace()
  const agents = useAgents()
  const [isNew, setNew] = useState(false)
  const items = agents.data?.items ?? []
  const problems = agents.data?.problems ?? []
  const chosen = query.get('agent') ?? items[0]?.name ?? null
  useKeys([{ keys: 'n', about: 'New agent', group: 'Agents', run: () => setNew(true) }])
  return (
    <>
      <PageHead title="Agents" about="Each is a folder of text: settings and instructions">
        <Button tone="primary" icon="plus" onClick={() => setNew(true)}>
          New agent
        </Button>
      </PageHead>
      <Standing of={agents} />
      {problems.length > 0 && <Problems problems={problems} />}
      {agents.data && (
        <Chooser
          label="Agents"
          items={items}
          keyOf={keyOf}
          chosen={chosen}
          onChoose={(name) => setQuery({ agent: name })}
          row={(agent) => <AgentRow agent={agent} />}
        >
          {chosen && (
            <AgentView
              key={chosen}
              name={chosen}
              onChange={agents.reload}
              onGone={() => {
                setQuery({ agent: null })
                agents.reload()
              }}
            />
          )}
        </Chooser>
      )}
      {isNew && (
        <NewAgent
          onClose={() => setNew(false)}
          onMade={(name) => {
            setNew(false)
            agents.reload()
            setQuery({ agent: name })
          }}
        />
      )}
    </>
  )
}

const AgentRow = ({ agent: { name, about, model } }: { agent: AgentSummary }) => (
  <>
    <span className="font-medium">{name}</span>
    <span className="line-clamp-2 text-xs text-soft" dir="auto">
      {untwisted(about)}
    </span>
    <span className="text-xs text-soft">{model ?? 'default model'}</span>
  </>
)

const Problems = ({ problems }: { problems: { file: string; problem: string }[] }) => (
  <ul className="border-b border-line bg-warn-soft px-4 py-2 text-sm text-warn">
    {problems.map(({ file, problem }) => (
      <li key={file + problem}>
        <code className="font-mono text-xs">{exposed(file)}</code>: {exposed(problem)}
      </li>
    ))}
  </ul>
)

function NewAgent({ onClose, onMade }: { onClose(): void; onMade(name: string): void }) {
  const [name, setName] = useState('')
  const [trouble, setTrouble] = useState<string | null>(null)
  const make = (event: FormEvent) => {
    event.preventDefault()
    const instructions = `# ${name}\n\nSay here who you are and how you work.\n`
    api.post('/agents', { name, instructions }).then(
      () => onMade(name),
      (error) => setTrouble(messageOf(error)),
    )
  }
  return (
    <Dialog title="New agent" onClose={onClose}>
      <form onSubmit={make} className="flex flex-col gap-4">
        <TextField
          label="Name"
          required
          value={name}
          onChange={(event) => setName(event.target.value)}
          hint="Letters, digits, dots, dashes and underscores: it is a folder's name too."
        />
        {trouble && <ErrorNote error={trouble} />}
        <Button type="submit" tone="primary" disabled={name.trim() === ''}>
          Make it
        </Button>
      </form>
    </Dialog>
  )
}
