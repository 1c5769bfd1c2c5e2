/**
 * Finds the lines of a text that a pattern matches. A regular expression can take for ever, so it runs
 * in a thread of its own that is ended when it does; the server's own thread never runs one.
 */

import { Worker } from 'node:worker_threads'
import { Fault } from '../kernel/fault.ts'

/** A line that matched: its number from 1, and its text cut to what a reader needs. */
export type Hit = [line: number, text: string]

export interface Matcher {
  hits(text: string, limit: number): Promise<Hit[]>
  close(): Promise<void>
}

export interface MatcherOptions {
  ignoreCase: boolean
  /** For one text. */
  timeoutMs: number
  signal?: AbortSignal
}

const MAX_LINE = 10_000
const START_MS = 20_000
const SHOWN_LINE = 500

export function createMatcher(pattern: string, options: MatcherOptions): Matcher {
  const inline = /^\(\?i\)/.test(pattern)
  const source = inline ? pattern.slice(4) : pattern
  const ignoreCase = options.ignoreCase || inline
  if (source === '') throw new Fault('invalid', 'The pattern is empty.')
  if (!/[\\^$.*+?()[\]{}|]/.test(source)) return literalMatcher(source, ignoreCase)
  try {
    new RegExp(source)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Fault('invalid', `${why}. Patterns are JavaScript regular expressions.`)
  }
  return threadMatcher(source, ignoreCase ? 'i' : '', options)
}

function literalMatcher(word: string, ignoreCase: boolean): Matcher {
  const wanted = ignoreCase ? word.toLowerCase() : word
  return {
    hits: async (text, limit) => {
      const hits: Hit[] = []
      const lines = text.split('\n')
      for (let i = 0; i < lines.length && hits.length < limit; i++) {
        const line = lines[i] as string
        if ((ignoreCase ? line.toLowerCase() : line).includes(wanted))
          hits.push([i + 1, line.slice(0, SHOWN_LINE)])
      }
      return hits
    },
    close: async () => {},
  }
}

// Text, because a thread cannot load a module that is still TypeScript.
const THREAD = `
const { parentPort, workerData } = require('node:worker_threads')
const regex = new RegExp(workerData.source, workerData.flags)
parentPort.postMessage(null)
parentPort.on('message', ({ text, limit }) => {
  const hits = []
  const lines = text.split('\\n')
  for (let i = 0; i < lines.length && hits.length < limit; i++) {
    const line = lines[i].endsWith('\\r') ? lines[i].slice(0, -1) : lines[i]
    if (regex.test(line.slice(0, ${MAX_LINE}))) hits.push([i + 1, line.slice(0, ${SHOWN_LINE})])
  }
  parentPort.postMessage(hits)
})
`

function threadMatcher(source: string, flags: string, options: MatcherOptions): Matcher {
  const worker = new Worker(THREAD, {
    eval: true,
    workerData: { source, flags },
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 128 },
  })
  worker.on('error', () => {})
  const reply = (timeoutMs: number): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const settle = (act: () => void) => (): void => {
        clearTimeout(timer)
        worker.off('message', onMessage)
        worker.off('exit', onExit)
        options.signal?.removeEventListener('abort', onAbort)
        act()
      }
      const onMessage = (message: unknown): void => settle(() => resolve(message))()
      const onExit = settle(() => reject(new Error('The search thread ended.')))
      const onAbort = settle(() => reject(new Fault('conflict', 'Cancelled.')))
      const timer = setTimeout(
        settle(() => reject(slow(timeoutMs))),
        timeoutMs,
      )
      worker.once('message', onMessage)
      worker.once('exit', onExit)
      options.signal?.addEventListener('abort', onAbort, { once: true })
      if (options.signal?.aborted) onAbort()
    })
  // The clock of a pattern starts when the thread is there, however busy the machine is.
  const ready = reply(START_MS)
  ready.catch(() => {})
  return {
    hits: async (text, limit) => {
      await ready
      const answer = reply(options.timeoutMs)
      worker.postMessage({ text, limit })
      return (await answer) as Hit[]
    },
    close: async () => {
      await worker.terminate()
    },
  }
}

const slow = (timeoutMs: number): Fault =>
  new Fault(
    'limited',
    `The pattern took longer than ${timeoutMs / 1000} s on one file. Use a simpler one, without nested repetition.`,
  )
