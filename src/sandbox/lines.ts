/** Lines of a text file, of any size, without ever holding more of it than is asked for. */

import { Fault } from '../kernel/fault.ts'
import type { LineOptions, Lines } from '../kernel/workspace.ts'
import { streamFile } from './file.ts'
import { type Root, shown } from './place.ts'
import { isBinary } from './search.ts'

/** A file larger than this is not read to its end only to count its lines. */
const MAX_SCANNED = 256 * 1024 * 1024
const MAX_LINE_BYTES = 64 * 1024

export async function readLines(root: Root, path: string, options: LineOptions): Promise<Lines> {
  const from = Math.max(1, options.from ?? 1)
  const { entry, body } = await streamFile(root, path)
  const reader = lineReader(from, options.count ?? 2000, options.maxBytes ?? 256 * 1024)
  let scanned = 0
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      if (scanned === 0 && isBinary(chunk))
        throw new Fault('unsupported', `${shown(path)} is a binary file of ${entry.size} bytes.`)
      scanned += chunk.length
      reader.take(chunk)
      if (scanned > MAX_SCANNED && reader.isFull()) return { entry, from, ...reader.end(false) }
    }
    return { entry, from, ...reader.end(true) }
  } finally {
    body.destroy()
  }
}

function lineReader(from: number, count: number, maxBytes: number) {
  const lines: string[] = []
  let pending: Buffer[] = []
  let pendingBytes = 0
  let line = 1
  let bytes = 0
  let isFull = false
  const wanted = (): boolean => !isFull && line >= from && lines.length < count

  const keep = (piece: Buffer): void => {
    if (!wanted() || pendingBytes >= MAX_LINE_BYTES) return
    const part = Buffer.from(piece.subarray(0, MAX_LINE_BYTES - pendingBytes))
    pending.push(part)
    pendingBytes += part.length
  }
  const finish = (): void => {
    if (wanted()) {
      if (lines.length > 0 && bytes + pendingBytes > maxBytes) isFull = true
      else lines.push(Buffer.concat(pending).toString('utf8').replace(/\r$/, ''))
      bytes += pendingBytes + 1
    }
    pending = []
    pendingBytes = 0
  }
  let endsOpen = false
  return {
    take(chunk: Buffer): void {
      let start = 0
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
        keep(chunk.subarray(start, end))
        finish()
        line++
        start = end + 1
      }
      if (start < chunk.length) keep(chunk.subarray(start))
      endsOpen = start < chunk.length || (endsOpen && start === 0)
    },
    isFull: (): boolean => isFull || lines.length >= count,
    end(isWhole: boolean): { lines: string[]; total: number | null } {
      if (isWhole && endsOpen) finish()
      return { lines, total: isWhole ? line - (endsOpen ? 0 : 1) : null }
    },
  }
}
