/** How the server fares: what it stands on, what it can reach, and what is wrong with its files. */

import type { ReactNode } from 'react'
import { api } from '../api/client.ts'
import { useResource } from '../api/resource.ts'
import { Badge, type Tone } from '../components/badge.tsx'
import { Button } from '../components/button.tsx'
import { span } from '../components/figure.ts'
import { Standing } from '../components/note.tsx'
import { PageHead } from '../components/page-head.tsx'
import { exposed } from '../components/plain.ts'
import { useKeys } from '../keys.tsx'

interface ServerView {
  version: string
  node: string
  platform: string
  startedAt: number
  uptimeMs: number
  dataFolder: string
  workspace: string
  memory: { residentBytes: number; heapUsedBytes: number; heapTotalBytes: number }
  store: { ok: boolean; problem?: string; [fact: string]: unknown }
  sandbox: { mode: string; isolated: boolean; notice: string | null }
  models: {
    preferred: string
    providers: { provider: string; models: number; usable: number }[]
    endpoints: { name: string; kind: string; baseUrl: string | null; hasKey: boolean }[]
  }
  catalog: { agents: number; problems: { file: string; problem: string }[] }
  engine: Record<string, number>
}

export function HealthPage() {
  const server = useResource('server', (signal) => api.get<ServerView>('/server', {}, { signal }), {
    everyMs: 3000,
  })
  const { data, reload } = server
  useKeys([{ keys: 'r', about: 'Look again', group: 'Health', run: reload }])
  return (
    <>
      <PageHead
        title="Health"
        about={data ? `Manifold ${data.version}, up ${span(data.uptimeMs)}` : ' '}
      >
        <Button icon="retry" onClick={reload}>
          Look again
        </Button>
      </PageHead>
      <Standing of={server} />
      {data && (
        <div tabIndex={0} className="min-h-0 flex-1 overflow-y-auto p-4">
          <div className="mx-auto max-w-5xl columns-[22rem] gap-4">
            <StoreCard store={data.store} />
            <SandboxCard sandbox={data.sandbox} />
            <ModelsCard models={data.models} />
            <CatalogCard catalog={data.catalog} />
            <WorkCard engine={data.engine} />
            <ProcessCard server={data} />
          </div>
        </div>
      )}
    </>
  )
}

interface CardProps {
  title: string
  tone: Tone
  word: string
  children: ReactNode
}

const Card = ({ title, tone, word, children }: CardProps) => (
  <section
    aria-label={title}
    className="mb-4 break-inside-avoid rounded-lg border border-line bg-panel"
  >
    <header className="flex items-center gap-2 border-b border-line px-3 py-2">
      <h2 className="flex-1 font-semibold">{title}</h2>
      <Badge tone={tone}>{word}</Badge>
    </header>
    {children}
  </section>
)

const Facts = ({ of }: { of: [name: string, value: ReactNode][] }) => (
  <dl className="divide-y divide-line">
    {of.map(([name, value]) => (
      <div key={name} className="flex gap-3 px-3 py-1.5 text-sm">
        <dt className="w-32 shrink-0 text-soft">{name}</dt>
        <dd className="min-w-0 flex-1 tabular-nums">{value}</dd>
      </div>
    ))}
  </dl>
)

const NAMES: Record<string, string> = {
  walBytes: 'write-ahead log',
  freePages: 'free pages',
  openAsks: 'open asks',
  threadsInMemory: 'threads in memory',
  activeRuns: 'runs going on',
  readers: 'open streams',
  eventsAppended: 'events appended',
}

const nameOf = (key: string): string => NAMES[key] ?? key.replace(/([A-Z])/g, ' $1').toLowerCase()

const shownOf = (key: string, value: unknown): string =>
  /bytes$/i.test(key) && typeof value === 'number' ? bytes(value) : exposed(String(value))

function bytes(n: number): string {
  if (n < 1024) return `${n} B`
  if (n < 1024 ** 2) return `${(n / 1024).toFixed(1)} KiB`
  return n < 1024 ** 3 ? `${(n / 1024 ** 2).toFixed(1)} MiB` : `${(n / 1024 ** 3).toFixed(2)} GiB`
}

