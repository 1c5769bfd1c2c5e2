/** A server as a process of its own, so that it can be killed like one. */

import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '../..')

export interface ServerProcess {
  url: string
  port: number
  pid: number
  child: ChildProcess
  /** Everything it wrote to stderr. */
  log(): string
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>
}

export interface ProcessOptions {
  dataDir: string
  port?: number
  args?: string[]
  env?: Record<string, string>
}

/** Runs the built server when there is a build that is asked for, else the sources. */
export function command(): { file: string; args: string[] } {
  const built = join(ROOT, 'dist/main.js')
  if (process.env.MANIFOLD_TEST_BUILT === '1' && existsSync(built))
    return { file: process.execPath, args: [built] }
  return { file: process.execPath, args: ['--import', 'tsx', join(ROOT, 'src/main.ts')] }
}

/** Resolves when the server says that it listens. */
export async function spawnServer(options: ProcessOptions): Promise<ServerProcess> {
  const { file, args } = command()
  const given = ['serve', '--port', String(options.port ?? 0), '--data-dir', options.dataDir]
  const child = spawn(file, [...args, ...given, ...(options.args ?? [])], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: options.dataDir,
      OLLAMA_HOST: 'http://127.0.0.1:9',
      ...options.env,
    },
  })
  let stderr = ''
  child.stderr?.on('data', (chunk) => {
    stderr += String(chunk)
  })
  const gone = new Promise<number | null>((done) => child.once('exit', (code) => done(code)))
  const url = await listening(child, gone, () => stderr)
  return {
    url,
    port: Number(new URL(url).port),
    pid: child.pid as number,
    child,
    log: () => stderr,
    kill: async () => {
      child.kill('SIGKILL')
      await gone
    },
    stop: () => {
      child.kill('SIGTERM')
      return gone
    },
  }
}

function listening(
  child: ChildProcess,
  gone: Promise<number | null>,
  stderr: () => string,
): Promise<string> {
  return new Promise((done, fail) => {
    let stdout = ''
    child.stdout?.on('data', (chunk) => {
      stdout += String(chunk)
      const match = /listening on (https?:\/\/[^\s]+)/.exec(stdout)
      if (match) done(match[1] as string)
    })
    void gone.then((code) => fail(new Error(`the server ended (${code}): ${stdout}\n${stderr()}`)))
  })
}
