/** A call of a tool: what it is about in one line, and folded below it all that went in and came out. */

import { memo } from 'react'
import { Badge, type Tone } from '../components/badge.tsx'
import { Code } from '../components/code.tsx'
import { Disclosure } from '../components/disclosure.tsx'
import { span } from '../components/figure.ts'
import { Icon } from '../components/icon.tsx'
import { exposed, readable } from '../components/plain.ts'
import { CallInput, callLine } from './call-input.tsx'
import { ChildView } from './child-view.tsx'
import type { EntryOf } from './entry.ts'

export const ToolCard = memo(function ToolCard({ call }: { call: EntryOf<'call'> }) {
  const { tool, args, input, state, result, child, progress } = call
  const line = input === undefined ? args : callLine(input)
  const words = stateOf(call)
  const isLive = state === 'running' && progress !== ''
  return (
    <div className="min-w-0 rounded-lg border border-line bg-panel" data-call={call.call}>
      <Disclosure
        id={call.key}
        isOpen={isLive || (result !== null && result.outcome !== 'ok')}
        summary={
          <>
            <span className="shrink-0 font-mono text-xs font-semibold">{exposed(tool)}</span>
            <span className="min-w-0 flex-1 truncate font-mono text-xs text-soft" dir="ltr">
              {exposed(line.slice(0, 300))}
            </span>
            {result && result.durationMs >= 100 && (
              <span className="shrink-0 text-xs text-faint tabular-nums">
                {span(result.durationMs)}
              </span>
            )}
            <Badge tone={words.tone}>{words.text}</Badge>
          </>
        }
      >
        <div className="flex min-w-0 flex-col gap-2 border-t border-line p-3">
          {input === undefined ? (
            <Code label="Input so far" text={exposed(args)} />
          ) : (
            <CallInput tool={tool} input={input} />
          )}
          <Ruled call={call} />
          {!result && progress !== '' && (
            <Code label="Output so far" text={readable(progress)} copy={false} />
          )}
          {result && result.output !== '' && !child && (
            <Code label="Output" text={readable(result.output)} />
          )}
        </div>
      </Disclosure>
      {child && <ChildView child={child} id={call.key} output={result?.output ?? null} />}
    </div>
  )
})

function Ruled({ call: { ruling } }: { call: EntryOf<'call'> }) {
  if (!ruling) return null
  const by = { person: 'a person', policy: 'a rule', expiry: 'nobody in time' }[ruling.by]
  return (
    <p className="flex items-center gap-1.5 text-xs text-soft">
      <Icon name={ruling.allow ? 'check' : 'cross'} size={13} />
      {ruling.allow ? 'Allowed' : 'Denied'} by {by}
      {ruling.reason && <>: {exposed(ruling.reason)}</>}
    </p>
  )
}

const OUTCOMES: Record<string, { text: string; tone: Tone }> = {
  ok: { text: 'done', tone: 'good' },
  failed: { text: 'failed', tone: 'bad' },
  denied: { text: 'denied', tone: 'warn' },
  cancelled: { text: 'cancelled', tone: 'plain' },
  unknown: { text: 'unknown', tone: 'warn' },
}

const ALLOWED: { text: string; tone: Tone } = { text: 'allowed', tone: 'plain' }

function stateOf({ state, result, ruling }: EntryOf<'call'>): { text: string; tone: Tone } {
  if (result) return OUTCOMES[result.outcome] ?? { text: result.outcome, tone: 'plain' }
  if (state === 'running') return { text: 'running', tone: 'accent' }
  if (state === 'ready') return ruling ? ALLOWED : { text: 'waiting', tone: 'warn' }
  return { text: 'writing', tone: 'plain' }
}
