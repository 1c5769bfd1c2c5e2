/** Whether a model answers: one short question, a bounded wait, and no log of it. */

import type { Models } from '../../kernel/ports.ts'

const WAIT_MS = 20_000
/** Enough for models that think before they speak. */
const MOST_TOKENS = 256
const MOST_TEXT = 400

export interface ModelCheck {
  model: string
  ok: boolean
  text: string
  trouble: { code: string; message: string } | null
  durationMs: number
}

export async function tryModel(
  models: Models,
  model: string,
  signal: AbortSignal,
): Promise<ModelCheck> {
  const began = performance.now()
  const end = (said: string, trouble: ModelCheck['trouble']): ModelCheck => ({
    ...{ model, ok: trouble === null, text: said.slice(0, MOST_TEXT), trouble },
    durationMs: Math.round(performance.now() - began),
  })
  const fault = await models.check(model)
  if (fault) return end('', { code: fault.code, message: fault.message })
  const waiting = AbortSignal.timeout(WAIT_MS)
  let said = ''
  for await (const item of models.stream(question(model, AbortSignal.any([signal, waiting])))) {
    if (item.kind === 'text') said += item.text
    if (item.kind === 'done') return end(said, null)
    if (item.kind !== 'failed') continue
    const message = `The model said nothing for ${WAIT_MS / 1000} seconds.`
    return end(said, waiting.aborted ? { code: 'timed_out', message } : item.failure)
  }
  return end(said, { code: 'provider_error', message: 'The model ended without a word.' })
}

const question = (model: string, signal: AbortSignal) => ({
  model,
  system: 'You are being tested. Answer with one word.',
  messages: [
    {
      ...{ id: 'check', role: 'user' as const, run: '', turn: null, at: 0 },
      parts: [{ kind: 'text' as const, text: 'Answer with the word: ready' }],
    },
  ],
  continues: false,
  attempt: 1,
  tools: [],
  maxOutputTokens: MOST_TOKENS,
  signal,
})
