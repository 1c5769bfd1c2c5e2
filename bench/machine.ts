/** Where the figures were measured: without it they say nothing. */

import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { plain, quantile } from './figure.ts'

export interface Machine {
  cores: number
  cpu: string
  memoryGiB: number
  node: string
  platform: string
  /** Time to bring 4 KiB to the disk, in milliseconds. */
  syncP50Ms: number
  syncP99Ms: number
  /** What else was going on when it began. */
  loadAverage: number
}

export function machine(folder = tmpdir()): Machine {
  const syncs = syncTimes(folder)
  return {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGiB: totalmem() / 2 ** 30,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    syncP50Ms: quantile(syncs, 0.5),
    syncP99Ms: quantile(syncs, 0.99),
    loadAverage: loadavg()[0] ?? 0,
  }
}

/** Everything is on disk before it is told, so this is the floor of most figures. */
function syncTimes(folder: string): number[] {
  const file = join(folder, `manifold-bench-sync-${process.pid}`)
  const handle = openSync(file, 'w', 0o600)
  const page = Buffer.alloc(4096, 1)
  try {
    return Array.from({ length: 200 }, () => {
      const began = performance.now()
      writeSync(handle, page)
      fdatasyncSync(handle)
      return performance.now() - began
    })
  } finally {
    closeSync(handle)
    rmSync(file)
  }
}

export const describeMachine = (m: Machine): string[] => [
  `${m.cores} cores (${m.cpu}), ${plain(m.memoryGiB)} GiB, ${m.platform}, Node ${m.node}`,
  `4 KiB written and synced to this disk: p50 ${plain(m.syncP50Ms)} ms, p99 ${plain(m.syncP99Ms)} ms`,
  `Load average of the machine before it began: ${plain(m.loadAverage)}`,
]
