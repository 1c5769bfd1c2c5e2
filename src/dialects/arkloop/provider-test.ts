/** Whether a model answers: one short question, and a bounded wait. */

import type { Models } from '../../kernel/ports.ts'

const WAIT_MS = 20_000

export async function tryModel(
  models: Models,
  model: string,
  { now, signal }: { now(): number; signal: AbortSignal },
): Promise<{ success: boolean; latency_ms: number; error?: string }> {
  const began = now()
  const stream = models.stream({
    model,
    system: '',
    messages: [
      {
        id: 'test',
        role: 'user',
        parts: [{ kind: 'text', text: 'Answer with the word ok.' }],
        run: '',
        turn: null,
        at: began,
      },
    ],
    continues: false,
    attempt: 1,
    tools: [],
    maxOutputTokens: 16,
    signal: AbortSignal.any([signal, AbortSignal.timeout(WAIT_MS)]),
  })
  let error = 'the model ended without a word'
  for await (const item of stream) {
    if (item.kind === 'done') return { success: true, latency_ms: now() - began }
    if (item.kind === 'failed') error = item.failure.message
  }
  return { success: false, latency_ms: now() - began, error }
}
