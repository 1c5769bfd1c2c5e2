/**
 * Speaks MCP with a server that is a process of this machine. The process leads a group of its own, so
 * that it and all it started end together; of the environment it gets only what is given here.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'

export interface ProcessOptions {
  command: string
  args: string[]
  env: Record<string, string>
  cwd: string
}

export interface ProcessTransport extends Transport {
  /** The end of what it wrote to its error output. */
  complaint(): string
}

const MAX_COMPLAINT = 2_000
const LEAVE_MS = 500
const GRACE_MS = 2_000

export async function createProcessTransport(options: ProcessOptions): Promise<ProcessTransport> {
  const { ReadBuffer, serializeMessage } = await import('@modelcontextprotocol/sdk/shared/stdio.js')
  const buffer = new ReadBuffer()
  let child: ChildProcess | null = null
  let closing: Promise<void> | null = null
  let complaint = ''

  const receive = (chunk: Buffer): void => {
    try {
      buffer.append(chunk)
    } catch (error) {
      transport.onerror?.(error as Error)
      void transport.close()
      return
    }
    for (;;) {
      try {
        const message = buffer.readMessage()
        if (message === null) return
        transport.onmessage?.(message)
      } catch (error) {
        // A line that is no message (a greeting, a log) is skipped.
        transport.onerror?.(error as Error)
      }
    }
  }
  const transport: ProcessTransport = {
    async start() {
      const { command, args, env, cwd } = options
      const started = spawn(command, args, { cwd, env, stdio: 'pipe', detached: true })
      child = started
      started.stdout.on('data', receive)
      started.stderr.on('data', (chunk: Buffer) => {
        complaint = (complaint + chunk.toString('utf8')).slice(-MAX_COMPLAINT)
      })
      for (const stream of [started.stdin, started.stdout, started.stderr])
        stream.on('error', (error) => transport.onerror?.(error))
      started.once('exit', () => {
        signalGroup(started, 'SIGKILL')
        transport.onclose?.()
      })
      await new Promise<void>((resolve, reject) => {
        started.once('spawn', resolve)
        started.once('error', reject)
      })
      started.on('error', (error) => transport.onerror?.(error))
    },
    send: (message: JSONRPCMessage) =>
      new Promise((resolve, reject) => {
        if (!child?.stdin?.writable) return reject(new Error('The server has ended.'))
        child.stdin.write(serializeMessage(message), (error) => (error ? reject(error) : resolve()))
      }),
    close() {
      closing ??= child === null ? Promise.resolve() : leave(child)
      return closing
    },
    complaint: () => complaint.trim(),
  }
  return transport
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
