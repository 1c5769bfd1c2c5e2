/**
 * SIGTERM as a client and a person at the terminal meet it: every stream is told first, what waits
 * for a person holds nothing up, what works may settle for a while and no longer, and the next
 * server goes on where this one stopped.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type ServerProcess, spawnServer } from '../support/process.ts'
import { frames, framesUntil, json, type SseFrame } from '../support/sse.ts'

/** A machine that is busy with other tests starts programs slowly. */
const SLOW = { timeout: 60_000 }

let folder: string
const running: ServerProcess[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'manifold-stopping-'))
})

afterEach(async () => {
  for (const server of running.splice(0)) await server.kill()
  rmSync(folder, { recursive: true, force: true })
})

async function start(...args: string[]): Promise<ServerProcess> {
  const options = ['--model', 'scripted:x', '--sandbox', 'plain', ...args]
  const server = await spawnServer({ dataDir: folder, args: options })
  running.push(server)
  return server
}

const script = (...turns: unknown[]): string => `script ${JSON.stringify(turns)}`
const dressed = (thread: string): string => `thread_${thread.replaceAll('-', '')}`

async function post(server: ServerProcess, path: string, body: unknown) {
  const response = await fetch(server.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  expect(response.ok).toBe(true)
  return (await response.json()) as { thread: string; run: string }
}

const begin = (server: ServerProcess, ...turns: unknown[]) =>
  post(server, '/manifold/v1/runs', { input: script(...turns) })

const nativeAt = ({ url }: ServerProcess, thread: string, after = 0): string =>
  `${url}/manifold/v1/threads/${thread}/stream?after=${after}`
const ownwareAt = ({ url }: ServerProcess, thread: string, since = 0): string =>
  `${url}/api/v1/threads/${dressed(thread)}/agents/root/events?since=${since}`

const named = (name: string) => (frame: SseFrame) => frame.event === name

/** Everything until the server ends the stream, once a frame of that name has come. */
async function wholeStream(url: string, first: string) {
  const seen: SseFrame[] = []
  let begun = () => {}
  const isBegun = new Promise<void>((resolve) => {
    begun = resolve
  })
  const reading = (async () => {
    for await (const frame of frames(await fetch(url))) {
      seen.push(frame)
      if (frame.event === first) begun()
    }
    return seen
  })()
  await isBegun
  return { reading }
}

it('open streams are told, and a run that waits for a person holds nothing up', async () => {
  // A server that waited for the approval would be killed by nobody: the test would time out.
  const server = await start('--drain-timeout', '3600')
  const write = { call: 'write', input: { path: 'a.txt', content: 'x' } }
  const { thread } = await begin(server, [write], [{ say: 'Written.' }])
  const streams = await Promise.all([
    wholeStream(nativeAt(server, thread), 'ask.opened'),
    wholeStream(ownwareAt(server, thread), 'permission.request'),
  ])
  expect(await server.stop()).toBe(0)
  const [native = [], ownware = []] = await Promise.all(streams.map((s) => s.reading))
  expect(json(native.at(-1) as SseFrame)).toEqual({ reason: 'shutdown', retryAfterMs: 1000 })
  expect(native.at(-1)?.event).toBe('bye')
  expect(ownware.at(-1)?.event).toBe('stream.shutdown')
  expect(json(ownware.at(-1) as SseFrame)).toMatchObject({
    reason: 'gateway_shutdown',
    retryAfterMs: 5000,
  })

  const next = await start()
  const seqs = ownware.flatMap((f) => (f.data && json(f).seq ? [json(f).seq as number] : []))
  const rest = framesUntil(ownwareAt(next, thread, seqs.at(-1)), named('session.end'))
  await post(next, `/api/v1/threads/${dressed(thread)}/resume`, { action: 'approve' })
  const all = [...seqs, ...(await rest).flatMap((f) => (json(f).seq as number) ?? [])]
  expect(all).toEqual(all.map((_, i) => i + 1))
  expect(existsSync(join(folder, 'workspace/a.txt'))).toBe(true)
}, 120_000)

it('an answer that comes in time is kept whole; one that hangs is given up and goes on later', async () => {
  const server = await start('--drain-timeout', '1', '--scripted-rate', '200')
  const words = Array.from({ length: 60 }, (_, i) => `w${i} `).join('')
  const short = await begin(server, [{ say: words }])
  const long = await begin(server, [{ say: 'One ' }, { hang: true }])
  await framesUntil(nativeAt(server, short.thread), named('text.delta'))
  await framesUntil(nativeAt(server, long.thread), named('text.delta'))
  expect(await server.stop()).toBe(0)

  const next = await start()
  const told = await framesUntil(nativeAt(next, short.thread), named('run.ended'))
  const text = told.filter(named('text.delta')).map((f) => (json(f).data as { text: string }).text)
  expect(text.join('')).toBe(words)
  const hung = await framesUntil(nativeAt(next, long.thread), named('turn.interrupted'))
  expect(hung.at(-1) && json(hung.at(-1) as SseFrame).data).toMatchObject({ cause: 'restart' })
  await post(next, `/manifold/v1/runs/${long.run}/cancel`, {})
  await framesUntil(nativeAt(next, long.thread), named('run.ended'))
}, 120_000)

it('a command that will not end is killed with the server, and its outcome is unknown', async () => {
  const server = await start('--drain-timeout', '1')
  const command = `echo $$ > pid.txt; sleep 3600`
  const { thread } = await begin(
    server,
    [{ call: 'shell', input: { command } }],
    [{ say: 'Well.' }],
  )
  await framesUntil(nativeAt(server, thread), named('ask.opened'))
  const asks = await fetch(`${server.url}/manifold/v1/asks`)
  const [ask] = ((await asks.json()) as { items: { id: string }[] }).items
  await post(server, `/manifold/v1/asks/${ask?.id}/answer`, { allow: true })
  await expect.poll(() => existsSync(join(folder, 'workspace/pid.txt')), SLOW).toBe(true)
  expect(await server.stop()).toBe(0)
  await expect.poll(() => isAlive(join(folder, 'workspace/pid.txt')), SLOW).toBe(false)

  const next = await start()
  const told = await framesUntil(nativeAt(next, thread), named('run.ended'))
  const ends = told.filter(named('tool.ended')).map((f) => json(f).data)
  expect(ends).toMatchObject([{ outcome: 'unknown' }])
}, 120_000)

function isAlive(pidFile: string): boolean {
  try {
    process.kill(Number(readFileSync(pidFile, 'utf8')), 0)
    return true
  } catch {
    return false
  }
}
