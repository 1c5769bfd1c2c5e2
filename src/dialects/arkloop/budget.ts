/**
 * A persona's budgets and its way of reasoning as the settings of its agent. What the engine has no
 * setting for is kept and shown, and changes nothing.
 */

import type { Json } from '../../kernel/part.ts'
import type { Budgets } from './persona-schema.ts'

type Config = Record<string, Json>

/** Tokens to think with; null: none; absent: as the server decides. */
const THINKING: Readonly<Record<string, number | null>> = {
  ...{ none: null, disabled: null, minimal: 1024, low: 4096 },
  ...{ medium: 10_000, enabled: 10_000, high: 24_000, xhigh: 32_000 },
}

export function withBudgets(config: Config, budgets: Budgets): Config {
  const { temperature: _, topP: __, maxTokens: ___, limits, ...rest } = config
  const { turns: ____, costUsd: _____, ...kept } = (limits ?? {}) as Config
  const { reasoning_iterations: turns, max_output_tokens: maxTokens } = budgets
  const { temperature, top_p: topP, max_cost_micros: micros } = budgets
  const costUsd = micros ? micros / 1_000_000 : null
  return {
    ...rest,
    ...(temperature == null ? {} : { temperature }),
    ...(topP == null ? {} : { topP }),
    ...(maxTokens ? { maxTokens } : {}),
    limits: { ...kept, ...(turns ? { turns } : {}), ...(costUsd === null ? {} : { costUsd }) },
  }
}

export function withReasoning(config: Config, mode: string): Config {
  const { thinking: _, ...rest } = config
  const budgetTokens = THINKING[mode.trim().toLowerCase()]
  if (budgetTokens === undefined) return rest
  if (budgetTokens === null) return { ...rest, thinking: { enabled: false } }
  return { ...rest, thinking: { enabled: true, budgetTokens } }
}
