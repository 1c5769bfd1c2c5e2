/** Whether the model of an agent answers: asked when a person wants to know. */

import { useState } from 'react'
import { api, messageOf } from '../api/client.ts'
import { Badge } from '../components/badge.tsx'
import { Button } from '../components/button.tsx'
import { span } from '../components/figure.ts'
import { untwisted } from '../components/plain.ts'
import { useKeys } from '../keys.tsx'
import { Part } from './part.tsx'
import type { Check } from './types.ts'

export function ModelCheck({ at, model }: { at: string; model: string | null }) {
  const [check, setCheck] = useState<Check | 'asking' | null>(null)
  const [trouble, setTrouble] = useState<string | null>(null)
  const ask = () => {
    setCheck('asking')
    setTrouble(null)
    api.post<Check>(`${at}/check`).then(setCheck, (error) => {
      setCheck(null)
      setTrouble(messageOf(error))
    })
  }
  useKeys([{ keys: 'c', about: 'Check that the model answers', group: 'Agents', run: ask }])
  return (
    <Part title="Model">
      <div className="flex flex-wrap items-center gap-3 rounded-lg border border-line bg-panel px-3 py-2">
        <code className="font-mono text-sm">{model ?? "the server's default"}</code>
        <span role="status" className="min-w-0 flex-1 text-sm">
          {check === 'asking' && <span className="animate-pulse text-faint">asking it…</span>}
          {check !== null && check !== 'asking' && <Answer check={check} />}
          {trouble && <span className="text-bad">{trouble}</span>}
        </span>
        <Button onClick={ask} disabled={check === 'asking'}>
          Does it answer?
        </Button>
      </div>
    </Part>
  )
}

const Answer = ({ check: { ok, model, text, trouble, durationMs } }: { check: Check }) =>
  ok ? (
    <>
      <Badge tone="good">answers</Badge>{' '}
      <span className="text-soft" dir="auto">
        {model} in {span(durationMs)}: “{untwisted(text.slice(0, 120))}”
      </span>
    </>
  ) : (
    <>
      <Badge tone="bad">{trouble?.code ?? 'failed'}</Badge>{' '}
      <span className="text-bad">{untwisted(trouble?.message ?? '')}</span>
    </>
  )
