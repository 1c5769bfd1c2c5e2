/**
 * The command line as a person meets it: processes of their own, beside a server that runs. What
 * cannot be done is said in one line that names the way out, and never leaves a process behind.
 */

import { spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { command, type ServerProcess, spawnServer } from '../support/process.ts'

/** A machine that is busy with other tests starts programs slowly. */
const SLOW = { timeout: 60_000 }

let folder: string
let data: string
let server: ServerProcess

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'manifold-command-'))
  data = join(folder, 'data')
  server = await spawnServer({ dataDir: data })
})

afterAll(async () => {
  await server.kill()
  rmSync(folder, { recursive: true, force: true })
})

interface Outcome {
  code: number | null
  out: string
  err: string
}

/** Resolves when the process has ended by itself. */
function manifold(...args: string[]): Promise<Outcome> {
  const { file, args: words } = command()
  const child = spawn(file, [...words, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: folder, OLLAMA_HOST: 'http://127.0.0.1:9' },
  })
  const said = { out: '', err: '' }
  child.stdout.on('data', (text) => {
    said.out += text
  })
  child.stderr.on('data', (text) => {
    said.err += text
  })
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...said })))
}

const serve = (name: string, ...flags: string[]): Promise<Outcome> =>
  manifold('serve', '--port', '0', '--data-dir', join(folder, name), ...flags)

describe('a server that may not start says why and is gone', () => {
  const cases: [string, () => Promise<Outcome>, RegExp][] = [
    [
      'the data folder is another process’s',
      () => serve('data'),
      /The data folder .* is in use by the process \d+\. Stop that one, or choose another/,
    ],
    [
      'the port is taken',
      () => serve('a', '--port', String(server.port)),
      /Port \d+ of 127\.0\.0\.1 is taken.*choose another port/,
    ],
    ['no such dialect', () => serve('b', '--listen', 'klingon=0'), /There are: native, ownware/],
    [
      'another machine could listen',
      () => serve('c', '--host', '0.0.0.0'),
      /without TLS.*--tls-cert/,
    ],
    ['a file is in the way', () => serve('file/in/it'), /a file is in its way.*--data-dir/],
    [
      'a folder of agents is missing',
      () => serve('d', '--agents', '/no/such'),
      /no folder \/no\/such/,
    ],
    [
      'a certificate is missing',
      () => serve('e', '--tls-cert', '/no/cert', '--tls-key', '/no/key'),
      /\/no\/cert of --tls-cert cannot be read/,
    ],
    ['a flag is misspelt', () => serve('f', '--prot', '1'), /Did you mean --port/],
  ]
  it.concurrent.each(cases)('%s', SLOW, async (_, start, reason) => {
    writeFileSync(join(folder, 'file'), '')
    const { code, out, err } = await start()
    expect(err).toMatch(reason)
    expect(err).not.toMatch(/^\s+at /m)
    expect([code, out]).toEqual([1, ''])
  })

  it('a server that may not be reached makes no token', () => {
    expect(existsSync(join(folder, 'c'))).toBe(false)
  })
})

it('lists, answers and prints what a running server has', SLOW, async () => {
  const response = await fetch(`${server.url}/manifold/v1/runs`, {
    method: 'POST',
    body: '{"input":"write hello to a.txt"}',
  })
  const { thread, run } = (await response.json()) as { thread: string; run: string }
  const at = ['--url', server.url]
  await expect.poll(async () => (await manifold('asks', ...at)).out, SLOW).toContain('write a.txt')
  const [threads, runs, asks] = await Promise.all(
    ['threads', 'runs', 'asks'].map((list) => manifold(list, '--json', ...at)),
  )
  expect(JSON.parse(threads?.out ?? '').items[0]).toMatchObject({ id: thread, status: 'waiting' })
  expect(JSON.parse(runs?.out ?? '').items[0]).toMatchObject({ id: run })
  const { id } = JSON.parse(asks?.out ?? '').items[0] as { id: string }
  expect((await manifold('asks', 'answer', id, 'yes', ...at)).code).toBe(0)
  await expect
    .poll(async () => (await manifold('events', thread, '--after', '1', ...at)).out, SLOW)
    .toMatch(/run\.created[\s\S]*ask\.settled[\s\S]*run\.ended/)
  expect((await manifold('threads', '--search', 'nothing has this', ...at)).out).toBe(
    'Nothing fits.\n',
  )
  const lost = await manifold('threads', '--url', 'http://127.0.0.1:9')
  expect(lost).toMatchObject({ code: 1, out: '' })
  expect(lost.err).toMatch(/^manifold: No server answers at http:\/\/127\.0\.0\.1:9\. .*npm start/)
})

it('a mistake in an agent’s file is told in the log, once', SLOW, async () => {
  const bad = join(data, 'agents/bad')
  mkdirSync(bad)
  writeFileSync(join(bad, 'agent.json'), '{ "model": 5 }')
  await expect.poll(() => server.log(), SLOW).toContain('agents/bad/agent.json')
  rmSync(bad, { recursive: true })
})

it('the doctor looks beside a running server, and finds its index right', {
  timeout: 60_000,
}, async () => {
  const port = ['--port', String(server.port)]
  const beside = await manifold('doctor', '--data-dir', data, ...port)
  expect(beside.code).toBe(0)
  expect(beside.out).toMatch(/warn +store +not looked at.*in use by the process/)
  expect(beside.out).toMatch(new RegExp(`ok +port ${server.port} +a Manifold server answers`))
  const refused = await manifold('doctor', '--rebuild', '--data-dir', data, ...port)
  expect([refused.code, refused.out]).toEqual([1, expect.stringContaining('not computed again')])

  expect(await server.stop()).toBe(0)
  const alone = await manifold('doctor', '--rebuild', '--data-dir', data, ...port)
  expect(alone.code).toBe(0)
  expect(alone.out).toMatch(/The index of 1 threads was computed again; all of it was right\./)
})

it('the doctor makes no data folder where there is none', { timeout: 60_000 }, async () => {
  const none = join(folder, 'none/data')
  const looked = await manifold('doctor', '--data-dir', none, '--port', '0')
  expect(looked.out).toMatch(/ok +data folder +not there yet; the first start makes .*none\/data/)
  expect([looked.code, existsSync(join(folder, 'none'))]).toEqual([0, false])
  const file = join(folder, 'a-file')
  writeFileSync(file, '')
  const refused = await manifold('doctor', '--data-dir', join(file, 'data'), '--port', '0')
  expect([refused.code, refused.out]).toEqual([1, expect.stringMatching(/FAIL +data folder/)])
})

it('what is kept can be read by its owner only', () => {
  const open = (readdirSync(data, { recursive: true, encoding: 'utf8' }) as string[])
    .filter((path) => !path.startsWith('workspace/'))
    .filter((path) => (statSync(join(data, path)).mode & 0o077) !== 0)
  expect(open).toEqual([])
  expect(statSync(data).mode & 0o777).toBe(0o700)
})

it('the log says nothing of a day without trouble but its end', () => {
  expect(server.log().trim().split('\n')).toEqual([
    expect.stringContaining('an agent has a mistake'),
    expect.stringContaining('stopping'),
  ])
})
