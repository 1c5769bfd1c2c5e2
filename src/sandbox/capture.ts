/** Keeps the beginning and the end of an output of any length, in bounded memory. */

import type { Captured } from '../kernel/workspace.ts'

export interface Capture {
  add(chunk: Buffer): void
  result(): Captured
}

export function createCapture(maxBytes: number): Capture {
  const headMax = Math.floor(maxBytes / 2)
  const tailMax = maxBytes - headMax
  const head: Buffer[] = []
  const tail: Buffer[] = []
  let headBytes = 0
  let tailBytes = 0
  let bytes = 0
  return {
    add(chunk) {
      bytes += chunk.length
      const first = Math.min(chunk.length, headMax - headBytes)
      if (first > 0) {
        head.push(Buffer.from(chunk.subarray(0, first)))
        headBytes += first
      }
      if (first === chunk.length) return
      tail.push(Buffer.from(chunk.subarray(Math.max(first, chunk.length - tailMax))))
      tailBytes += (tail.at(-1) as Buffer).length
      while (tailBytes - (tail[0] as Buffer).length >= tailMax) {
        tailBytes -= (tail.shift() as Buffer).length
      }
    },
    result() {
      const start = Buffer.concat(head)
      const whole = Buffer.concat(tail)
      if (bytes <= maxBytes)
        return { text: Buffer.concat([start, whole]).toString('utf8'), bytes, truncated: false }
      const end = whole.subarray(Math.max(0, whole.length - tailMax))
      const left = bytes - start.length - end.length
      const text = `${wholeStart(start)}\n[... ${left} bytes left out ...]\n${wholeEnd(end)}`
      return { text, bytes, truncated: true }
    },
  }
}

/** A character that was cut in two is left out. */
function wholeStart(bytes: Buffer): string {
  let end = bytes.length
  while (end > 0 && bytes.length - end < 3 && isContinuation(bytes[end - 1])) end--
  const lead = bytes[end - 1] ?? 0
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1
  return bytes.toString('utf8', 0, bytes.length - end + 1 < length ? end - 1 : bytes.length)
}

function wholeEnd(bytes: Buffer): string {
  let from = 0
  while (from < 3 && isContinuation(bytes[from])) from++
  return bytes.toString('utf8', from)
}

const isContinuation = (byte: number | undefined): boolean =>
  byte !== undefined && (byte & 0xc0) === 0x80
