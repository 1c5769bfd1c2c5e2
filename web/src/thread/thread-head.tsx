/** The top of a thread: its title, which can be changed, and what is done to the thread as a whole. */

import { type FormEvent, useState } from 'react'
import { api } from '../api/client.ts'
import { Badge, DialectBadge } from '../components/badge.tsx'
import { Button, IconButton } from '../components/button.tsx'
import { Dialog } from '../components/dialog.tsx'
import { TextField } from '../components/field.tsx'
import { Icon } from '../components/icon.tsx'
import { untwisted } from '../components/plain.ts'
import { Link, navigate } from '../router.tsx'
import type { Conversation } from './entry.ts'
import { ThreadFacts } from './thread-facts.tsx'
import type { Action } from './use-action.ts'

interface Props {
  thread: string
  title: string
  conversation: Conversation
  action: Action
}

export function ThreadHead({ thread, title, conversation, action }: Props) {
  const [open, setOpen] = useState<'rename' | 'delete' | 'facts' | null>(null)
  const { agent, dialect, parent } = conversation
  const close = () => setOpen(null)
  return (
    <header className="flex shrink-0 items-center gap-2 border-b border-line bg-panel px-3 py-2">
      <Link
        to={parent ? `/threads/${parent.thread}` : '/threads'}
        aria-label={parent ? 'To the thread that gave the task' : 'All threads'}
        title={parent ? 'To the thread that gave the task' : 'All threads (u)'}
        className="inline-flex size-7 items-center justify-center rounded-md text-soft hover:bg-sunk"
      >
        <Icon name="left" />
      </Link>
      <h1 className="min-w-0 truncate font-semibold" dir="auto">
        {untwisted(title)}
      </h1>
      <IconButton icon="edit" label="Rename" onClick={() => setOpen('rename')} />
      <span className="flex items-center gap-1.5 max-sm:hidden">
        <Badge>{agent}</Badge>
        <DialectBadge dialect={dialect} />
      </span>
      <span className="ml-auto flex items-center">
        <Button
          tone="quiet"
          icon="shrink"
          title="Have older messages summed up, so that the model reads less"
          onClick={() => void action.run(() => api.post(`/threads/${thread}/compact`))}
        >
          <span className="max-md:sr-only">Compact</span>
        </Button>
        <Link
          to={`/log/${thread}`}
          className="inline-flex min-h-8 items-center gap-1.5 rounded-md px-3 py-1 text-sm font-medium text-soft hover:bg-sunk hover:text-ink"
        >
          <Icon name="log" size={15} />
          <span className="max-md:sr-only">Log</span>
        </Link>
        <IconButton
          icon="info"
          label="What it has used"
          className="lg:hidden"
          onClick={() => setOpen('facts')}
        />
        <IconButton icon="trash" label="Delete the thread" onClick={() => setOpen('delete')} />
      </span>
      {open === 'facts' && (
        <Dialog title="This thread" onClose={close} width="max-w-sm">
          <ThreadFacts conversation={conversation} />
        </Dialog>
      )}
      {open === 'rename' && <Rename {...{ thread, title, action, close }} />}
      {open === 'delete' && <Delete {...{ thread, action, close }} />}
    </header>
  )
}

interface DialogProps {
  thread: string
  action: Action
  close(): void
}

function Rename({ thread, title, action, close }: DialogProps & { title: string }) {
  const [text, setText] = useState(title)
  const save = async (event: FormEvent) => {
    event.preventDefault()
    await action.run(() => api.patch(`/threads/${thread}`, { title: text.trim() || null }))
    close()
  }
  return (
    <Dialog title="Rename the thread" onClose={close}>
      <form onSubmit={(event) => void save(event)} className="flex flex-col gap-3">
        <TextField
          label="Title"
          autoFocus
          maxLength={500}
          value={text}
          onChange={(event) => setText(event.target.value)}
          hint="Empty: the first words of the conversation."
        />
        <div>
          <Button type="submit" tone="primary" disabled={action.isBusy}>
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

function Delete({ thread, action, close }: DialogProps) {
  const erase = async () => {
    const isDone = await action.run(() => api.remove(`/threads/${thread}`))
    if (isDone) navigate('/threads')
    else close()
  }
  return (
    <Dialog title="Delete this thread?" onClose={close}>
      <p>What goes on in it is ended, and its log is erased. This cannot be undone.</p>
      <div className="mt-4 flex gap-2">
        <Button tone="danger" icon="trash" disabled={action.isBusy} onClick={() => void erase()}>
          Delete
        </Button>
        <Button onClick={close}>Keep it</Button>
      </div>
    </Dialog>
  )
}
