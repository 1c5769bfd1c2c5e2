/**
 * An agent's files being edited: its instructions, its settings as fields and rules, and all of its
 * settings as text. What the server would report as a mistake it refuses to write, and says why.
 */

import { type FormEvent, useState } from 'react'
import { useModels } from '../api/catalog.ts'
import { api, messageOf, Refusal } from '../api/client.ts'
import { Button } from '../components/button.tsx'
import { SelectField, TextArea, TextField } from '../components/field.tsx'
import { ErrorNote } from '../components/note.tsx'
import { useKeys } from '../keys.tsx'
import { type Config, configIn, textOf, valueAt, withValue } from './config-text.ts'
import { RulesForm } from './rules-form.tsx'
import type { AgentSource } from './types.ts'

interface Props {
  source: AgentSource
  onSaved(): void
}

export function SourceForm({ source, onSaved }: Props) {
  const { name, isWritable, revision } = source
  const before = { instructions: source.instructions, config: textOf(source.config) }
  const [instructions, setInstructions] = useState(before.instructions)
  const [text, setText] = useState(before.config)
  const [trouble, setTrouble] = useState<string | null>(null)
  const [isStale, setStale] = useState(false)
  const [said, setSaid] = useState('')
  const config = configIn(text)
  const isChanged = instructions !== before.instructions || text !== before.config
  const save = (event?: FormEvent) => {
    event?.preventDefault()
    if (typeof config === 'string' || !isChanged) return
    setTrouble(null)
    const body = { config, instructions, ...(revision ? { revision } : {}) }
    api.put(`/agents/${encodeURIComponent(name)}`, body).then(
      () => {
        setSaid('Saved. It counts from the next step of every run on.')
        onSaved()
      },
      (error) => {
        setTrouble(messageOf(error))
        setStale(error instanceof Refusal && error.code === 'stale')
      },
    )
  }
  useKeys([
    { keys: 'mod+s', about: 'Save the agent', group: 'Agents', inFields: true, run: () => save() },
  ])
  return (
    <form onSubmit={save} className="flex flex-col gap-4">
      {source.problems.map((problem) => (
        <ErrorNote key={problem} error={problem} />
      ))}
      <fieldset disabled={!isWritable} className="flex flex-col gap-4">
        <TextArea
          label="Instructions"
          rows={Math.max(6, Math.min(20, instructions.split('\n').length + 1))}
          value={instructions}
          onChange={(event) => setInstructions(event.target.value)}
          className="field font-mono text-sm leading-relaxed"
          hint="What the agent is told before every conversation: SOUL.md in its folder."
        />
        {typeof config !== 'string' && (
          <>
            <Fields config={config} onConfig={(next) => setText(textOf(next))} />
            <RulesForm config={config} onConfig={(next) => setText(textOf(next))} />
          </>
        )}
        <details open={typeof config === 'string'}>
          <summary className="text-sm font-medium">All settings</summary>
          <div className="mt-2">
            <TextArea
              label="agent.json"
              rows={Math.min(24, text.split('\n').length + 1)}
              value={text}
              spellCheck={false}
              aria-invalid={typeof config === 'string'}
              onChange={(event) => setText(event.target.value)}
              className="field font-mono text-xs leading-relaxed"
            />
          </div>
        </details>
      </fieldset>
      {typeof config === 'string' && <ErrorNote error={config} />}
      {trouble && <ErrorNote error={trouble} />}
      {isStale && <Button onClick={onSaved}>Read it again, without the changes made here</Button>}
      <div className="flex flex-wrap items-center gap-3">
        <Button
          type="submit"
          tone="primary"
          disabled={!isWritable || !isChanged || typeof config === 'string'}
        >
          Save
        </Button>
        {isChanged && (
          <Button
            tone="quiet"
            onClick={() => {
              setInstructions(before.instructions)
              setText(before.config)
              setTrouble(null)
            }}
          >
            Undo the changes
          </Button>
        )}
        <span role="status" className="text-sm text-good">
          {!isChanged && said}
        </span>
        {!isWritable && (
          <span className="text-sm text-soft">
            Its folder is only read by this server: edit the files there.
          </span>
        )}
      </div>
    </form>
  )
}

const PRESETS = ['full', 'coding', 'readonly', 'none']

function Fields({ config, onConfig }: { config: Config; onConfig(config: Config): void }) {
  const models = useModels()
  const model = text(valueAt(config, 'model'))
  const usable = (models.data?.items ?? []).filter((m) => m.isUsable || m.id === model)
  const put = (path: string, value: unknown) => onConfig(withValue(config, path, value))
  return (
    <div className="grid grid-cols-[repeat(auto-fit,minmax(min(100%,14rem),1fr))] gap-4">
      <TextField
        label="What it is for"
        value={text(valueAt(config, 'description'))}
        onChange={(event) => put('description', event.target.value || undefined)}
      />
      <SelectField
        label="Model"
        value={model}
        onChange={(event) => put('model', event.target.value || null)}
      >
        <option value="">the server's default ({models.data?.preferred ?? '…'})</option>
        {model !== '' && !usable.some((m) => m.id === model) && <option>{model}</option>}
        {usable.map(({ id }) => (
          <option key={id}>{id}</option>
        ))}
      </SelectField>
      <SelectField
        label="Tools"
        value={text(valueAt(config, 'tools.preset')) || 'full'}
        onChange={(event) => put('tools.preset', event.target.value)}
      >
        {PRESETS.map((preset) => (
          <option key={preset}>{preset}</option>
        ))}
      </SelectField>
      <NumberField label="Most turns of a run" path="limits.turns" {...{ config, put }} />
      <NumberField label="Ask above US dollars" path="limits.costUsd" {...{ config, put }} />
      <NumberField label="Temperature" path="temperature" {...{ config, put }} />
    </div>
  )
}

interface NumberProps {
  label: string
  path: string
  config: Config
  put(path: string, value: unknown): void
}

const NumberField = ({ label, path, config, put }: NumberProps) => (
  <TextField
    label={label}
    type="number"
    step="any"
    min={0}
    value={text(valueAt(config, path))}
    placeholder="default"
    onChange={(event) =>
      put(path, event.target.value === '' ? undefined : Number(event.target.value))
    }
  />
)

const text = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : ''
