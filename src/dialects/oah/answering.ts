/** One answer of a model outside any session: whole, or as it is said. */

import type { Stop } from '../../kernel/event.ts'
import type { Message } from '../../kernel/part.ts'
import type { Engine } from '../../kernel/ports.ts'
import type { Usage } from '../../kernel/usage.ts'
import type { Reply } from '../../wire/dialect.ts'
import { sseFrame } from '../../wire/sse.ts'
import { inputOf } from './content.ts'
import { refusal } from './faults.ts'
import { modelOf } from './models.ts'
import * as schema from './schema.ts'
import { KEEP_ALIVE, STREAM_HEADERS } from './stream.ts'
import { finishReason } from './telling.ts'

async function ask(engine: Engine, body: schema.GenerateBody, signal: AbortSignal) {
  const named = body.model ?? (await engine.models.preferred())
  const model = await modelOf(engine, named)
  const said = body.messages ?? [{ role: 'user' as const, content: body.prompt as string }]
  const textIn = (content: (typeof said)[number]['content']): string =>
    typeof content === 'string'
      ? content
      : content.map((p) => (typeof p.text === 'string' ? p.text : '')).join('')
  const system = said.filter((m) => m.role === 'system').map((m) => textIn(m.content))
  const messages = said
    .filter((m) => m.role !== 'system')
    .map(
      (m, i): Message => ({
        id: `generate:${i}`,
        role: m.role as 'user' | 'assistant',
        parts: m.role === 'user' ? partsOf(m.content) : [{ kind: 'text', text: textIn(m.content) }],
        run: 'generate',
        turn: null,
        at: 0,
      }),
    )
  const { temperature, topP, maxTokens } = body
  const items = engine.models.stream({
    model,
    system: system.join('\n\n'),
    messages,
    continues: messages.at(-1)?.role === 'assistant',
    attempt: 1,
    tools: [],
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { topP }),
    ...(maxTokens === undefined ? {} : { maxOutputTokens: maxTokens }),
    signal,
  })
  return { named: named.replace(/^platform\//, ''), items }
}

function partsOf(content: string | { type: string }[]): Message['parts'] {
  const parsed = schema.NewMessage.shape.content.safeParse(content)
  if (parsed.success) return inputOf(parsed.data)
  throw refusal('invalid', 'invalid_model_input', 'A message has parts that no model can be told.')
}

export async function generate(engine: Engine, body: schema.GenerateBody, signal: AbortSignal) {
  const { named, items } = await ask(engine, body, signal)
  let text = ''
  let reasoning = ''
  for await (const item of items) {
    if (item.kind === 'text') text += item.text
    if (item.kind === 'thinking') reasoning += item.text
    if (item.kind === 'failed')
      throw refusal('unavailable', 'model_stream_failed', item.failure.message, 502)
    if (item.kind === 'done') return answerOf(named, { text, reasoning, done: item })
  }
  throw new Error('a model ended without a word')
}

interface Done {
  stop: Stop
  usage: Usage
}

function answerOf(
  model: string,
  { text, reasoning, done }: { text: string; reasoning: string; done: Done },
) {
  const thought = reasoning === '' ? [] : [{ type: 'reasoning', text: reasoning }]
  const { inputTokens, outputTokens } = done.usage
  return {
    model,
    text,
    content: [...thought, { type: 'text', text }],
    reasoning: thought,
    finishReason: finishReason(done.stop),
    usage: { inputTokens, outputTokens, totalTokens: inputTokens + outputTokens },
  }
}

export function streamAnswer(engine: Engine, body: schema.GenerateBody): Reply {
  return {
    status: 200,
    headers: STREAM_HEADERS,
    live: {
      heartbeat: KEEP_ALIVE,
      open(out) {
        const stop = new AbortController()
        const write = async (event: string, data: object): Promise<void> => {
          if (!out.write(sseFrame({ event, data }))) await out.drained()
        }
        const speak = async (): Promise<void> => {
          const { named: model, items } = await ask(engine, body, stop.signal)
          await write('response.started', { model })
          for await (const item of items) {
            if (item.kind === 'text') await write('text.delta', { delta: item.text })
            if (item.kind === 'failed')
              return write('response.failed', { model, message: item.failure.message })
            if (item.kind === 'done')
              return write('response.completed', { model, finishReason: finishReason(item.stop) })
          }
        }
        const fail = (error: unknown): Promise<void> => {
          const message = error instanceof Error ? error.message : 'The model failed.'
          return write('response.failed', { model: body.model ?? '', message })
        }
        speak()
          .catch(fail)
          .finally(() => out.close())
        return () => stop.abort()
      },
    },
  }
}
