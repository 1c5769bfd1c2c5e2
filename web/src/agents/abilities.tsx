/** What an agent can beside its tools: skills, tool servers, hooks, capabilities, other agents. */

import { api } from '../api/client.ts'
import { type Resource, useResource } from '../api/resource.ts'
import { Badge } from '../components/badge.tsx'
import { Code } from '../components/code.tsx'
import { exposed, untwisted } from '../components/plain.ts'
import { Part } from './part.tsx'
import type { Agent, Capability } from './types.ts'

export function Abilities({ agent }: { agent: Agent }) {
  const { name, skills, servers, hooks = [], children } = agent
  const caps: Resource<{ items: Capability[] }> = useResource(`caps ${name}`, (signal) =>
    api.get(`/agents/${encodeURIComponent(name)}/capabilities`, {}, { signal }),
  )
  const items = caps.data?.items ?? []
  return (
    <Part title="Skills and capabilities">
      <ul className="divide-y divide-line rounded-lg border border-line bg-panel text-sm">
        {skills.map((skill) => (
          <Ability key={`own ${skill.name}`} kind="skill" name={skill.name} about={skill.about} />
        ))}
        {servers.map((server) => (
          <Ability
            key={server.name}
            kind="tool server"
            name={server.name}
            about={server.transport}
          />
        ))}
        {hooks.map((hook) => (
          <Ability
            key={`hook ${hook.name}`}
            kind="hook"
            name={hook.name}
            about={[...hook.moments, ...hook.tools].join(', ')}
          />
        ))}
        {items.map((cap) => (
          <Ability
            key={`${cap.kind} ${cap.name} ${cap.visibility}`}
            kind={cap.kind}
            name={cap.name}
            about={cap.problem ?? cap.about ?? cap.ref ?? ''}
            content={cap.content}
            isBroken={cap.problem !== null}
          />
        ))}
        <li className="px-3 py-1.5 text-soft">
          {children === null
            ? 'It may give tasks to every agent.'
            : `It may give tasks to: ${children.join(', ') || 'nobody'}.`}
        </li>
      </ul>
    </Part>
  )
}

interface AbilityProps {
  kind: string
  name: string
  about: string
  content?: string
  isBroken?: boolean
}

function Ability({ kind, name, about, content = '', isBroken = false }: AbilityProps) {
  const head = (
    <>
      <Badge tone={isBroken ? 'bad' : 'plain'}>{kind}</Badge>{' '}
      <span className="font-medium">{exposed(name)}</span>{' '}
      <span className={isBroken ? 'text-bad' : 'text-soft'}>{untwisted(about)}</span>
    </>
  )
  if (content === '') return <li className="px-3 py-1.5">{head}</li>
  return (
    <li className="px-3 py-1.5">
      <details>
        <summary>{head}</summary>
        <Code text={exposed(content)} label={`Text of ${name}`} className="mt-2" />
      </details>
    </li>
  )
}
