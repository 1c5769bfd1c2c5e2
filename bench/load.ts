/** How busy both ends were: a figure that was taken from a client at its limit is the client's. */

import { type EventLoopUtilization, performance } from 'node:perf_hooks'
import type { Server } from './server.ts'

/** Above that share of a core the client may be what is measured. */
const BUSY = 0.8

/** Begins to watch; the answer says how busy both were since. */
export function watchLoad(server: Server): () => string {
  const began = performance.now()
  const cpu = server.cpuMs()
  const loop: EventLoopUtilization = performance.eventLoopUtilization()
  return () => {
    const client = performance.eventLoopUtilization(loop).utilization
    const worked = server.cpuMs()
    const share =
      cpu === null || worked === null ? null : (worked - cpu) / (performance.now() - began)
    const parts = [`client ${percent(client)} busy`]
    if (share !== null) parts.unshift(`server ${percent(share)} of a core`)
    if (client > BUSY) parts.push('the client may be the limit')
    return parts.join(', ')
  }
}

const percent = (share: number): string => `${Math.round(share * 100)}%`
