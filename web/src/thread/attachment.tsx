/** What a person said, part by part: words, images, files. Nothing is loaded from elsewhere. */

import type { InputPart } from '../api/types.ts'
import { count } from '../components/figure.ts'
import { Icon } from '../components/icon.tsx'
import { untwisted } from '../components/plain.ts'
import { safeHref } from '../markdown/inline.ts'

const LONG = 20_000

export const Parts = ({ parts }: { parts: InputPart[] }) => (
  <div className="flex min-w-0 flex-col gap-2">
    {parts.map((part, i) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: what was said does not change.
      <PartView key={i} part={part} />
    ))}
  </div>
)

function PartView({ part }: { part: InputPart }) {
  if (part.kind === 'text') {
    const rest = part.text.length - LONG
    return (
      <p className="whitespace-pre-wrap" dir="auto">
        {untwisted(part.text.slice(0, LONG))}
        {rest > 0 && <span className="text-faint"> … {count(rest)} more characters</span>}
      </p>
    )
  }
  const name = untwisted(part.name ?? part.kind)
  const isPicture = /^image\/(png|jpeg|gif|webp)$/.test(part.media)
  if (part.data !== undefined && isPicture)
    return (
      <img
        src={`data:${part.media};base64,${part.data}`}
        alt={name}
        className="max-h-80 max-w-full self-start rounded-md border border-line"
      />
    )
  const href = part.url === undefined ? null : safeHref(part.url)
  return (
    <span className="inline-flex items-center gap-1.5 self-start rounded-md border border-line bg-sunk px-2 py-1 text-sm">
      <Icon name={part.kind === 'image' ? 'image' : 'file'} size={14} />
      {href === null ? (
        name
      ) : (
        <a href={href} target="_blank" rel="noopener noreferrer" className="text-accent underline">
          {name} from {new URL(href).host}
        </a>
      )}
      <span className="text-xs text-faint">{untwisted(part.media)}</span>
    </span>
  )
}

/** The words of an input, for one line. */
export const wordsOf = (parts: readonly InputPart[]): string =>
  parts
    .map((part) => (part.kind === 'text' ? part.text : `[${part.name ?? part.kind}]`))
    .join(' ')
    .replace(/\s+/g, ' ')
    .trim()
