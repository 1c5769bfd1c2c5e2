/** What each provider must be told beside the prompt: how to think, what to keep, what to report. */

import type { ModelRequest } from '../kernel/ports.ts'
import type { Meta, Prompt } from './library.ts'
import type { Provider } from './providers.ts'

export function tuningOf(
  { family, kind, name }: Pick<Provider, 'family' | 'kind' | 'name'>,
  model: string,
): (request: ModelRequest, prompt: Prompt) => Meta {
  switch (family) {
    case 'anthropic':
      return (request, prompt) => anthropic(model, request, prompt)
    case 'openai':
      return (request) => ({ openai: { store: false, ...openaiThinking(request) } })
    case 'google':
      return (request) => google(model, request)
    case 'compatible':
      return kind === 'openrouter' ? openrouter(name) : () => ({})
  }
}

/** Models that take a budget of thinking tokens; later ones decide by themselves how much to think. */
const BUDGETED = /claude-(3-7|(opus|sonnet)-4-(0|1|20)|(opus|sonnet|haiku)-4-5)/
const UNTHINKING = /claude-(instant|2|3-(5|haiku|opus|sonnet))/
/** These think always, and would tell nothing of it between calls unless asked to. */
const ALWAYS = /claude-(opus|sonnet)-5-5|fable-5|mythos-5/
/** These refuse thinking of theirs when anything before it has changed, as compaction does. */
const BOUND = /claude-(opus|sonnet)-5-5|(fable|mythos)-5-1/

function anthropic(model: string, request: ModelRequest, prompt: Prompt): Meta {
  const binding = BOUND.test(model)
    ? { blockBinding: { prefixMismatchBehavior: 'drop_block' } }
    : {}
  const isWanted = request.thinking !== undefined || ALWAYS.test(model)
  if (!isWanted || UNTHINKING.test(model)) return {}
  if (/claude-/.test(model) && !BUDGETED.test(model))
    return { anthropic: { thinking: { type: 'adaptive', display: 'summarized', ...binding } } }
  if (!mayThink(prompt)) return {}
  const budgetTokens = Math.max(1_024, request.thinking?.budgetTokens ?? 1_024)
  return { anthropic: { thinking: { type: 'enabled', budgetTokens } } }
}

/** While tools are at work the thinking before their calls must come along, else none is allowed. */
function mayThink(prompt: Prompt): boolean {
  if (prompt.at(-1)?.role !== 'tool') return true
  const asking = prompt.findLast((entry) => entry.role === 'assistant')
  return asking?.role === 'assistant' && asking.content[0]?.type === 'reasoning'
}

type Effort = 'low' | 'medium' | 'high'

const effortOf = (budgetTokens: number): Effort =>
  budgetTokens <= 4_096 ? 'low' : budgetTokens <= 16_384 ? 'medium' : 'high'

const openaiThinking = ({ thinking }: ModelRequest): Record<string, string> =>
  thinking ? { reasoningEffort: effortOf(thinking.budgetTokens), reasoningSummary: 'auto' } : {}

function google(model: string, { thinking }: ModelRequest): Meta {
  if (!thinking || !/gemini-(2\.5|[3-9])/.test(model)) return {}
  const amount = /gemini-2\.5/.test(model)
    ? { thinkingBudget: thinking.budgetTokens }
    : { thinkingLevel: effortOf(thinking.budgetTokens) }
  return { google: { thinkingConfig: { ...amount, includeThoughts: true } } }
}

const openrouter =
  (name: string) =>
  ({ thinking }: ModelRequest): Meta => ({
    [name]: {
      usage: { include: true },
      ...(thinking ? { reasoning: { max_tokens: thinking.budgetTokens } } : {}),
    },
  })
