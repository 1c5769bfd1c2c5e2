/**
 * Where a person writes. On a busy thread it says what is to become of the words: wait, go into the
 * run that is going on, or take its place. A draft stays when the page is left.
 */

import {
  type ClipboardEvent,
  type DragEvent,
  type RefObject,
  useEffect,
  useRef,
  useState,
} from 'react'
import { api } from '../api/client.ts'
import type { InputPart, Receipt } from '../api/types.ts'
import { Button, IconButton } from '../components/button.tsx'
import { ErrorNote } from '../components/note.tsx'
import { Parts } from './attachment.tsx'
import { useAction } from './use-action.ts'

export type Busy = 'queue' | 'steer' | 'interrupt'

const CHOICES: { value: Busy; label: string; about: string }[] = [
  { value: 'queue', label: 'Queue', about: 'Waits until the run has ended' },
  { value: 'steer', label: 'Steer', about: 'The run reads it before its next step' },
  { value: 'interrupt', label: 'Interrupt', about: 'Ends the run and begins with this' },
]

/** Something that is to be said instead of what a run was given. */
export interface Revision {
  run: string
  text: string
}

interface Props {
  thread: string
  isBusy: boolean
  revision: Revision | null
  onRevised(): void
  field: RefObject<HTMLTextAreaElement | null>
}

const MOST_BYTES = 5_000_000

export function Composer({ thread, isBusy, revision, onRevised, field }: Props) {
  const [text, setText] = useDraft(thread)
  const [files, setFiles] = useState<InputPart[]>([])
  const [busy, setBusy] = useState<Busy>('queue')
  const action = useAction()
  const wish = useRef({ said: '', key: '' })

  // biome-ignore lint/correctness/useExhaustiveDependencies: a revision is taken over once.
  useEffect(() => {
    if (!revision) return
    setText(revision.text)
    field.current?.focus()
  }, [revision])
  useGrowth(field, text)

  const send = async () => {
    if ((text.trim() === '' && files.length === 0) || action.isBusy) return
    const said: InputPart[] = text.trim() === '' ? [] : [{ kind: 'text', text }]
    const input = files.length > 0 ? [...said, ...files] : text
    const path = revision ? `/runs/${revision.run}/retry` : `/threads/${thread}/submit`
    const body = revision ? { input } : { input, busy }
    // One key for one wish: what is sent again after a lost answer is not said twice.
    const wanted = JSON.stringify([path, body])
    if (wish.current.said !== wanted) wish.current = { said: wanted, key: crypto.randomUUID() }
    const isDone = await action.run(() => api.post<Receipt>(path, body, { key: wish.current.key }))
    if (!isDone) return
    wish.current = { said: '', key: '' }
    setText('')
    setFiles([])
    onRevised()
  }

  const attach = (list: FileList | null) => {
    for (const file of list ?? [])
      void partOf(file).then(
        (part) => setFiles((before) => [...before, part]),
        (error) => void action.run(() => Promise.reject(error)),
      )
  }

  return (
    <form
      className="mx-auto flex w-full max-w-3xl flex-col gap-2 px-4 pb-3"
      onSubmit={(event) => {
        event.preventDefault()
        void send()
      }}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event: DragEvent) => {
        if (event.dataTransfer.files.length === 0) return
        event.preventDefault()
        attach(event.dataTransfer.files)
      }}
    >
      {action.trouble !== null && <ErrorNote error={action.trouble} />}
      {revision && (
        <p className="flex items-center gap-2 text-xs text-warn">
          Said instead of the earlier message: it and all after it no longer count.
          <Button
            tone="quiet"
            onClick={() => {
              setText('')
              onRevised()
            }}
          >
            Leave it as it was
          </Button>
        </p>
      )}
      <Files files={files} drop={(gone) => setFiles(files.filter((file) => file !== gone))} />
      <div className="flex items-end gap-2 rounded-lg border border-edge bg-panel p-1.5 focus-within:border-accent">
        <textarea
          ref={field}
          aria-label="Message"
          rows={1}
          value={text}
          placeholder={isBusy ? 'Say more…' : 'Say something…'}
          className="max-h-48 min-h-8 min-w-0 flex-1 resize-none bg-transparent px-2 py-1.5 outline-none"
          onChange={(event) => setText(event.target.value)}
          onPaste={(event: ClipboardEvent) => attach(event.clipboardData.files)}
          onKeyDown={(event) => {
            if (event.key === 'Escape') field.current?.blur()
            if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
            event.preventDefault()
            void send()
          }}
        />
        <label
          title="Attach an image or a file"
          className="inline-flex size-8 cursor-pointer items-center justify-center rounded-md text-soft hover:bg-sunk focus-within:outline-2 focus-within:outline-accent"
        >
          <span aria-hidden="true" className="text-lg">
            +
          </span>
          <input
            type="file"
            multiple
            aria-label="Attach an image or a file"
            className="sr-only"
            onChange={(event) => {
              attach(event.target.files)
              event.target.value = ''
            }}
          />
        </label>
        <Button
          type="submit"
          tone="primary"
          icon="send"
          disabled={action.isBusy || (text.trim() === '' && files.length === 0)}
        >
          <span className="max-sm:sr-only">Send</span>
        </Button>
      </div>
      <div className="flex min-h-6 flex-wrap items-center gap-x-3 text-xs text-faint">
        {isBusy && !revision ? (
          <BusyChoice value={busy} onChange={setBusy} />
        ) : (
          <span>Enter sends, Shift+Enter begins a new line</span>
        )}
      </div>
    </form>
  )
}

