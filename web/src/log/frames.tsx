/** What the event became in every dialect, side by side: the bytes that its clients were sent. */

import { DialectBadge } from '../components/badge.tsx'
import { count } from '../components/figure.ts'
import { exposed } from '../components/plain.ts'
import { laidOut } from './laid-out.ts'
import type { Frame, Spoken } from './moment.ts'

export const Frames = ({ dialects, isRaw }: { dialects: readonly Spoken[]; isRaw: boolean }) => (
  <div className="grid grid-cols-[repeat(auto-fill,minmax(min(100%,19rem),1fr))] gap-3">
    {dialects.map((spoken) => (
      <Column key={spoken.dialect} spoken={spoken} isRaw={isRaw} />
    ))}
  </div>
)

function Column({ spoken, isRaw }: { spoken: Spoken; isRaw: boolean }) {
  const { dialect, stream, carrier, frames } = spoken
  return (
    <section
      aria-label={`${dialect}: ${frames.length} frames`}
      className={`flex min-w-0 flex-col rounded-lg border border-line bg-panel ${
        frames.length === 0 ? 'opacity-70' : ''
      }`}
    >
      <header className="flex min-w-0 items-center gap-2 border-b border-line px-3 py-1.5">
        <DialectBadge dialect={dialect} />
        <span className="min-w-0 flex-1 truncate font-mono text-xs text-faint" title={stream}>
          {stream}
        </span>
        <span className="text-xs whitespace-nowrap text-faint">
          {carrier === 'socket' ? 'WebSocket' : 'SSE'}
        </span>
      </header>
      {frames.length === 0 ? (
        <p className="px-3 py-2.5 text-xs text-faint">Tells nothing of this.</p>
      ) : (
        <ol className="divide-y divide-line">
          {frames.map((frame, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: frames have no other name than their place.
            <li key={i} className="min-w-0">
              <FrameText frame={frame} isRaw={isRaw} />
            </li>
          ))}
        </ol>
      )}
    </section>
  )
}

function FrameText({ frame, isRaw }: { frame: Frame; isRaw: boolean }) {
  const lines = isRaw || frame.isCut ? [['', frame.text.trimEnd()] as const] : fieldsOf(frame.text)
  return (
    <pre
      tabIndex={0}
      dir="ltr"
      className="max-h-60 overflow-auto px-3 py-2 font-mono text-xs leading-relaxed whitespace-pre-wrap wrap-anywhere"
    >
      {lines.map(([name, value], i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other name than their place.
        <span key={i} className="block">
          {name && <span className="text-accent">{name}: </span>}
          {exposed(value)}
        </span>
      ))}
      {frame.isCut && <span className="text-faint">… {count(frame.bytes)} bytes in all</span>}
    </pre>
  )
}

/** The fields of a server-sent event, or the message of a socket, with their JSON indented. */
function fieldsOf(text: string): (readonly [name: string, value: string])[] {
  if (text.startsWith('{')) return [['', indented(text)]]
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const at = line.indexOf(': ')
      if (at < 1) return ['', line] as const
      const name = line.slice(0, at)
      const value = line.slice(at + 2)
      return [name, name === 'data' ? indented(value) : value] as const
    })
}

function indented(text: string): string {
  try {
    return laidOut(JSON.parse(text))
  } catch {
    return text
  }
}
