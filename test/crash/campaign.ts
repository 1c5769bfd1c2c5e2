/**
 * Kills the server at random moments while many threads talk, call tools, ask and are answered,
 * and then reads every client's transcript: nothing missing, nothing twice, nothing out of order,
 * each tool's effect at most once, each ask settled once, every run with its one end.
 */

import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type ServerProcess, spawnServer } from '../support/process.ts'
import { type Follower, follow, insist, NATIVE, OWNWARE } from './client.ts'
import { judgeThread, type ThreadRecord } from './oracle.ts'
import { type Dice, dice } from './seed.ts'

export interface CampaignOptions {
  kills: number
  seed: number
  threads?: number
  /** How many servers there are on one store; clients use all of them in turn. Default 1. */
  servers?: number
  /** Extra environment of the server, for example another store. */
  env?: Record<string, string>
  args?: string[]
  report?(line: string): void
}

export interface CampaignResult {
  kills: number
  runs: number
  frames: number
  connects: number
  /** Tools whose outcome nobody knows, because the server died over them. */
  unknown: number
  findings: string[]
}

interface World {
  servers: ServerProcess[]
  base(): string
  dice: Dice
  dataDir: string
  effects: string
  stop: AbortController
  records: ThreadRecord[]
}

export async function campaign(options: CampaignOptions): Promise<CampaignResult> {
  const dataDir = mkdtempSync(join(tmpdir(), 'manifold-crash-'))
  const env = { MANIFOLD_SCRIPTED_RATE: '400', ...options.env }
  const args = ['--workspace', join(dataDir, 'files'), ...(options.args ?? [])]
  const start = (n: number, port = 0): Promise<ServerProcess> =>
    spawnServer({ dataDir: join(dataDir, `${n}`), port, env, args })
  const servers = await Promise.all(
    Array.from({ length: options.servers ?? 1 }, (_, n) => start(n)),
  )
  let turn = 0
  const world: World = {
    servers,
    base: () => `http://127.0.0.1:${servers[turn++ % servers.length]?.port}`,
    dice: dice(options.seed),
    dataDir,
    effects: join(dataDir, 'files', 'effects.txt'),
    stop: new AbortController(),
    records: [],
  }
  const talking = Array.from({ length: options.threads ?? 8 }, (_, n) => talk(world, n))
  const answering = answerAsks(world)
  try {
    for (let kill = 1; kill <= options.kills; kill++) {
      await pause(world.dice.between(40, 600))
      const n = world.dice.between(0, servers.length - 1)
      const victim = servers[n] as ServerProcess
      await victim.kill()
      servers[n] = await start(n, victim.port)
      options.report?.(`kill ${kill} of ${options.kills}`)
    }
    for (const record of world.records) record.isLast = true
    await within(120_000, Promise.all(talking), () => openRuns(world))
    await within(30_000, caughtUp(world.records), () => 'the followers did not catch up')
    return conclude(options, world)
  } finally {
    world.stop.abort()
    for (const record of world.records) for (const f of record.followers) f.close()
    await answering
    await Promise.all(world.servers.map((s) => s.kill()))
    rmSync(dataDir, { recursive: true, force: true })
  }
}

function conclude(options: CampaignOptions, world: World): CampaignResult {
  const effects = existsSync(world.effects) ? readFileSync(world.effects, 'utf8').split('\n') : []
  const verdicts = world.records.map((record) => judgeThread(record, effects))
  const followers = world.records.flatMap((r) => r.followers)
  return {
    kills: options.kills,
    runs: world.records.reduce((sum, r) => sum + r.runs.length, 0),
    frames: followers.reduce((sum, f) => sum + f.told.length, 0),
    connects: followers.reduce((sum, f) => sum + f.connects, 0),
    unknown: verdicts.reduce((sum, v) => sum + v.unknown, 0),
    findings: verdicts.flatMap((v) => v.findings),
  }
}

async function within<T>(ms: number, work: Promise<T>, why: () => string): Promise<T> {
  const limit = new AbortController()
  const late = pause(ms, undefined, { signal: limit.signal }).then(() => {
    throw new Error(`not done after ${ms} ms: ${why()}`)
  })
  late.catch(() => {})
  try {
    return await Promise.race([work, late])
  } finally {
    limit.abort()
  }
}

