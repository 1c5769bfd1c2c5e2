/** Two servers as processes on one database: what arrives at one, the other dead or asleep. */

import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { connections } from '../../src/store/postgres-connection.ts'
import { campaign } from '../crash/campaign.ts'
import { type Follower, follow, NATIVE, type Told } from '../crash/client.ts'
import { type ServerProcess, spawnServer } from '../support/process.ts'
import { eventually, SLOW, words } from './place.ts'

const SHORT_LEASE = ['--lease', '1']

/** A database of its own: a server's schema always has the same name. */
async function newDatabase(url: string): Promise<string> {
  const name = `db_${randomUUID().replaceAll('-', '')}`
  const client = await (await connections(url, 'public')).client()
  await client.query(`create database ${name}`)
  await client.end()
  return Object.assign(new URL(url), { pathname: `/${name}` }).href
}

export function processes(url: string): void {
  describe('two servers', () => pair(url))

  it('kill -9 at random, and no client misses a word', { timeout: 120_000 }, async () => {
    const env = { DATABASE_URL: await newDatabase(url) }
    const kills = Number(process.env.MANIFOLD_POSTGRES_KILLS ?? 2)
    const seed = Number(process.env.MANIFOLD_SEED ?? 20_261_122)
    const options = { kills, seed, env, threads: 3, servers: 2, args: SHORT_LEASE }
    const result = await campaign(options)
    console.info(JSON.stringify({ ...result, seed }))
    expect(result.findings).toEqual([])
    expect(result.runs).toBeGreaterThan(3)
  })
}

function pair(url: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'manifold-pair-'))
  let a: ServerProcess
  let b: ServerProcess

  beforeAll(async () => {
    const env = { DATABASE_URL: await newDatabase(url), MANIFOLD_DEFAULT_MODEL: 'scripted:test' }
    const args = ['--workspace', join(folder, 'files'), ...SHORT_LEASE]
    // They may have the data folder in common: there is no log in it.
    const start = () => spawnServer({ dataDir: join(folder, 'data'), env, args })
    ;[a, b] = await Promise.all([start(), start()])
  })

  afterAll(async () => {
    await Promise.all([a?.kill(), b?.kill()])
    rmSync(folder, { recursive: true, force: true })
  })

  it('a command may arrive at either, and so may the answer to an ask', async () => {
    const run = await begin(a, [[{ say: 'Hm. ' }, { hang: true }]])
    const told = watch(b, run.thread)
    await eventually(() => expect(textOf(told)).toBe('Hm. '))
    await send(b, `/threads/${run.thread}/submit`, { input: script(ASKING) })
    await send(b, `/runs/${run.run}/cancel`, {})
    await eventually(() => expect(typesOf(told)).toContain('ask.opened'))
    expect(ends(told)).toEqual(['cancelled'])
    const asks = await get(b, '/asks')
    await send(b, `/asks/${(asks.items as { id: string }[])[0]?.id}/answer`, { answer: 'red' })
    await eventually(() => expect(ends(told)).toEqual(['cancelled', 'completed']))
    expect(textOf(told)).toBe('Hm. So red.')
    expect(told.told.map((t) => t.cursor)).toEqual(told.told.map((_, i) => i + 1))
  })

  it('one that sleeps is overtaken, and when it wakes it says nothing more', async () => {
    const { thread } = await begin(a, SLOW)
    const told = watch(b, thread)
    await eventually(() => expect(typesOf(told)).toContain('text.delta'))
    a.child.kill('SIGSTOP')
    await eventually(() => expect(ends(told)).toEqual(['completed']))
    a.child.kill('SIGCONT')
    const late = watch(a, thread)
    await eventually(() => expect(late.told).toHaveLength(told.told.length))
    expect(late.told.map((t) => t.data)).toEqual(told.told.map((t) => t.data))
    expect(textOf(told)).toBe(`${words(100)}end`)
    expect(typesOf(told).filter((t) => t === 'turn.interrupted')).toHaveLength(1)
    const again = await begin(a, [[{ say: 'awake' }]])
    const fresh = watch(b, again.thread)
    await eventually(() => expect(ends(fresh)).toEqual(['completed']))
    expect(problems(a)).toEqual([])
  })

  it('one that is killed in the middle of a word is replaced', async () => {
    const { thread } = await begin(a, SLOW)
    const bases = [a, b]
    const told = follower(() => (bases[0] as ServerProcess).url, thread)
    await eventually(() => expect(typesOf(told)).toContain('text.delta'))
    await a.kill()
    bases.shift()
    await eventually(() => expect(ends(told)).toEqual(['completed']))
    expect(textOf(told)).toBe(`${words(100)}end`)
    expect(told.told.map((t) => t.cursor)).toEqual(told.told.map((_, i) => i + 1))
    expect(problems(b)).toEqual([])
  })
}

const ASKING = [[{ call: 'ask_user', input: { question: 'Colour?' } }], [{ say: 'So {{result}}.' }]]

const script = (turns: unknown): string => `script ${JSON.stringify(turns)}`

const begin = async (to: ServerProcess, turns: unknown): Promise<{ thread: string; run: string }> =>
  (await send(to, '/runs', { input: script(turns) })) as { thread: string; run: string }

async function send(to: ServerProcess, path: string, body: unknown): Promise<unknown> {
  const response = await fetch(`${to.url}/manifold/v1${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return response.json()
}

const get = async (from: ServerProcess, path: string): Promise<Record<string, unknown>> =>
  (await (await fetch(`${from.url}/manifold/v1${path}`)).json()) as Record<string, unknown>

function follower(base: () => string, thread: string): Follower {
  const following = follow(NATIVE(base, thread))
  onTestFinished(() => following.close())
  return following
}

const watch = (at: ServerProcess, thread: string): Follower => follower(() => at.url, thread)

const typesOf = ({ told }: Follower): unknown[] => told.map((t) => t.data.type)

const dataOf = (told: Told): Record<string, unknown> => told.data.data as Record<string, unknown>

const ends = ({ told }: Follower): unknown[] =>
  told.filter((t) => t.data.type === 'run.ended').map((t) => dataOf(t).outcome)

const textOf = ({ told }: Follower): string =>
  told
    .filter((t) => t.data.type === 'text.delta')
    .map((t) => dataOf(t).text)
    .join('')

/** What it logged that is more than information. */
const problems = (server: ServerProcess): string[] =>
  server
    .log()
    .split('\n')
    .filter((line) => /"level":"?(warn|error|40|50|60)/.test(line))