function StoreCard({ store: { ok, problem, ...facts } }: Pick<ServerView, 'store'>) {
  return (
    <Card title="Store" tone={ok ? 'good' : 'bad'} word={ok ? 'answers' : 'does not answer'}>
      {problem && <p className="px-3 py-2 text-bad">{problem}</p>}
      <Facts of={Object.entries(facts).map(([key, v]) => [nameOf(key), shownOf(key, v)])} />
    </Card>
  )
}

function SandboxCard({ sandbox: { mode, isolated, notice } }: Pick<ServerView, 'sandbox'>) {
  return (
    <Card
      title="Sandbox"
      tone={isolated ? 'good' : 'warn'}
      word={isolated ? 'isolated' : 'not isolated'}
    >
      <Facts
        of={[
          ['mode', mode],
          [
            'commands',
            isolated
              ? 'see their workspace and nothing else of this machine'
              : 'run as the server itself does; tools ask before they change anything',
          ],
        ]}
      />
      {notice && <p className="border-t border-line px-3 py-2 text-sm text-warn">{notice}</p>}
    </Card>
  )
}

function ModelsCard({ models: { preferred, providers, endpoints } }: Pick<ServerView, 'models'>) {
  const isDemo = preferred.startsWith('demo:')
  return (
    <Card title="Models" tone={isDemo ? 'warn' : 'good'} word={isDemo ? 'offline only' : 'usable'}>
      <Facts
        of={[
          ['by default', <code key="d">{preferred}</code>],
          ...providers.map(({ provider, models, usable }): [string, ReactNode] => [
            provider,
            usable > 0 ? (
              <Badge key={provider} tone="good">
                {usable} of {models} usable
              </Badge>
            ) : (
              <span key={provider} className="text-faint">
                {provider === 'ollama' ? 'nothing answers' : 'no credential'}
              </span>
            ),
          ]),
          ...endpoints.map(({ name, kind, baseUrl, hasKey }): [string, ReactNode] => [
            name,
            `${kind}${baseUrl ? ` at ${baseUrl}` : ''}, ${hasKey ? 'with a key' : 'without a key'}`,
          ]),
        ]}
      />
      {isDemo && (
        <p className="border-t border-line px-3 py-2 text-sm text-soft">
          Set a provider's key, <code>ANTHROPIC_API_KEY</code> for example, and start the server
          again; or run Ollama.
        </p>
      )}
    </Card>
  )
}

function CatalogCard({ catalog: { agents, problems } }: Pick<ServerView, 'catalog'>) {
  return (
    <Card
      title="Agents' files"
      tone={problems.length > 0 ? 'warn' : 'good'}
      word={problems.length > 0 ? `${problems.length} with a problem` : 'all read'}
    >
      <Facts of={[['agents', String(agents)]]} />
      {problems.length > 0 && (
        <ul className="divide-y divide-line border-t border-line">
          {problems.map(({ file, problem }) => (
            <li key={file + problem} className="px-3 py-2 text-sm">
              <code className="block font-mono text-xs text-soft">{exposed(file)}</code>
              {exposed(problem)}
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}

const WORK = ['activeRuns', 'readers', 'threadsInMemory', 'leases', 'eventsAppended']

function WorkCard({ engine }: Pick<ServerView, 'engine'>) {
  const going = engine.activeRuns ?? 0
  const known = WORK.filter((key) => key in engine)
  return (
    <Card
      title="Work"
      tone={going > 0 ? 'accent' : 'plain'}
      word={going > 0 ? `${going} ${going === 1 ? 'run' : 'runs'}` : 'idle'}
    >
      <Facts of={known.map((key) => [nameOf(key), String(engine[key])])} />
    </Card>
  )
}

function ProcessCard({ server }: { server: ServerView }) {
  const { version, node, platform, memory, startedAt, dataFolder, workspace } = server
  return (
    <Card title="Process" tone="good" word="running">
      <Facts
        of={[
          ['version', version],
          ['node', `${node} on ${platform}`],
          ['started', new Date(startedAt).toLocaleString()],
          ['memory', bytes(memory.residentBytes)],
          ['heap', `${bytes(memory.heapUsedBytes)} of ${bytes(memory.heapTotalBytes)}`],
          ['data folder', <code key="f">{exposed(dataFolder)}</code>],
          ['workspace', <code key="w">{exposed(workspace)}</code>],
        ]}
      />
    </Card>
  )
}
