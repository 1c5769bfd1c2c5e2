/** The first words of a new thread, and who is to answer them with what. */

import { type FormEvent, useRef, useState } from 'react'
import { useAgents, useModels } from '../api/catalog.ts'
import { api } from '../api/client.ts'
import type { Receipt } from '../api/types.ts'
import { Button } from '../components/button.tsx'
import { Dialog } from '../components/dialog.tsx'
import { SelectField, TextArea } from '../components/field.tsx'
import { ErrorNote } from '../components/note.tsx'
import { navigate } from '../router.tsx'

/** In a dialog where it can be closed, else as a part of the page. */
export const NewThread = ({ onClose }: { onClose?: () => void }) =>
  onClose ? (
    <Dialog title="New thread" onClose={onClose}>
      <Form />
    </Dialog>
  ) : (
    <Form />
  )

function Form() {
  const [input, setInput] = useState('')
  const [agent, setAgent] = useState('')
  const [model, setModel] = useState('')
  const [trouble, setTrouble] = useState<unknown>(null)
  const [isBusy, setBusy] = useState(false)
  // One key for one wish: sending it again after a lost answer opens no second thread.
  const wish = useRef({ text: '', key: '' })
  const send = async (event?: FormEvent) => {
    event?.preventDefault()
    if (input.trim() === '' || isBusy) return
    const body = { input, ...(agent ? { agent } : {}), ...(model ? { model } : {}) }
    const text = JSON.stringify(body)
    if (wish.current.text !== text) wish.current = { text, key: crypto.randomUUID() }
    setBusy(true)
    setTrouble(null)
    try {
      const { thread } = await api.post<Receipt>('/runs', body, { key: wish.current.key })
      navigate(`/threads/${thread}`)
    } catch (error) {
      setTrouble(error)
      setBusy(false)
    }
  }
  return (
    <form onSubmit={(event) => void send(event)} className="flex flex-col gap-3">
      <TextArea
        label="Message"
        autoFocus
        rows={4}
        value={input}
        placeholder="What is to be done?"
        onChange={(event) => setInput(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
          event.preventDefault()
          void send()
        }}
      />
      <div className="grid gap-3 sm:grid-cols-2">
        <AgentField value={agent} onChange={setAgent} />
        <ModelField value={model} onChange={setModel} />
      </div>
      {trouble !== null && <ErrorNote error={trouble} />}
      <div className="flex items-center justify-between gap-3">
        <span className="text-xs text-faint">Enter sends, Shift+Enter begins a new line.</span>
        <Button type="submit" tone="primary" icon="send" disabled={isBusy || input.trim() === ''}>
          Send
        </Button>
      </div>
    </form>
  )
}

interface ChoiceProps {
  value: string
  onChange(value: string): void
}

function AgentField({ value, onChange }: ChoiceProps) {
  const { data } = useAgents()
  const chosen = data?.items.find((agent) => agent.name === value)
  return (
    <SelectField
      label="Agent"
      value={value}
      onChange={(event) => onChange(event.target.value)}
      hint={chosen?.about}
    >
      <option value="">assistant (default)</option>
      {data?.items
        .filter((agent) => agent.name !== 'assistant')
        .map((agent) => (
          <option key={agent.name}>{agent.name}</option>
        ))}
    </SelectField>
  )
}

function ModelField({ value, onChange }: ChoiceProps) {
  const { data } = useModels()
  return (
    <SelectField label="Model" value={value} onChange={(event) => onChange(event.target.value)}>
      <option value="">
        {data ? `As the agent says (else ${data.preferred})` : 'As the agent says'}
      </option>
      {data?.items
        .filter((model) => model.isUsable)
        .map((model) => (
          <option key={model.id} value={model.id}>
            {model.id}
          </option>
        ))}
    </SelectField>
  )
}
