/**
 * What can be done from an entry. Beside a text it shows when it is pointed at or has the focus; at the
 * end of a run it is always there.
 */

import { IconButton } from '../components/button.tsx'
import { CopyButton } from '../components/copy-button.tsx'
import { Icon } from '../components/icon.tsx'
import { Link, usePlace } from '../router.tsx'
import { wordsOf } from './attachment.tsx'
import type { Entry } from './entry.ts'
import type { Actions } from './entry-view.tsx'

export function EntryActions({ entry, actions }: { entry: Entry; actions: Actions }) {
  const { path } = usePlace()
  const thread = path.split('/')[2] ?? ''
  const { run, seq } = entry
  return (
    <div
      className={`flex items-center ${
        entry.kind === 'end'
          ? '-my-1 ml-auto'
          : 'absolute -top-3 right-1 rounded-md border border-line bg-raised opacity-0 shadow-sm transition-opacity group-focus-within:opacity-100 group-hover:opacity-100 max-md:hidden'
      }`}
    >
      {(entry.kind === 'text' || entry.kind === 'user') && <CopyButton text={textIn(entry)} />}
      {entry.kind === 'user' && run !== null && !entry.isSteered && (
        <IconButton
          icon="edit"
          label="Say it differently: this and all after it no longer count"
          onClick={() => actions.edit(run, wordsIn(entry))}
        />
      )}
      {run !== null && entry.kind !== 'text' && (
        <IconButton
          icon="retry"
          label="Again: this answer and all after it no longer count"
          onClick={() => actions.retry(run)}
        />
      )}
      <IconButton
        icon="fork"
        label="Fork: a new thread that begins with all up to here"
        onClick={() => actions.fork(seq)}
      />
      <Link
        to={`/log/${thread}?seq=${seq}`}
        aria-label={`Event ${seq} in the log`}
        title={`Event ${seq} in the log`}
        className="inline-flex size-7 items-center justify-center rounded-md text-soft hover:bg-sunk hover:text-ink"
      >
        <Icon name="log" size={15} />
      </Link>
    </div>
  )
}

const textIn = (entry: Entry): string =>
  entry.kind === 'text' ? entry.text : entry.kind === 'user' ? wordsIn(entry) : ''

const wordsIn = (entry: Extract<Entry, { kind: 'user' }>): string => {
  const texts = entry.parts.flatMap((part) => (part.kind === 'text' ? [part.text] : []))
  return texts.length === entry.parts.length ? texts.join('\n') : wordsOf(entry.parts)
}
