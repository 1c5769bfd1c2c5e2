/**
 * Puts a summary in place of the older part of what the model reads. The log keeps the original;
 * a failed attempt changes nothing.
 */

import { draft, type Trouble } from '../../kernel/event.ts'
import { TIME } from '../../kernel/next.ts'
import { type Message, textOf } from '../../kernel/part.ts'
import type { ModelItem } from '../../kernel/ports.ts'
import { contextOf, contextTokens, estimateTokens, type Thread } from '../../kernel/thread.ts'
import { NO_USAGE, type Usage } from '../../kernel/usage.ts'
import { activeRun, type Context, reasonOf, unlessCancelled, type Work } from '../context.ts'

export async function performCompaction(
  context: Context,
  work: Work,
  by: 'limit' | 'command',
): Promise<void> {
  const { live } = work
  const run = activeRun(live.state)
  const model = run.model as string
  const tokens = contextTokens(live.state)
  const window = context.models.card(model)?.contextWindow ?? null
  const { events } = await live.commit(
    unlessCancelled(({ id }) => [draft('context.compacting', id, { by, tokens, window })]),
    { isDriver: true },
  )
  if (events.length === 0) return
  const keep = work.policy?.compaction?.keepExchanges ?? work.agent.compaction.keepExchanges
  // What is being answered is never summed up.
  const cut = cutOf(live.state, by === 'limit' ? Math.max(1, keep) : keep)
  if (cut === null) return leave(work, { reason: 'nothing', usage: NO_USAGE })
  const told = await summarise(context, work, { cut, window, hints: run.instructions })
  const stopped = reasonOf(work.signal)
  if (stopped === 'shutdown' || stopped === 'lost') return
  if (stopped === 'limit')
    return leave(work, { reason: 'cancelled', usage: told.usage, trouble: TIME })
  if (stopped) return leave(work, { reason: 'cancelled', usage: told.usage })
  if (told.trouble !== null)
    return leave(work, { reason: 'failed', usage: told.usage, trouble: told.trouble })
  await settle(work, { cut, tokens, summary: told.text, usage: told.usage })
}

interface Cut {
  /** What is summarised, as the model read it. */
  old: Message[]
  /** The first message that is kept, or null when none is. */
  keepFrom: string | null
  kept: Message[]
}

/** Everything before the last `keep` exchanges; null when that is nothing. */
function cutOf(thread: Thread, keep: number): Cut | null {
  const context = contextOf(thread)
  const starts = context.flatMap((m, i) =>
    m.role === 'user' && !m.steered && !m.summary ? [i] : [],
  )
  const at = keep === 0 ? context.length : starts.at(-keep)
  if (at === undefined || starts.length <= keep) return null
  const old = context.slice(0, at)
  if (old.every((m) => m.summary)) return null
  return { old, keepFrom: context[at]?.id ?? null, kept: context.slice(at) }
}

async function leave(
  work: Work,
  data: { reason: 'nothing' | 'failed' | 'cancelled'; usage: Usage; trouble?: Trouble },
): Promise<void> {
  const { id } = activeRun(work.live.state)
  await work.live.commit(() => [draft('context.uncompacted', id, data)], { isDriver: true })
}

async function settle(
  work: Work,
  done: { cut: Cut; tokens: number; summary: string; usage: Usage },
): Promise<void> {
  const { cut, tokens, summary, usage } = done
  const kept = cut.kept.reduce((sum, m) => sum + estimateTokens(m), 0)
  const data = {
    summary,
    keepFrom: cut.keepFrom,
    messagesBefore: cut.old.length + cut.kept.length,
    messagesAfter: cut.kept.length + 1,
    tokensBefore: tokens,
    tokensAfter: kept + Math.ceil(summary.length / 4),
    usage,
  }
  const { id } = activeRun(work.live.state)
  await work.live.commit(
    // What was summed up may have been taken back meanwhile.
    (thread) =>
      activeRun(thread).cancelling
        ? [draft('context.uncompacted', id, { reason: 'cancelled', usage })]
        : [draft('context.compacted', id, data)],
    { isDriver: true },
  )
}

const INSTRUCTIONS = `You write the summary that stands in for the older part of a conversation.
Keep what is needed to go on with the work: goals, decisions and their reasons, names, paths, figures, what was tried and how it went, what is still open.
Leave out pleasantries and repetition. Write plain text.`

async function summarise(
  context: Context,
  work: Work,
  given: { cut: Cut; window: number | null; hints: string | null },
): Promise<{ text: string; usage: Usage; trouble: Trouble | null }> {
  const run = activeRun(work.live.state)
  const hints = given.hints ? `\n\nThe person asks: ${given.hints}` : ''
  const limit = Math.max(512, Math.min(Math.floor((given.window ?? 8_192) * 0.3), 8_192))
  const stream = context.models.stream({
    model: run.model as string,
    system: INSTRUCTIONS + hints,
    messages: [
      {
        id: 'compaction',
        role: 'user',
        parts: [{ kind: 'text', text: transcript(given.cut.old) }],
        run: run.id,
        turn: null,
        at: context.clock(),
      },
    ],
    continues: false,
    attempt: 1,
    tools: [],
    maxOutputTokens: limit,
    signal: work.signal,
  })
  return collect(stream)
}

async function collect(
  stream: AsyncIterable<ModelItem>,
): Promise<{ text: string; usage: Usage; trouble: Trouble | null }> {
  let text = ''
  for await (const item of stream) {
    if (item.kind === 'text') text += item.text
    if (item.kind === 'failed') {
      const { code, message } = item.failure
      return { text, usage: item.usage, trouble: { code, message } }
    }
    if (item.kind === 'done') {
      const empty = { code: 'empty_summary', message: 'The model gave no summary.' }
      return { text: text.trim(), usage: item.usage, trouble: text.trim() ? null : empty }
    }
  }
  const trouble = { code: 'cut_off', message: 'The model ended without a word.' }
  return { text, usage: NO_USAGE, trouble }
}

const RESULT_LIMIT = 300

function transcript(messages: Message[]): string {
  return messages.flatMap(lines).join('\n')
}

function lines(message: Message): string[] {
  return message.parts.flatMap((part) => {
    if (part.kind === 'thinking') return []
    if (part.kind === 'call')
      return [`Assistant called ${part.tool}: ${JSON.stringify(part.input)}`]
    if (part.kind === 'result') return [`Tool(${part.tool}): ${part.output.slice(0, RESULT_LIMIT)}`]
    return [`${message.role === 'user' ? 'User' : 'Assistant'}: ${textOf([part])}`]
  })
}
