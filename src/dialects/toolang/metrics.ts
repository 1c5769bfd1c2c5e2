/** What the agent has done so far, in numbers. */

import type { Context } from './context.ts'
import { originOfKind } from './telling.ts'

const PAGE = 500

export async function metricsOf({ engine, journal }: Context, account: { account?: string }) {
  const threads = { total: 0, chat: 0, chore: 0, task: 0 }
  const steps = { total: 0, model_call: 0, tool_call: 0, runtime: 0 }
  for (let offset = 0; ; offset += PAGE) {
    const query = { ...account, parentThread: null, limit: PAGE, offset }
    const { items } = await engine.store.threads(query)
    for (const row of items) {
      const of = await journal.tally(row.id, row.seq)
      if (of.runs === 0) continue
      threads.total++
      threads[originOfKind(of.kind)]++
      steps.model_call += of.modelSteps
      steps.tool_call += of.toolSteps
      steps.runtime += of.failed
    }
    if (items.length < PAGE) break
  }
  steps.total = steps.model_call + steps.tool_call + steps.runtime
  const totals = await engine.store.usage(account)
  const input = totals.reduce((sum, t) => sum + t.usage.inputTokens, 0)
  const output = totals.reduce((sum, t) => sum + t.usage.outputTokens, 0)
  return { threads, steps, tokens: { input, output, total: input + output } }
}
