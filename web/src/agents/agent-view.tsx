/** One agent: whether its model answers, its files, what it may do, and what it has been allowed. */

import { type ReactNode, useState } from 'react'
import { api, messageOf } from '../api/client.ts'
import { type Resource, useResource } from '../api/resource.ts'
import { Badge, type Tone } from '../components/badge.tsx'
import { Button } from '../components/button.tsx'
import { Code } from '../components/code.tsx'
import { Dialog } from '../components/dialog.tsx'
import { span } from '../components/figure.ts'
import { ErrorNote, Loading } from '../components/note.tsx'
import { exposed, untwisted } from '../components/plain.ts'
import { useKeys } from '../keys.tsx'
import { SourceForm } from './source-form.tsx'
import type { Agent, AgentSource, Capability, Check, Grant, Verdict } from './types.ts'

interface Props {
  name: string
  onChange(): void
  onGone(): void
}

export function AgentView({ name, onChange, onGone }: Props) {
  const at = `/agents/${encodeURIComponent(name)}`
  const load =
    <T,>(part: string) =>
    (signal: AbortSignal) =>
      api.get<T>(at + part, {}, { signal })
  const agent = useResource(`agent ${name}`, load<Agent>(''))
  const source = useResource(`source ${name}`, load<AgentSource>('/source'))
  const [trouble, setTrouble] = useState<string | null>(null)
  const reload = () => {
    agent.reload()
    source.reload()
    onChange()
  }
  const [isLeaving, setLeaving] = useState(false)
  const remove = () => {
    setLeaving(false)
    api.remove(at).then(onGone, (error) => setTrouble(messageOf(error)))
  }
  const { data } = agent
  return (
    <article aria-label={name} className="mx-auto flex max-w-3xl flex-col gap-6">
      <header className="flex flex-wrap items-start gap-2">
        <div className="min-w-0 flex-1 basis-56">
          <h2 className="text-xl font-semibold">{name}</h2>
          <p className="text-soft" dir="auto">
            {data ? untwisted(data.about) : ''}
          </p>
        </div>
        {source.data?.isWritable && data?.folder !== null && (
          <Button tone="danger" icon="trash" onClick={() => setLeaving(true)}>
            Remove
          </Button>
        )}
      </header>
      {trouble && <ErrorNote error={trouble} />}
      <ModelCheck key={`${name} ${data?.model}`} at={at} model={data?.model ?? null} />
      {source.data && (
        <SourceForm key={`${name} ${source.data.revision}`} source={source.data} onSaved={reload} />
      )}
      {!source.data && source.error && <ErrorNote error={source.error.message} />}
      {!source.data && source.isLoading && <Loading />}
      {data && <Permissions agent={data} />}
      <Grants name={name} />
      {data && <Abilities agent={data} />}
      {isLeaving && (
        <Dialog title={`Remove ${name}?`} onClose={() => setLeaving(false)}>
          <p className="mb-4">
            Its folder goes, with its settings and instructions. Its threads stay, and can go on
            with another agent.
          </p>
          <Button tone="danger" icon="trash" onClick={remove}>
            Remove the agent
          </Button>
        </Dialog>
      )}
    </article>
  )
}

const Part = ({
  title,
  about,
  children,
}: {
  title: string
  about?: string
  children: ReactNode
}) => (
  <section aria-label={title}>
    <h3 className="font-semibold">{title}</h3>
    <p className="mb-2 text-xs text-soft">{about}</p>
    {children}
  </section>
)

// ---- does it answer -----------------------------------------------------------------------

function ModelCheck({ at, model }: { at: string; model: string | null }) {
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

// ---- what it may do -----------------------------------------------------------------------

const TONES: Record<Verdict, Tone> = { allow: 'good', ask: 'warn', deny: 'bad' }

const Permissions = ({ agent: { permissions, tools } }: { agent: Agent }) => (
  <Part
    title="Permissions"
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

function Grants({ name }: { name: string }) {
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

// ---- what it can --------------------------------------------------------------------------

function Abilities({ agent }: { agent: Agent }) {
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
