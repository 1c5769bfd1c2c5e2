/**
 * Starts an MCP server that the machine's owner has configured, as a process of the server's own. It
 * leads a group of its own, so that it and all it started end together; of the environment it gets
 * only what is given here.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import type { Talk } from '../kernel/workspace.ts'

export interface SpawnOptions {
  command: string
  args: string[]
  env: Record<string, string>
  cwd: string
}

const LEAVE_MS = 500
const GRACE_MS = 2_000

export async function spawnServer(options: SpawnOptions): Promise<Talk> {
  const { command, args, env, cwd } = options
  const child = spawn(command, args, { cwd, env, stdio: 'pipe', detached: true })
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => {
      signalGroup(child, 'SIGKILL')
      resolve()
    })
  })
  // Who listens to the process hears of its end; a broken pipe says nothing more.
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on('error', () => {})
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', reject)
  })
  child.on('error', () => {})
  let leaving: Promise<void> | null = null
  return {
    gone,
    say: (text) =>
      new Promise((resolve, reject) => {
        if (!child.stdin.writable) return reject(new Error('The server has ended.'))
        child.stdin.write(text, (error) => (error ? reject(error) : resolve()))
      }),
    hear(on) {
      child.stdout.on('data', on.stdout)
      child.stderr.on('data', on.stderr)
    },
    end() {
      leaving ??= leave(child)
      return leaving
    },
  }
}

/** A server that behaves leaves when its input ends. The others are told to, and then made to. */
async function leave(child: ChildProcess): Promise<void> {
  child.stdin?.end()
  if (await hasLeft(child, LEAVE_MS)) return
  signalGroup(child, 'SIGTERM')
  if (await hasLeft(child, GRACE_MS)) return
  signalGroup(child, 'SIGKILL')
  await hasLeft(child, GRACE_MS)
}

function hasLeft(child: ChildProcess, withinMs: number): Promise<boolean> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null)
    return Promise.resolve(true)
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), withinMs)
    child.once('exit', () => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}

function signalGroup(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, name)
  } catch {
    // Nobody is left.
  }
}
