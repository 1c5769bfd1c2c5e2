/** Where the output of a command goes: bounded for the result, and in pieces for whoever watches. */

import { StringDecoder } from 'node:string_decoder'
import type { RunItem } from '../kernel/workspace.ts'
import { createCapture } from './capture.ts'

export type Output = Extract<RunItem, { kind: 'output' }>

export function createSink(maxBytes: number) {
  const captures = { stdout: createCapture(maxBytes), stderr: createCapture(maxBytes) }
  const decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') }
  let untold = maxBytes
  let pending: Output[] = []
  let finished = false
  let wake: () => void = () => {}
  const tell = (stream: 'stdout' | 'stderr', text: string): void => {
    const last = pending.at(-1)
    if (last?.stream === stream) last.text += text
    else pending.push({ kind: 'output', stream, text })
    wake()
  }
  return {
    captured: () => ({ stdout: captures.stdout.result(), stderr: captures.stderr.result() }),
    add(stream: 'stdout' | 'stderr', chunk: Buffer): void {
      captures[stream].add(chunk)
      if (untold <= 0) return
      const text = decoders[stream].write(chunk.subarray(0, untold))
      untold -= chunk.length
      if (text) tell(stream, text)
      if (untold <= 0) tell(stream, '\n[... the rest is not shown while it runs ...]\n')
    },
    finish(): void {
      finished = true
      wake()
    },
    /** What was written since the last time; null when there will be no more. */
    async next(): Promise<Output[] | null> {
      while (pending.length === 0 && !finished)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      if (pending.length === 0) return null
      const items = pending
      pending = []
      return items
    },
  }
}
