/** A server as a process of its own: started, asked what it uses, killed. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { openLink } from './link.ts'

/** How a server is started: a program and the words before those of the measurement. */
export interface Program {
  file: string
  args: string[]
  /** Path that answers 200 once the server serves. */
  health: string
}

export interface Start {
  program: Program
  port: number
  args: string[]
  env: Record<string, string | undefined>
}

export interface Server {
  port: number
  pid: number
  /** From the start of the process to its first 200. */
  startMs: number
  /** When the process was started, in `performance.now()`. */
  startedAt: number
  /** Memory that is resident now, in bytes. */
  rss(): number
  /** Time that its threads have worked, in milliseconds; null where the system does not say. */
  cpuMs(): number | null
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>
  /** SIGTERM; resolves when the process is gone. */
  stop(): Promise<void>
}

/** A port that was free a moment ago. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })

const STARTS_WITHIN_MS = 30_000

/** Resolves when the server has answered its first request with 200. */
export async function startServer({ program, port, args, env }: Start): Promise<Server> {
  const startedAt = performance.now()
  const child = spawn(program.file, [...program.args, '--port', String(port), ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: env as NodeJS.ProcessEnv,
  })
  let said = ''
  child.stderr?.on('data', (chunk) => {
    said = (said + String(chunk)).slice(-4000)
  })
  const cut = (): void => void child.kill('SIGKILL')
  process.once('exit', cut)
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => {
      process.off('exit', cut)
      resolve()
    })
  })
  try {
    const firstAt = await firstAnswer(child, port, program.health)
    return serverOf(child, { port, startedAt, startMs: firstAt - startedAt }, gone)
  } catch (error) {
    child.kill('SIGKILL')
    throw new Error(`${(error as Error).message}\n${said}`)
  }
}

async function firstAnswer(child: ChildProcess, port: number, path: string): Promise<number> {
  const until = performance.now() + STARTS_WITHIN_MS
  while (performance.now() < until) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`)
    const at = await answered(port, path)
    if (at !== null) return at
    await pause(2)
  }
  throw new Error(`the server did not answer within ${STARTS_WITHIN_MS} ms`)
}

async function answered(port: number, path: string): Promise<number | null> {
  try {
    const link = await openLink(port)
    const { status } = await link.ask('GET', path)
    const at = performance.now()
    link.close()
    return status === 200 ? at : null
  } catch {
    return null
  }
}

function serverOf(
  child: ChildProcess,
  about: Pick<Server, 'port' | 'startedAt' | 'startMs'>,
  gone: Promise<void>,
): Server {
  const pid = child.pid as number
  const end = (signal: NodeJS.Signals) => async (): Promise<void> => {
    child.kill(signal)
    await gone
  }
  return {
    ...about,
    pid,
    rss: () => residentBytes(pid),
    cpuMs: () => workedMs(pid),
    kill: end('SIGKILL'),
    stop: end('SIGTERM'),
  }
}

export function residentBytes(pid: number): number {
  if (process.platform !== 'linux')
    return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)])) * 1024
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024
}

/** Linux counts in hundredths of a second. */
function workedMs(pid: number): number | null {
  if (process.platform !== 'linux') return null
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

/** How many files, sockets among them, a process may have open. Node raises its own soft limit to it. */
export function openFilesLimit(): number {
  try {
    const limit = execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim()
    return limit === 'unlimited' ? Number.POSITIVE_INFINITY : Number(limit)
  } catch {
    return 1024
  }
}