function BusyChoice({ value, onChange }: { value: Busy; onChange(value: Busy): void }) {
  return (
    <fieldset className="flex flex-wrap items-center gap-x-3">
      <legend className="sr-only">What becomes of it while a run is going on</legend>
      {CHOICES.map((choice) => (
        <label
          key={choice.value}
          title={choice.about}
          className={`flex cursor-pointer items-center gap-1 ${value === choice.value ? 'font-medium text-ink' : ''}`}
        >
          <input
            type="radio"
            name="busy"
            className="accent-accent"
            checked={value === choice.value}
            onChange={() => onChange(choice.value)}
          />
          {choice.label}
        </label>
      ))}
      <span className="max-sm:hidden">{CHOICES.find((c) => c.value === value)?.about}</span>
    </fieldset>
  )
}

const Files = ({ files, drop }: { files: InputPart[]; drop(file: InputPart): void }) =>
  files.length > 0 && (
    <ul className="flex flex-wrap gap-2">
      {files.map((file, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two files may be the same.
        <li key={i} className="flex items-start gap-1 [&_img]:max-h-16">
          <Parts parts={[file]} />
          <IconButton icon="cross" label="Leave it out" onClick={() => drop(file)} />
        </li>
      ))}
    </ul>
  )

async function partOf(file: File): Promise<InputPart> {
  if (file.size > MOST_BYTES) throw new Error(`${file.name} is larger than 5 MB.`)
  const bytes = new Uint8Array(await file.arrayBuffer())
  let binary = ''
  for (let at = 0; at < bytes.length; at += 32_768)
    binary += String.fromCharCode(...bytes.subarray(at, at + 32_768))
  const media = file.type || 'application/octet-stream'
  const kind = media.startsWith('image/') ? 'image' : media.startsWith('audio/') ? 'audio' : 'file'
  return { kind, media, name: file.name, data: btoa(binary) }
}

/** What was being written here, until it is sent. */
function useDraft(thread: string): [string, (text: string) => void] {
  const place = `manifold.draft.${thread}`
  const [text, setText] = useState(() => sessionStorage.getItem(place) ?? '')
  return [
    text,
    (next) => {
      setText(next)
      if (next === '') sessionStorage.removeItem(place)
      else sessionStorage.setItem(place, next.slice(0, 100_000))
    },
  ]
}

/** As high as its text, up to a limit. */
function useGrowth(field: RefObject<HTMLTextAreaElement | null>, text: string): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: the text is what makes it grow.
  useEffect(() => {
    const area = field.current
    if (!area) return
    area.style.height = 'auto'
    area.style.height = `${Math.min(area.scrollHeight, 192)}px`
  }, [text, field])
}