const openRuns = (world: World): string =>
  world.records
    .flatMap((r) => r.runs.filter((run) => !hasEnded(r.native, run.id)).map((run) => run.id))
    .join(', ')

/** One thread: a run after the other, until the kills are over and the last run has ended. */
async function talk(world: World, n: number): Promise<void> {
  const { signal } = world.stop
  const opened = await post(world, '/api/v1/run', ownwareBody(n, 0), randomUUID())
  const { threadId, runId } = (await opened.json()) as { threadId: string; runId: string }
  const thread = uuidOf(threadId)
  const native = follow(NATIVE(world.base, thread))
  const ownware = follow(OWNWARE(world.base, threadId))
  const record: ThreadRecord = {
    thread,
    threadId,
    runs: [{ id: runId, n: 0, tag: tagOf(n, 0) }],
    native,
    ownware,
    followers: [native, ownware],
    isLast: false,
  }
  world.records.push(record)
  for (let turn = 1; !record.isLast; turn++) {
    await runEnds(record.native, record.runs.at(-1)?.id as string, signal)
    if (record.isLast) return
    const key = randomUUID()
    const body = { ...ownwareBody(n, turn), threadId }
    const response = await post(world, '/api/v1/run', body, key)
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
    const receipt = (await response.json()) as { runId: string }
    record.runs.push({ id: receipt.runId, n: turn, tag: tagOf(n, turn) })
  }
  await runEnds(record.native, record.runs.at(-1)?.id as string, signal)
}

const tagOf = (thread: number, run: number): string => `t${thread}r${run}`

/** What a run says: words with their place, so that a lost or doubled one shows. */
export const wordsOf = (tag: string, turn: number, count: number): string =>
  Array.from({ length: count }, (_, i) => `${tag}.${turn}.${i} `).join('')

function ownwareBody(thread: number, run: number): Record<string, unknown> {
  const tag = tagOf(thread, run)
  const turns = [
    [
      { think: `thinking of ${tag}` },
      { say: wordsOf(tag, 0, 40) },
      { call: 'shell', input: { command: `echo ${tag} >> effects.txt; sleep 0.05` } },
    ],
    [{ say: wordsOf(tag, 1, 10) }, { call: 'list', input: {} }],
    [{ say: wordsOf(tag, 2, 30) }],
  ]
  return {
    profileId: 'assistant',
    model: 'scripted:crash',
    prompt: `script ${JSON.stringify(turns)}`,
  }
}

const post = (world: World, path: string, body: unknown, key: string): Promise<Response> =>
  insist(
    world.base,
    path,
    {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify(body),
    },
    world.stop.signal,
  )

const uuidOf = (threadId: string): string => {
  const h = threadId.replace('thread_', '')
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}`
}

const hasEnded = (native: Follower, run: string): boolean =>
  native.told.some((t) => t.data.type === 'run.ended' && t.data.run === run)

async function runEnds(native: Follower, run: string, signal: AbortSignal): Promise<void> {
  while (!hasEnded(native, run)) {
    signal.throwIfAborted()
    await pause(5)
  }
}

/** The inbox of a person who approves everything, in one dialect or the other. */
async function answerAsks(world: World): Promise<void> {
  const { signal } = world.stop
  while (!signal.aborted) {
    try {
      const response = await fetch(`${world.base()}/manifold/v1/asks`, { signal })
      const { items } = (await response.json()) as { items: { id: string; thread: string }[] }
      for (const ask of items) await answer(world, ask)
    } catch {
      // Dead at the moment.
    }
    await pause(15)
  }
}

async function answer(world: World, ask: { id: string; thread: string }): Promise<void> {
  const isOwnware = world.dice.chance(0.5)
  const path = isOwnware
    ? `/api/v1/threads/thread_${ask.thread.replaceAll('-', '')}/resume`
    : `/manifold/v1/asks/${ask.id}/answer`
  const body = isOwnware ? { action: 'approve' } : { allow: true }
  const response = await fetch(world.base() + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: world.stop.signal,
  })
  await response.body?.cancel()
}

/** Both followers of each thread have been told the end of its last run. */
async function caughtUp(records: ThreadRecord[]): Promise<void> {
  const isDone = ({ ownware, runs }: ThreadRecord): boolean =>
    ownware.told.filter((t) => t.data.type === 'session.end').length >= runs.length
  while (!records.every(isDone)) await pause(20)
}
