/**
 * How to reach the server with a client of any of its APIs: where each answers, what credential it
 * wants, and snippets that work when they are pasted into a terminal.
 */

import { useState } from 'react'
import { api, messageOf } from '../api/client.ts'
import { useResource } from '../api/resource.ts'
import { Badge } from '../components/badge.tsx'
import { Button } from '../components/button.tsx'
import { Code } from '../components/code.tsx'
import { CopyButton } from '../components/copy-button.tsx'
import { ErrorNote, Standing } from '../components/note.tsx'
import { PageHead } from '../components/page-head.tsx'
import { useKeys } from '../keys.tsx'
import { setQuery, usePlace } from '../router.tsx'

type WayKind = 'root' | 'prefix' | 'port'

interface Shown {
  dialect: string
  about: string
  ways: { kind: WayKind; url: string }[]
  credential: { isNeeded: boolean; file: string; print: string }
  snippets: { title: string; code: string }[]
}

const WAYS: Record<WayKind, string> = {
  root: 'at its own paths',
  prefix: 'below its name',
  port: 'on a port of its own',
}

export function ConnectPage() {
  const { query } = usePlace()
  const connect = useResource('connect', (signal) =>
    api.get<{ items: Shown[] }>('/connect', {}, { signal }),
  )
  const items = connect.data?.items ?? []
  const at = Math.max(
    0,
    items.findIndex((d) => d.dialect === query.get('api')),
  )
  const go = (to: number) => {
    const dialect = items[Math.max(0, Math.min(items.length - 1, to))]?.dialect
    if (dialect) setQuery({ api: dialect })
  }
  useKeys([
    { keys: 'j', about: 'Next API', group: 'Connect', run: () => go(at + 1) },
    { keys: 'k', about: 'API before', group: 'Connect', run: () => go(at - 1) },
  ])
  const current = items[at]
  return (
    <>
      <PageHead
        title="Connect"
        about={`Clients of ${items.length || 'several'} APIs work here, on the same threads`}
      />
      <Standing of={connect} />
      {current && (
        <div className="flex min-h-0 flex-1 max-md:flex-col">
          <div className="flex shrink-0 gap-1 overflow-x-auto border-line bg-panel p-2 max-md:border-b md:w-52 md:flex-col md:border-r">
            {items.map((d) => (
              <button
                key={d.dialect}
                type="button"
                aria-current={d === current ? 'true' : undefined}
                onClick={() => setQuery({ api: d.dialect })}
                className={`rounded-md px-3 py-1.5 text-left text-sm whitespace-nowrap ${
                  d === current
                    ? 'bg-accent-soft font-medium text-accent'
                    : 'text-soft hover:bg-sunk hover:text-ink'
                }`}
              >
                {d.dialect}
              </button>
            ))}
          </div>
          <div className="min-h-0 min-w-0 flex-1 overflow-y-auto p-4">
            <DialectGuide key={current.dialect} shown={current} />
          </div>
        </div>
      )}
    </>
  )
}

function DialectGuide({ shown }: { shown: Shown }) {
  const { dialect, about, ways, credential, snippets } = shown
  const [kind, setKind] = useState<WayKind>('root')
  const [token, setToken] = useState<string | null>(null)
  const way = ways.find((w) => w.kind === kind) ?? ways[0]
  const head = [`BASE=${way?.url ?? ''}`]
  if (credential.isNeeded) head.push(`TOKEN="$(${credential.print})"`)
  return (
    <div className="mx-auto flex max-w-3xl flex-col gap-6">
      <section aria-label={dialect}>
        <h2 className="text-xl font-semibold">{dialect}</h2>
        <p className="text-soft">{about}</p>
      </section>
      <section aria-labelledby="address">
        <h3 id="address" className="mb-2 text-sm font-semibold">
          Address
        </h3>
        <ul className="divide-y divide-line rounded-lg border border-line bg-panel">
          {ways.map((w) => (
            <li key={w.kind} className="flex items-center gap-3 px-3 py-1.5">
              <label className="flex min-w-0 flex-1 flex-wrap items-center gap-x-3">
                <input
                  type="radio"
                  name="way"
                  checked={w.kind === way?.kind}
                  onChange={() => setKind(w.kind)}
                  className="accent-accent"
                />
                <code className="font-mono text-sm">{w.url}</code>
                <span className="text-xs text-faint">{WAYS[w.kind]}</span>
              </label>
              <CopyButton text={w.url} label="Copy the address" />
            </li>
          ))}
        </ul>
      </section>
      <section aria-labelledby="credential">
        <h3 id="credential" className="mb-2 text-sm font-semibold">
          Credential
        </h3>
        {credential.isNeeded ? (
          <TokenNote {...{ dialect, credential, token }} onToken={setToken} />
        ) : (
          <p className="text-soft">
            <Badge tone="good">none</Badge> The server can be reached from this machine only, so
            this API is open. Anywhere else it would want the server's token.
          </p>
        )}
      </section>
      {snippets.map(({ title, code }) => (
        <Snippet key={title} title={title} code={`${head.join('\n')}\n\n${code}`} />
      ))}
    </div>
  )
}

interface TokenProps {
  dialect: string
  credential: Shown['credential']
  token: string | null
  onToken(token: string | null): void
}

/** The token is fetched when it is asked for, shown until it is hidden, and kept nowhere. */
function TokenNote({ dialect, credential, token, onToken }: TokenProps) {
  const [trouble, setTrouble] = useState<string | null>(null)
  const show = () => {
    setTrouble(null)
    api.post<{ token: string }>(`/connect/${encodeURIComponent(dialect)}/token`).then(
      (told) => onToken(told.token),
      (error) => setTrouble(messageOf(error)),
    )
  }
  return (
    <div className="flex flex-col gap-2">
      <p className="text-soft">
        <Badge tone="warn">token</Badge> Sent as <code>Authorization: Bearer …</code>. It is in{' '}
        <code className="font-mono text-sm">{credential.file}</code> on the machine of the server;
        the snippets read it from there.
      </p>
      <div className="flex flex-wrap items-center gap-2">
        {token === null ? (
          <Button onClick={show}>Show the token</Button>
        ) : (
          <>
            <code className="min-w-0 rounded-md border border-line bg-sunk px-2 py-1 font-mono text-xs">
              {token}
            </code>
            <CopyButton text={token} label="Copy the token" />
            <Button tone="quiet" onClick={() => onToken(null)}>
              Hide
            </Button>
          </>
        )}
      </div>
      {trouble && <ErrorNote error={trouble} />}
    </div>
  )
}

const Snippet = ({ title, code }: { title: string; code: string }) => (
  <section aria-label={title}>
    <div className="mb-2 flex items-center gap-2">
      <h3 className="flex-1 text-sm font-semibold">{title}</h3>
      <CopyButton text={code} label={`Copy: ${title}`} />
    </div>
    <Code text={code} label={title} copy={false} isTall />
  </section>
)
