/**
 * Starts a command stopped behind a gate: its process exists and can be marked, and does nothing
 * until the gate is opened. If the server dies before that, the gate closes and nothing ever happens.
 * The gate stands before the walls, so nothing that a workspace says may reach its environment.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import type { ProcessMark } from '../kernel/event.ts'
import { MARK_VARIABLE, markOf, markText } from './process.ts'

export interface Gated {
  child: ChildProcess
  pid: number
  /** Null where the system has no process table to read. */
  mark: ProcessMark | null
  open(): void
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

export interface GateOptions {
  argv: string[]
  cwd: string
  env: Record<string, string>
  /** What the walls are told beside their command line; they read it from the descriptor `LETTER`. */
  letter?: string
  /** Both outputs in the order they are written, in one stream. */
  merged: boolean
  stdin: 'none' | 'pipe'
  /** Where the outputs go instead of pipes. */
  output?: number
}

/** The next descriptor after the gate's own. */
export const LETTER = 4

const SCRIPT = `read -r ${MARK_VARIABLE} <&3 || exit 125
exec 3<&-
export ${MARK_VARIABLE}
ulimit -c 0
exec "$@"`

const SHELL = '/bin/sh'

/** Rejects when not even the gate can be started. */
export async function startGated(options: GateOptions): Promise<Gated> {
  const out = options.output ?? 'pipe'
  const err = options.output ?? (options.merged ? 'ignore' : 'pipe')
  const script = options.merged ? `exec 2>&1\n${SCRIPT}` : SCRIPT
  const more = options.letter === undefined ? [] : (['pipe'] as const)
  const child = spawn(SHELL, ['-c', script, 'sh', ...options.argv], {
    cwd: options.cwd,
    env: options.env,
    // A session and a process group of its own, so that all of it can be ended at once.
    detached: true,
    stdio: [options.stdin === 'pipe' ? 'pipe' : 'ignore', out, err, 'pipe', ...more],
  })
  const [, , , gate, letter] = child.stdio as (Writable | undefined)[]
  for (const end of [gate, letter]) end?.on('error', () => {})
  letter?.end(options.letter)
  child.stdin?.on('error', () => {})
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', reject)
  })
  child.on('error', () => {})
  const pid = child.pid as number
  const mark = markOf(pid)
  return { child, pid, mark, ended, open: () => gate?.end(`${mark ? markText(mark) : pid}\n`) }
}

export const outputsOf = (child: ChildProcess): Readable[] =>
  [child.stdout, child.stderr].filter((stream) => stream !== null)
