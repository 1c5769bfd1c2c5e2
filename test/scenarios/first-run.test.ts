/**
 * `npm start` as on a fresh clone: a copy of what the repository holds, without a build. The packages
 * are those of this checkout, so no network is needed; that npm can fetch them is left to a person.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { framesUntil, json } from '../support/sse.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const NEEDED = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json']

let folder: string
let clone: string
const children: ChildProcess[] = []

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'manifold-first-run-'))
  clone = join(folder, 'clone')
  for (const name of [...NEEDED, 'src', 'web', 'scripts'])
    cpSync(join(ROOT, name), join(clone, name), { recursive: true })
  linkPackages()
})

afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

/** Each package is a link: whatever became of the copy, the checkout's own packages stay. */
function linkPackages(): void {
  const packages = join(clone, 'node_modules')
  mkdirSync(packages)
  for (const name of readdirSync(join(ROOT, 'node_modules')))
    symlinkSync(join(ROOT, 'node_modules', name), join(packages, name))
  const lock = readFileSync(join(clone, 'package-lock.json'))
  rmSync(join(packages, '.manifold-lock'), { force: true })
  writeFileSync(join(packages, '.manifold-lock'), createHash('sha256').update(lock).digest('hex'))
}

interface Started {
  child: ChildProcess
  url: string
  out(): string
  err(): string
  gone: Promise<number | null>
}

/** Resolves when the promised line is there. */
function npmStart(...flags: string[]): Promise<Started> {
  const child = spawn('npm', ['start', '--', '--port', '0', ...flags], {
    cwd: clone,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      MANIFOLD_HOME: join(folder, 'home'),
      OLLAMA_HOST: 'http://127.0.0.1:9',
      npm_config_update_notifier: 'false',
    },
  })
  children.push(child)
  const said = { out: '', err: '' }
  const gone = new Promise<number | null>((done) => child.once('close', done))
  child.stderr.on('data', (text) => {
    said.err += text
  })
  return new Promise((done, fail) => {
    child.stdout.on('data', (text) => {
      said.out += text
      const url = /^listening on (http:\/\/127\.0\.0\.1:\d+)$/m.exec(said.out)?.[1]
      if (url) done({ child, url, gone, out: () => said.out, err: () => said.err })
    })
    void gone.then((code) => fail(new Error(`npm start ended (${code}): ${said.out}${said.err}`)))
  })
}

it('builds, serves, talks without any key, and is quick the second time', async () => {
  const first = await npmStart()
  expect(first.err()).toContain('building')
  expect(existsSync(join(folder, 'home/manifold.db'))).toBe(true)

  const page = await (await fetch(first.url)).text()
  const script = /src="(\/console\/assets\/[^"]+\.js)"/.exec(page)?.[1]
  expect((await fetch(`${first.url}${script}`)).status).toBe(200)

  const run = await fetch(`${first.url}/api/v1/run`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"profileId":"assistant","prompt":"list the files"}',
  })
  const { threadId } = (await run.json()) as { threadId: string }
  const events = `${first.url}/api/v1/threads/${threadId}/agents/root/events?since=0`
  const told = (await framesUntil(events, (f) => f.event === 'session.end')).map(json)
  expect(told.find((e) => e.type === 'tool.call.end')).toMatchObject({
    toolName: 'list',
    isError: false,
  })
  expect(told.at(-1)).toMatchObject({ reason: 'end_turn' })

  // What npm was told reaches the server: it is gone, and so is its claim on the data folder.
  first.child.kill('SIGTERM')
  await first.gone
  const second = await npmStart('--listen', 'ownware=0')
  expect(second.err()).not.toContain('building')
  expect(second.err()).not.toContain('installing')
  await expect.poll(second.out, { timeout: 20_000 }).toContain('talk to it')
  const own = /^ +ownware +(http:\S+)$/m.exec(second.out())?.[1]
  const threads = await fetch(`${own}/api/v1/threads?profileId=assistant`)
  expect(((await threads.json()) as { items: unknown[] }).items).toHaveLength(1)
  second.child.kill('SIGTERM')
  await second.gone
}, 180_000)

const hasCurl = spawnSync('curl', ['--version']).status === 0

it.skipIf(!hasCurl)(
  'the four calls of the README work as they are printed',
  async () => {
    const server = await npmStart()
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
    const block = /## Four calls[\s\S]*?```sh\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
    const calls = [...block.matchAll(/^curl (?:.*\\\n)*.*$/gm)].map(([call]) => call)
    expect(calls).toHaveLength(4)
    const type = (call: string, TID = '') => {
      const typed = call
        .replace(/^curl /, 'curl --silent --max-time 3 ')
        .replaceAll('localhost:3011', new URL(server.url).host)
        .replace('"hello"', '"write hello to a.txt"')
      const env = { PATH: process.env.PATH, TID }
      return spawnSync('sh', ['-c', typed], { encoding: 'utf8', env }).stdout
    }
    const [begin = '', read = '', answer = '', models = ''] = calls
    const { threadId } = JSON.parse(type(begin)) as { threadId: string }
    await expect
      .poll(() => type(read, threadId), { timeout: 60_000 })
      .toContain('permission.request')
    expect(JSON.parse(type(answer, threadId))).toMatchObject({ approved: true, pendingCount: 0 })
    expect(type(read, threadId)).toContain('"session.end"')
    const usable = (JSON.parse(type(models)) as { id: string; hasCredentials: boolean }[]).filter(
      (model) => model.hasCredentials,
    )
    expect(usable.map((model) => model.id)).toEqual(['demo:assistant'])
    server.child.kill('SIGTERM')
    await server.gone
  },
  180_000,
)
