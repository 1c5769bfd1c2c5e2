/**
 * What waits for the run to end, in order: changed, moved by drag or by keys, dropped, or put in front.
 * The order shown is the log's; what a person does is sent, and comes back as an event.
 */

import { type DragEvent, type KeyboardEvent, useRef, useState } from 'react'
import { api } from '../api/client.ts'
import { Button, IconButton } from '../components/button.tsx'
import { Icon } from '../components/icon.tsx'
import { ErrorNote } from '../components/note.tsx'
import { untwisted } from '../components/plain.ts'
import { wordsOf } from './attachment.tsx'
import type { Waiting } from './entry.ts'
import { type Action, useAction } from './use-action.ts'

interface Props {
  thread: string
  queue: Waiting[]
}

export function QueueList({ thread, queue }: Props) {
  const action = useAction()
  const [over, setOver] = useState<number | null>(null)
  const dragged = useRef<string | null>(null)
  const at = `/threads/${thread}/queue`
  const move = (run: string, place: number) => {
    if (place < 0 || place >= queue.length) return
    void action.run(() => api.patch(`${at}/${run}`, { place }))
  }
  if (queue.length === 0) return null
  return (
    <section aria-label="Queue" className="flex min-w-0 flex-col gap-2">
      <h2 className="flex items-baseline justify-between text-sm font-semibold">
        Queue <span className="text-xs font-normal text-faint">{queue.length} waiting</span>
      </h2>
      {action.trouble !== null && <ErrorNote error={action.trouble} />}
      <ol className="flex flex-col gap-1.5">
        {queue.map((waiting, place) => (
          <li
            key={waiting.run}
            draggable
            onDragStart={(event: DragEvent) => {
              dragged.current = waiting.run
              event.dataTransfer.effectAllowed = 'move'
              event.dataTransfer.setData('text/plain', waiting.run)
            }}
            onDragOver={(event: DragEvent) => {
              if (dragged.current === null) return
              event.preventDefault()
              setOver(place)
            }}
            onDragLeave={() => setOver(null)}
            onDragEnd={() => {
              dragged.current = null
              setOver(null)
            }}
            onDrop={(event: DragEvent) => {
              event.preventDefault()
              if (dragged.current) move(dragged.current, place)
              dragged.current = null
              setOver(null)
            }}
            className={`rounded-md border bg-panel ${over === place ? 'border-accent' : 'border-line'}`}
          >
            <Row {...{ waiting, place, action, at, move }} count={queue.length} />
          </li>
        ))}
      </ol>
    </section>
  )
}

const KINDS = { compact: 'Sum up the conversation', call: 'Call a tool' }

interface RowProps {
  waiting: Waiting
  place: number
  count: number
  action: Action
  at: string
  move(run: string, place: number): void
}

function Row({ waiting, place, count, action, at, move }: RowProps) {
  const { run, input, kind } = waiting
  const [text, setText] = useState<string | null>(null)
  const words = kind === 'message' ? wordsOf(input) : KINDS[kind]
  const isPlain = kind === 'message' && input.every((part) => part.kind === 'text')
  const edit = () => setText(input.map((p) => (p.kind === 'text' ? p.text : '')).join('\n'))
  const drop = () => void action.run(() => api.remove(`${at}/${run}`))
  const promote = (interrupt: boolean) =>
    void action.run(() => api.post(`${at}/${run}/promote`, { interrupt }))
  const keys: Record<string, () => void> = {
    'alt+ArrowUp': () => move(run, place - 1),
    'alt+ArrowDown': () => move(run, place + 1),
    Delete: drop,
    p: () => promote(false),
    ...(isPlain ? { Enter: edit } : {}),
  }
  const hear = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget) return
    const run = keys[`${event.altKey ? 'alt+' : ''}${event.key}`]
    if (!run) return
    event.preventDefault()
    event.stopPropagation()
    run()
  }
  if (text !== null)
    return (
      <form
        className="flex flex-col gap-2 p-2"
        onSubmit={(event) => {
          event.preventDefault()
          void action
            .run(() => api.patch(`${at}/${run}`, { input: text }))
            .then((isDone) => isDone && setText(null))
        }}
        onKeyDown={(event) => event.key === 'Escape' && setText(null)}
      >
        <textarea
          aria-label="Waiting message"
          autoFocus
          rows={3}
          className="field"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <div className="flex gap-2">
          <Button type="submit" tone="primary" disabled={action.isBusy || text.trim() === ''}>
            Save
          </Button>
          <Button tone="quiet" onClick={() => setText(null)}>
            Back
          </Button>
        </div>
      </form>
    )
  return (
    // biome-ignore lint/a11y/useSemanticElements: a group of controls that itself hears keys.
    <div
      role="group"
      // The name says how to use it without a mouse.
      aria-label={`Place ${place + 1} of ${count}: ${untwisted(words)}. Alt and arrows move it, Enter edits, p puts it first, Delete drops it.`}
      tabIndex={0}
      onKeyDown={hear}
      className="flex flex-col gap-1 rounded-md p-2"
    >
      <div className="flex min-w-0 items-start gap-1.5">
        <span className="mt-0.5 cursor-grab text-faint" title="Drag to another place">
          <Icon name="grip" />
        </span>
        <p className="line-clamp-3 min-w-0 flex-1 text-sm" dir="auto">
          {untwisted(words)}
        </p>
      </div>
      <div className="flex items-center">
        <IconButton
          icon="up"
          label="Earlier (Alt+↑)"
          disabled={place === 0 || action.isBusy}
          onClick={() => move(run, place - 1)}
        />
        <IconButton
          icon="down"
          label="Later (Alt+↓)"
          disabled={place === count - 1 || action.isBusy}
          onClick={() => move(run, place + 1)}
        />
        {isPlain && <IconButton icon="edit" label="Edit (Enter)" onClick={edit} />}
        <IconButton icon="trash" label="Drop (Del)" disabled={action.isBusy} onClick={drop} />
        <Button
          tone="quiet"
          className="ml-auto"
          disabled={action.isBusy}
          onClick={() => promote(true)}
          title="Ends the run that is going on and begins with this"
        >
          Run now
        </Button>
      </div>
    </div>
  )
}
