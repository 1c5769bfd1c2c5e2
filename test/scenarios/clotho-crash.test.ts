/** What Clotho's clients may do and suffer: frames that mean nothing, and a server that is killed. */

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  approve,
  type Client,
  openClient,
  request,
  run,
  says,
  script,
  shell,
  startGateway,
  tokenOf,
} from './clotho-gateway.ts'

// ---- frames that mean nothing -------------------------------------------------------------------

/** The same numbers every time. */
function dice(seed: number): (sides: number) => number {
  let state = seed
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * sides)
  }
}

const GOOD = [
  run('hello'),
  { type: 'user_message', content: 'hello', stream: true },
  approve(true),
  { type: 'tool_approval', verdicts: { a: 'allow' } },
]

const WRONG = [null, 5, -0, 1e308, '', 'x', '\ud800', [], {}, [[]], { a: { b: 1 } }]

/** A frame that the page and the real clients would never send, whatever else it is. */
function malformed(roll: (sides: number) => number): string | Buffer {
  const wrong = () => WRONG[roll(WRONG.length)]
  const good = JSON.stringify(GOOD[roll(GOOD.length)])
  switch (roll(10)) {
    case 0:
      return Buffer.from(Array.from({ length: roll(64) }, () => roll(256)))
    case 1:
      return good.slice(0, 1 + roll(good.length - 1))
    case 2:
      return `${good.slice(0, -1)},}`
    case 3:
      return JSON.stringify(wrong()) ?? 'undefined'
    case 4:
      return JSON.stringify({ type: ['run', 'tool_approval'][roll(2)], data: wrong() })
    case 5:
      return JSON.stringify({ type: 'run', data: { message: WRONG[roll(4)], stream: true } })
    case 6:
      return JSON.stringify({ type: 'run', data: { message: 'x', stream: wrong() } })
    case 7:
      return JSON.stringify(approve(wrong()))
    case 8:
      return JSON.stringify({ type: 'tool_approval', verdicts: { a: WRONG[roll(4)] } })
    default:
      return `${'['.repeat(1 + roll(5000))}${'{"type":'.repeat(roll(3000))}`
  }
}

async function sendAll(client: Client, frames: (string | Buffer)[]): Promise<void> {
  for (const frame of frames)
    await new Promise<void>((resolve, reject) =>
      client.socket.send(frame, (error) => (error ? reject(error) : resolve())),
    )
}

test('3,000 frames that mean nothing: each is told so, and the socket takes the next message', async () => {
  const gateway = await startGateway()
  try {
    const client = await gateway.connect(await gateway.newChat())
    const roll = dice(20_261_122)
    const frames = Array.from({ length: 3000 }, () => malformed(roll))
    await sendAll(client, frames)
    await client.count('agent.error', frames.length)
    expect(new Set(client.frames.map((f) => f.data.code))).toEqual(new Set(['invalid_event']))
    const from = client.frames.length
    client.send(run(script(says('Still here.')), false))
    expect((await client.until('agent.text', from)).data.text).toBe('Still here.')
    await client.until('agent.turn_complete', from)
    expect(gateway.logged.filter((l) => /failed/.test(l))).toEqual([])
  } finally {
    await gateway.stop()
  }
})

// ---- a server that is killed --------------------------------------------------------------------

async function spawnGateway(folder: string): Promise<{ url: string; kill(): Promise<void> }> {
  const file = join(import.meta.dirname, 'clotho-process.ts')
  const child = spawn(process.execPath, ['--import', 'tsx', file, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const url = await new Promise<string>((resolve, reject) => {
    let told = ''
    child.stdout.on('data', (chunk) => {
      told += String(chunk)
      const found = /listening on (\S+)/.exec(told)?.[1]
      if (found) resolve(found)
    })
    void gone.then(() => reject(new Error(`the gateway ended: ${told}`)))
  })
  return {
    url,
    async kill() {
      child.kill('SIGKILL')
      await gone
    },
  }
}

test('killed while it waits for an approval, it is told the answer on a new socket', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'manifold-clotho-'))
  let server = await spawnGateway(folder)
  try {
    const token = tokenOf(folder)
    const headers = { authorization: `Bearer ${token}` }
    const made = await request(`${server.url}/api/chats`, { method: 'POST', headers })
    const { chat_id: chat } = made.body as { chat_id: string }
    const connect = () =>
      openClient(`${server.url.replace('http', 'ws')}/ws/${chat}?token=${token}`)
    const first = await connect()
    first.send(run(script([{ say: 'Now. ' }, shell('echo hi', 'a')], says('{{result}}'))))
    await first.until('agent.tool_request')
    first.send(run(script(says('And the queued one.')), false))
    const queued = `${server.url}/manifold/v1/threads/${chat}`
    await expect
      .poll(async () => JSON.stringify((await request(queued, { method: 'GET', headers })).body))
      .toContain('And the queued one.')
    await server.kill()
    await first.closed
    server = await spawnGateway(folder)
    const second = await connect()
    await second.until('agent.tool_request')
    expect(second.frames).toEqual(first.frames)
    second.send({ type: 'tool_approval', verdicts: { a: 'allow' } })
    await second.count('agent.turn_complete', 2)
    const results = second.frames.filter((f) => f.type === 'agent.tool_result')
    expect(results.map((f) => [f.tool_use_id, f.is_error])).toEqual([['a', false]])
    const texts = second.frames.filter((f) => f.type === 'agent.text').map((f) => f.data.text)
    expect(texts).toEqual(['And the queued one.'])
    second.socket.close()
  } finally {
    await server.kill()
    rmSync(folder, { recursive: true, force: true })
  }
})
