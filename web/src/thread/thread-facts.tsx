/** What a thread is and has used: beside the conversation, for those who want to know. */

import type { ReactNode } from 'react'
import { useModels } from '../api/catalog.ts'
import { DialectBadge } from '../components/badge.tsx'
import { count, money } from '../components/figure.ts'
import { Link } from '../router.tsx'
import type { Conversation } from './entry.ts'

export function ThreadFacts({ conversation }: { conversation: Conversation }) {
  const { agent, dialect, usage, parent, forkedFrom, seq, lastModel, model } = conversation
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, costUsd } = usage
  return (
    <section aria-label="Facts" className="flex flex-col gap-3">
      <ContextFill conversation={conversation} />
      <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1 text-xs">
        <Fact name="Agent">{agent}</Fact>
        <Fact name="Model">{lastModel ?? model ?? 'default'}</Fact>
        <Fact name="Opened through">
          <DialectBadge dialect={dialect} />
        </Fact>
        <Fact name="Tokens in">{count(inputTokens + cacheReadTokens + cacheWriteTokens)}</Fact>
        {cacheReadTokens > 0 && <Fact name="of them cached">{count(cacheReadTokens)}</Fact>}
        <Fact name="Tokens out">{count(outputTokens)}</Fact>
        <Fact name="Cost">{money(costUsd)}</Fact>
        <Fact name="Events">{seq}</Fact>
        {parent && (
          <Fact name="Task of">
            <Link to={`/threads/${parent.thread}`} className="text-accent underline">
              another thread
            </Link>
          </Fact>
        )}
        {forkedFrom && (
          <Fact name="Forked from">
            <Link to={`/threads/${forkedFrom.thread}`} className="text-accent underline">
              another thread, at {forkedFrom.seq}
            </Link>
          </Fact>
        )}
      </dl>
    </section>
  )
}

const Fact = ({ name, children }: { name: string; children: ReactNode }) => (
  <>
    <dt className="text-faint">{name}</dt>
    <dd className="min-w-0 text-right tabular-nums">{children}</dd>
  </>
)

/** How much of what the model can read is taken. */
function ContextFill({
  conversation: { contextTokens, lastModel },
}: {
  conversation: Conversation
}) {
  const { data } = useModels()
  const window = data?.items.find((model) => model.id === lastModel)?.contextWindow ?? null
  if (contextTokens === null) return null
  const share = window === null ? null : Math.min(1, contextTokens / window)
  const tone = share !== null && share > 0.8 ? 'bg-warn' : 'bg-accent'
  return (
    <div className="flex flex-col gap-1 text-xs">
      <div className="flex justify-between">
        <span className="text-faint">Context</span>
        <span className="tabular-nums">
          {count(contextTokens)}
          {window !== null && ` of ${count(window)}`}
        </span>
      </div>
      {share !== null && (
        // biome-ignore lint/a11y/useSemanticElements: the element cannot be given the colours.
        <div
          role="meter"
          aria-label="Context in use"
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={Math.round(share * 100)}
          className="h-1.5 overflow-hidden rounded-full bg-sunk"
        >
          <div className={`h-full ${tone}`} style={{ width: `${Math.max(1, share * 100)}%` }} />
        </div>
      )}
    </div>
  )
}
