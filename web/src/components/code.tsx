/** Text of machines: monospaced, never wrapped into something else, cut where it is very long. */

import { useState } from 'react'
import { Button } from './button.tsx'
import { CopyButton } from './copy-button.tsx'
import { count } from './figure.ts'

const SHOWN = 20_000

interface Props {
  text: string
  /** What it is, for a screen reader and above the block. */
  label?: string
  /** Tall blocks scroll by themselves. */
  isTall?: boolean
  copy?: boolean
  className?: string
}

export function Code({ text, label, isTall = false, copy = true, className = '' }: Props) {
  const [isWhole, setWhole] = useState(false)
  const isCut = !isWhole && text.length > SHOWN
  return (
    <figure className={`group relative min-w-0 ${className}`} aria-label={label}>
      <pre
        tabIndex={0}
        dir="ltr"
        className={`overflow-auto rounded-md border border-line bg-sunk px-3 py-2 font-mono text-xs leading-relaxed whitespace-pre-wrap wrap-anywhere ${isTall ? '' : 'max-h-80'}`}
      >
        {isCut ? text.slice(0, SHOWN) : text}
      </pre>
      {copy && (
        <span className="absolute top-1 right-1 rounded-md bg-sunk opacity-0 transition-opacity group-focus-within:opacity-100 group-hover:opacity-100">
          <CopyButton text={text} />
        </span>
      )}
      {isCut && (
        <Button tone="quiet" onClick={() => setWhole(true)}>
          Show the other {count(text.length - SHOWN)} characters
        </Button>
      )}
    </figure>
  )
}

/** A JSON value, indented. */
export const JsonCode = ({ value, ...rest }: Omit<Props, 'text'> & { value: unknown }) => (
  <Code text={JSON.stringify(value, null, 2) ?? 'null'} {...rest} />
)
