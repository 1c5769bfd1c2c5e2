/** What an agent may do: by its rules, and by what people have allowed it for good. */

import { useState } from 'react'
import { api, messageOf } from '../api/client.ts'
import { useResource } from '../api/resource.ts'
import { Badge, type Tone } from '../components/badge.tsx'
import { Button } from '../components/button.tsx'
import { ErrorNote } from '../components/note.tsx'
import { exposed } from '../components/plain.ts'
import { Part } from './part.tsx'
import type { Agent, Grant, Verdict } from './types.ts'

const TONES: Record<Verdict, Tone> = { allow: 'good', ask: 'warn', deny: 'bad' }

export const Permissions = ({ agent: { permissions, tools } }: { agent: Agent }) => (
  <Part
    title="What it may do"
    about={`Tools: ${tools.preset}. The first rule that fits decides; without one, the kind of access does.`}
  >
    <ul className="divide-y divide-line rounded-lg border border-line bg-panel text-sm">
      {permissions.rules.map(({ tool, pattern, verdict }, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rules are told apart by their place.
        <li key={i} className="flex items-center gap-3 px-3 py-1.5">
          <code className="min-w-0 flex-1 font-mono text-xs">
            {exposed(tool)}
            {pattern !== undefined && <span className="text-soft"> {exposed(pattern)}</span>}
          </code>
          <Badge tone={TONES[verdict]}>{verdict}</Badge>
        </li>
      ))}
      <li className="flex flex-wrap gap-x-5 gap-y-1 px-3 py-2">
        {Object.entries(permissions.otherwise).map(([access, verdict]) => (
          <span key={access} className="flex items-center gap-1.5 text-soft">
            {access === 'none' ? 'nothing touched' : access}
            <Badge tone={TONES[verdict]}>{verdict}</Badge>
          </span>
        ))}
      </li>
    </ul>
  </Part>
)

export function Grants({ name }: { name: string }) {
  const at = `/agents/${encodeURIComponent(name)}/grants`
  const { data, error, reload } = useResource(`grants ${name}`, (signal) =>
    api.get<{ items: Grant[] }>(at, {}, { signal }),
  )
  const [trouble, setTrouble] = useState<string | null>(null)
  const revoke = (grant: Grant) =>
    api.post(`${at}/revoke`, grant).then(reload, (refusal) => setTrouble(messageOf(refusal)))
  return (
    <Part
      title="Allowed for good"
      about="What people answered with “always”. Taken back, the agent asks again."
    >
      {(error || trouble) && <ErrorNote error={trouble ?? error} />}
      {data?.items.length === 0 && <p className="text-sm text-faint">Nothing.</p>}
      {data && data.items.length > 0 && (
        <ul className="divide-y divide-line rounded-lg border border-line bg-panel text-sm">
          {data.items.map((grant) => (
            <li
              key={`${grant.tool} ${grant.pattern}`}
              className="flex items-center gap-3 px-3 py-1"
            >
              <code className="min-w-0 flex-1 font-mono text-xs">
                {exposed(grant.tool)}{' '}
                <span className="text-soft">
                  {grant.pattern === null ? 'every call' : exposed(grant.pattern)}
                </span>
              </code>
              <Button
                tone="quiet"
                aria-label={`Take back ${grant.tool} ${grant.pattern ?? ''}`}
                onClick={() => void revoke(grant)}
              >
                Take back
              </Button>
            </li>
          ))}
        </ul>
      )}
    </Part>
  )
}
