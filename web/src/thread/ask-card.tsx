/** Something that waits for a person, with everything that has to be known to decide it. */

import { type FormEvent, type ReactNode, useState } from 'react'
import { api, Refusal } from '../api/client.ts'
import type { AnswerBody, AskBody, AskedCall } from '../api/types.ts'
import { Badge } from '../components/badge.tsx'
import { Button } from '../components/button.tsx'
import { TextField } from '../components/field.tsx'
import { money } from '../components/figure.ts'
import { Icon } from '../components/icon.tsx'
import { ErrorNote } from '../components/note.tsx'
import { exposed, untwisted } from '../components/plain.ts'
import { CallInput } from './call-input.tsx'
import { QuestionForm } from './question-form.tsx'

export interface Asked {
  id: string
  body: AskBody
  /** Calls that still wait. */
  open: string[]
}

interface Props {
  ask: Asked
  /** Who asks, where that is not plain from the place. */
  head?: ReactNode
  isCurrent?: boolean
  onSettled?(): void
}

export function AskCard({ ask, head, isCurrent = false, onSettled }: Props) {
  const { answer, isBusy, trouble } = useAnswer(ask.id, onSettled)
  return (
    <article
      aria-label={titleOf(ask.body)}
      data-ask={ask.id}
      className={`flex min-w-0 flex-col gap-3 rounded-lg border bg-panel p-3 ${
        isCurrent ? 'border-accent shadow-[0_0_0_1px] shadow-accent' : 'border-warn'
      }`}
    >
      <header className="flex flex-wrap items-center gap-2">
        <span className="text-warn">
          <Icon name="alert" />
        </span>
        <h3 className="font-semibold">{titleOf(ask.body)}</h3>
        {head}
      </header>
      <Body {...{ ask, answer, isBusy }} />
      {trouble !== null && <ErrorNote error={trouble} />}
    </article>
  )
}

export function titleOf(body: AskBody): string {
  switch (body.kind) {
    case 'approval':
      return body.calls.length === 1 ? 'May this be done?' : 'May these be done?'
    case 'question':
      return 'A question'
    case 'limit':
      return 'The limit of money is reached'
    case 'recovery':
      return 'The server stopped while this ran'
  }
}

/** What an answer is told that came too late. */
const SETTLED = new Set(['not_found', 'not_waiting'])

/** Sends an answer once. That somebody else was quicker is no error: it is settled. */
export function useAnswer(ask: string, onSettled?: () => void) {
  const [isBusy, setBusy] = useState(false)
  const [trouble, setTrouble] = useState<unknown>(null)
  const answer = async (body: AnswerBody) => {
    setBusy(true)
    setTrouble(null)
    try {
      await api.post(`/asks/${ask}/answer`, body)
      onSettled?.()
    } catch (error) {
      if (error instanceof Refusal && SETTLED.has(error.code)) onSettled?.()
      else setTrouble(error)
    } finally {
      setBusy(false)
    }
  }
  return { answer: (body: AnswerBody) => void answer(body), isBusy, trouble }
}

interface BodyProps {
  ask: Asked
  isBusy: boolean
  answer(body: AnswerBody): void
}

function Body({ ask, isBusy, answer }: BodyProps) {
  const { body } = ask
  switch (body.kind) {
    case 'question':
      return (
        <QuestionForm
          question={body.question}
          isBusy={isBusy}
          answer={(value) => answer({ answer: value })}
        />
      )
    case 'limit':
      return <Limit {...body} {...{ isBusy, answer }} />
    case 'approval':
    case 'recovery':
      return (
        <Calls
          calls={body.calls}
          isRecovery={body.kind === 'recovery'}
          {...{ ask, isBusy, answer }}
        />
      )
  }
}

function Calls({
  calls,
  ask,
  isRecovery,
  isBusy,
  answer,
}: BodyProps & { calls: AskedCall[]; isRecovery: boolean }) {
  const open = calls.filter((call) => ask.open.includes(call.call))
  const rule = (call: AskedCall, allow: boolean, reason = '') =>
    answer({ rulings: { [call.call]: { allow, ...(reason ? { reason } : {}) } } })
  return (
    <>
      {open.map((call) => (
        <section key={call.call} className="flex min-w-0 flex-col gap-2">
          <div className="flex flex-wrap items-center gap-2">
            <Badge tone="warn">{exposed(call.tool)}</Badge>
            {call.reason && <span className="text-xs text-soft">{untwisted(call.reason)}</span>}
          </div>
          <CallInput tool={call.tool} input={call.input} />
          {open.length > 1 && (
            <Rulings
              words={isRecovery ? AGAIN : SINGLE}
              isBusy={isBusy}
              rule={(allow, reason) => rule(call, allow, reason)}
            />
          )}
        </section>
      ))}
      <Rulings
        words={isRecovery ? AGAIN : open.length > 1 ? ALL : SINGLE}
        isMain
        isBusy={isBusy}
        rule={(allow, reason) => answer({ allow, ...(reason ? { reason } : {}) })}
        {...(isRecovery
          ? {}
          : {
              always: { covers: coverOf(open), go: () => answer({ allow: true, remember: true }) },
            })}
      />
    </>
  )
}

