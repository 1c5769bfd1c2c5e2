/**
 * How long tools took. The index has no row for a tool call, so this is read from the logs of the runs
 * that are asked about; what an ended run says never changes and is kept.
 */

import type { Event, EventOf } from '../../kernel/event.ts'
import type { Outcome } from '../../kernel/part.ts'
import type { Store } from '../../kernel/ports.ts'
import type { RunRow } from '../../kernel/rows.ts'
import { Recent } from '../../wire/recent.ts'

interface ToolCall {
  tool: string
  outcome: Outcome
  durationMs: number
  seq: number
}

interface Placed extends ToolCall {
  thread: string
  run: string
}

const PAGE = 2_000
const MOST_KEPT = 5_000

export function createToolFigures(store: Pick<Store, 'read'>) {
  const kept = new Recent<ToolCall[]>(MOST_KEPT)

  const callsOf = async (run: RunRow): Promise<ToolCall[]> => {
    const known = kept.get(run.id)
    if (known) return known
    const calls = await readCalls(store, run)
    if (run.endedAt === null) return calls
    kept.set(run.id, calls)
    return calls
  }

  return {
    async of(runs: readonly RunRow[]) {
      const byTool = new Map<string, Placed[]>()
      for (const run of runs)
        for (const call of await callsOf(run)) {
          const placed = { ...call, thread: run.thread, run: run.id }
          byTool.set(call.tool, [...(byTool.get(call.tool) ?? []), placed])
        }
      return [...byTool.values()].map(figuresOf).sort((a, b) => b.totalMs - a.totalMs)
    },
  }
}

async function readCalls(store: Pick<Store, 'read'>, run: RunRow): Promise<ToolCall[]> {
  const calls: ToolCall[] = []
  let at = run.firstSeq - 1
  while (at < run.lastSeq) {
    const events = await store.read(run.thread, at, Math.min(PAGE, run.lastSeq - at))
    if (events.length === 0) break
    for (const event of events) {
      at = event.seq
      if (!isEnd(event) || event.run !== run.id) continue
      const { tool, outcome, durationMs } = event.data
      calls.push({ tool, outcome, durationMs, seq: event.seq })
    }
  }
  return calls
}

const isEnd = (event: Event): event is EventOf<'tool.ended'> => event.type === 'tool.ended'

/** Calls that were refused took no time of the tool's. */
function figuresOf(calls: readonly Placed[]) {
  const first = calls[0] as Placed
  const ran = calls.filter((c) => c.outcome !== 'denied')
  const times = ran.map((c) => c.durationMs).sort((a, b) => a - b)
  const at = (share: number): number => times[Math.ceil(share * times.length) - 1] ?? 0
  const slowest = ran.reduce((a, b) => (b.durationMs > a.durationMs ? b : a), ran[0] ?? first)
  const { thread, run, seq } = slowest
  return {
    tool: first.tool,
    calls: calls.length,
    failed: ran.filter((c) => c.outcome === 'failed' || c.outcome === 'unknown').length,
    denied: calls.length - ran.length,
    medianMs: at(0.5),
    p95Ms: at(0.95),
    maxMs: times.at(-1) ?? 0,
    totalMs: times.reduce((sum, ms) => sum + ms, 0),
    slowest: { thread, run, seq },
  }
}
