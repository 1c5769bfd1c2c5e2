/** How busy both ends were: a figure that was taken from a client at its limit is the client's. */

import { type EventLoopUtilization, performance } from 'node:perf_hooks'
import type { Server } from './server.ts'

/** Above that share of a core the client may be what is measured. */
const BUSY = 0.8

export interface Load {
  /** For a person. */
  text: string
  /** What the server's threads have worked, in milliseconds; null where the system does not say. */
  serverMs: number | null
}

/** Begins to watch; the answer says how busy both were since. */
export function watchLoad(server: Server): () => Load {
  const began = performance.now()
  const before = server.cpuMs()
  const loop: EventLoopUtilization = performance.eventLoopUtilization()
  return () => {
    const spanMs = performance.now() - began
    const after = server.cpuMs()
    const client = performance.eventLoopUtilization(loop).utilization
    const serverMs = before === null || after === null ? null : after - before
    const parts = [`client ${percent(client)} busy`]
    if (serverMs !== null) parts.unshift(`server ${percent(serverMs / spanMs)} of a core`)
    if (client > BUSY) parts.push('the client may be the limit')
    return { text: parts.join(', '), serverMs }
  }
}

const percent = (share: number): string => `${Math.round(share * 100)}%`
