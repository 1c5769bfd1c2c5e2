/**
 * What a tool is called with, in full and in the form a person thinks of it: a command as a command,
 * an edit as a diff. Everything is shown exactly; what cannot be seen is made visible.
 */

import type { Json } from '../api/types.ts'
import { Code } from '../components/code.tsx'
import { type DiffLine, diffLines } from '../components/diff.ts'
import { exposed } from '../components/plain.ts'

type Fields = { [key: string]: Json }

export function CallInput({ tool, input }: { tool: string; input: Json }) {
  const fields = fieldsOf(input)
  if (!fields) return <Code label="Input" text={exposed(textOf(input))} />
  const { command, path, old, new: fresh, content } = fields
  if (typeof command === 'string')
    return (
      <Rest fields={fields} without={['command']}>
        <Code label="Command" text={`$ ${exposed(command)}`} />
      </Rest>
    )
  if (typeof old === 'string' && typeof fresh === 'string')
    return (
      <Rest fields={fields} without={['old', 'new']}>
        <Diff lines={diffLines(old, fresh)} />
      </Rest>
    )
  if (typeof content === 'string' && typeof path === 'string' && tool !== 'read')
    return (
      <Rest fields={fields} without={['content']}>
        <Diff lines={content.split('\n').map((text) => ({ kind: 'new', text }))} />
      </Rest>
    )
  return <Rest fields={fields} without={[]} />
}

interface RestProps {
  fields: Fields
  without: string[]
  children?: React.ReactNode
}

/** The fields that have no form of their own: short ones in a line, long ones in a block. */
function Rest({ fields, without, children }: RestProps) {
  const rest = Object.entries(fields).filter(([name]) => !without.includes(name))
  return (
    <div className="flex min-w-0 flex-col gap-2">
      {rest.length > 0 && (
        <dl className="flex flex-col gap-1 text-sm">
          {rest.map(([name, value]) => (
            <Field key={name} name={name} text={exposed(textOf(value))} />
          ))}
        </dl>
      )}
      {children}
    </div>
  )
}

function Field({ name, text }: { name: string; text: string }) {
  const isLong = text.length > 200 || text.includes('\n')
  return (
    <div className={isLong ? 'flex flex-col gap-1' : 'flex gap-2'}>
      <dt className="shrink-0 text-faint">{exposed(name)}</dt>
      <dd className="min-w-0" dir="ltr">
        {isLong ? (
          <Code text={text} label={name} />
        ) : (
          <code className="font-mono text-xs">{text}</code>
        )}
      </dd>
    </div>
  )
}

const LOOK: Record<DiffLine['kind'], { mark: string; look: string; said: string }> = {
  same: { mark: ' ', look: '', said: '' },
  old: { mark: '-', look: 'bg-bad-soft text-bad', said: 'removed: ' },
  new: { mark: '+', look: 'bg-good-soft text-good', said: 'added: ' },
}
const MOST_LINES = 2000

function Diff({ lines }: { lines: DiffLine[] }) {
  return (
    <section
      aria-label="Change"
      dir="ltr"
      tabIndex={0}
      className="max-h-80 overflow-auto rounded-md border border-line bg-sunk py-1 font-mono text-xs leading-relaxed"
    >
      {lines.slice(0, MOST_LINES).map((line, i) => (
        <div
          // biome-ignore lint/suspicious/noArrayIndexKey: the lines of a change never move.
          key={i}
          className={`flex px-2 whitespace-pre-wrap wrap-anywhere ${LOOK[line.kind].look}`}
        >
          <span aria-hidden="true" className="w-4 shrink-0 select-none">
            {LOOK[line.kind].mark}
          </span>
          <span className="sr-only">{LOOK[line.kind].said}</span>
          <span>{exposed(line.text) || ' '}</span>
        </div>
      ))}
      {lines.length > MOST_LINES && (
        <p className="px-2 text-faint">{lines.length - MOST_LINES} more lines are not shown.</p>
      )}
    </section>
  )
}

const fieldsOf = (input: Json): Fields | null =>
  typeof input === 'object' && input !== null && !Array.isArray(input) ? input : null

const textOf = (value: Json): string =>
  typeof value === 'string' ? value : JSON.stringify(value, null, 2)

/** One line that says what a call is about. */
export function callLine(input: Json): string {
  const fields = fieldsOf(input)
  if (!fields) return input === null ? '' : textOf(input)
  const main = ['command', 'path', 'pattern', 'url', 'name', 'prompt', 'question', 'query']
  const named = main.map((name) => fields[name]).find((value) => typeof value === 'string')
  const values = Object.values(fields)
  const found = named ?? (values.length === 1 ? values[0] : undefined)
  const text = found === undefined ? JSON.stringify(input) : textOf(found)
  return text === '{}' ? '' : text
}