/** What an "always" would allow from then on, in words. */
function coverOf(calls: AskedCall[]): string {
  const each = calls.map(({ tool, subject, grant }) => {
    if (grant === null) return `every ${exposed(tool)}`
    return `${exposed(tool)} ${exposed(grant ?? subject)}`
  })
  return [...new Set(each)].join(', ')
}

interface Words {
  allow: string
  deny: string
}
const SINGLE: Words = { allow: 'Allow', deny: 'Deny' }
const ALL: Words = { allow: 'Allow all', deny: 'Deny all' }
const AGAIN: Words = { allow: 'Run it again', deny: 'Do not run it again' }

interface RulingsProps {
  words: Words
  isBusy: boolean
  isMain?: boolean
  rule(allow: boolean, reason: string): void
  always?: { covers: string; go(): void }
}

/** Keys find the main buttons by their marks, wherever the ask is shown. */
function Rulings({ words, isBusy, isMain = false, rule, always }: RulingsProps) {
  const [reason, setReason] = useState<string | null>(null)
  const mark = (act: string) => (isMain ? { 'data-act': act } : {})
  const deny = (event: FormEvent) => {
    event.preventDefault()
    rule(false, reason?.trim() ?? '')
  }
  if (reason !== null)
    return (
      <form
        onSubmit={deny}
        className="flex flex-wrap items-end gap-2"
        onKeyDown={(event) => event.key === 'Escape' && setReason(null)}
      >
        <div className="min-w-0 flex-1">
          <TextField
            label="Why not? The agent is told."
            autoFocus
            value={reason}
            maxLength={2000}
            onChange={(event) => setReason(event.target.value)}
          />
        </div>
        <Button type="submit" tone="danger" disabled={isBusy}>
          {words.deny}
        </Button>
        <Button tone="quiet" onClick={() => setReason(null)}>
          Back
        </Button>
      </form>
    )
  return (
    <div className="flex flex-wrap gap-2">
      <Button
        tone={isMain ? 'primary' : 'plain'}
        icon="check"
        disabled={isBusy}
        onClick={() => rule(true, '')}
        {...mark('allow')}
      >
        {words.allow}
      </Button>
      {always && (
        <Button
          disabled={isBusy}
          onClick={always.go}
          title={`From now on this agent need not ask for: ${always.covers}`}
          {...mark('always')}
        >
          Always
        </Button>
      )}
      <Button
        tone="danger"
        icon="cross"
        disabled={isBusy}
        onClick={() => setReason('')}
        {...mark('deny')}
      >
        {words.deny}…
      </Button>
      {always && (
        <p className="basis-full text-xs text-faint">
          Always covers <code className="font-mono wrap-anywhere">{always.covers}</code>
        </p>
      )}
    </div>
  )
}

interface LimitProps {
  limitUsd: number
  spentUsd: number
  isBusy: boolean
  answer(body: AnswerBody): void
}

function Limit({ limitUsd, spentUsd, isBusy, answer }: LimitProps) {
  const [text, setText] = useState(String(Math.max(limitUsd * 2, 0.01)))
  const next = Number(text)
  const raise = (event: FormEvent) => {
    event.preventDefault()
    answer({ allow: true, limitUsd: next })
  }
  return (
    <form onSubmit={raise} className="flex flex-wrap items-end gap-2">
      <p className="basis-full">
        {money(spentUsd)} of {money(limitUsd)} are spent.
      </p>
      <div className="w-32">
        <TextField
          label="New limit in $"
          inputMode="decimal"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      </div>
      <Button type="submit" tone="primary" disabled={isBusy || !(next > spentUsd)}>
        Raise it
      </Button>
      <Button tone="danger" disabled={isBusy} onClick={() => answer({ allow: false })}>
        Stop here
      </Button>
    </form>
  )
}
