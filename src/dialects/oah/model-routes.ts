/** Models: what there is, and the model runtime that other programs on this machine may use. */

import type { Engine } from '../../kernel/ports.ts'
import { type Reply, type Route, route } from '../../wire/dialect.ts'
import { sseComment, sseFrame } from '../../wire/sse.ts'
import { generate, streamAnswer } from './answering.ts'
import type { Context } from './context.ts'
import { type PlatformModel, platformModels } from './models.ts'
import * as schema from './schema.ts'
import { onlyHere } from './server-routes.ts'
import { KEEP_ALIVE, STREAM_HEADERS } from './stream.ts'

const tag = 'models'
const refused = { about: 'Refused', schema: schema.Refusal }
const ok = { 200: { about: 'What is asked for' } }

export const modelRoutes = (context: Context): Route[] => [
  route({
    method: 'GET',
    path: '/api/v1/model-providers',
    summary: 'Kinds of providers',
    tag,
    answers: ok,
    handle: () => ({ status: 200, json: { items: PROVIDERS } }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/platform-models',
    summary: 'Models that can answer now',
    tag,
    answers: ok,
    handle: async () => ({ status: 200, json: { items: await platformModels(context.engine) } }),
  }),
  ...['/api/v1', '/internal/v1'].map((prefix) =>
    route({
      method: 'POST',
      path: `${prefix}/platform-models/refresh`,
      summary: 'Look again which models can answer',
      tag,
      answers: ok,
      handle: async (call) => {
        if (prefix !== '/api/v1') onlyHere(call)
        return { status: 200, json: snapshot(await platformModels(context.engine)) }
      },
    }),
  ),
  route({
    method: 'POST',
    path: '/api/v1/platform-models/refresh/distributed',
    summary: 'The same; there are no other workers to tell',
    tag,
    answers: ok,
    handle: async () => ({
      status: 200,
      json: {
        snapshot: snapshot(await platformModels(context.engine)),
        summary: { attempted: 0, succeeded: 0, failed: 0 },
        targets: [],
      },
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/platform-models/events',
    summary: 'The models that can answer, now and whenever that changes',
    tag,
    answers: { 200: { about: 'A stream that stays open' } },
    handle: () => watchModels(context.engine),
  }),
  route({
    method: 'POST',
    path: '/internal/v1/models/generate',
    summary: 'One answer of a model, whole',
    tag,
    body: schema.GenerateBody,
    answers: { 200: { about: 'The answer' }, 400: refused, 403: refused, 404: refused },
    handle: async (call) => {
      onlyHere(call)
      return { status: 200, json: await generate(context.engine, call.body, call.signal) }
    },
  }),
  route({
    method: 'POST',
    path: '/internal/v1/models/stream',
    summary: 'One answer of a model, as it is said',
    tag,
    body: schema.GenerateBody,
    answers: { 200: { about: 'A stream that ends with the answer' }, 403: refused },
    handle: (call) => {
      onlyHere(call)
      return streamAnswer(context.engine, call.body)
    },
  }),
]

const PROVIDERS = [
  {
    id: 'openai',
    packageName: '@ai-sdk/openai',
    description: 'OpenAI, at its own address.',
    requiresUrl: false,
    useCases: ["OpenAI's own models"],
  },
  {
    id: 'openai-compatible',
    packageName: '@ai-sdk/openai-compatible',
    description: 'Any endpoint with chat completions in the form of OpenAI.',
    requiresUrl: true,
    useCases: ['Gateways such as OpenRouter', 'Servers of your own'],
  },
]

/** The revision is a number that changes with the list: a checksum, because nobody counts. */
function snapshot(items: PlatformModel[]) {
  let revision = 1
  for (const char of JSON.stringify(items))
    revision = (revision * 31 + char.charCodeAt(0)) % 2 ** 31
  return { revision, items }
}

const LOOK_EVERY_MS = 15_000

function watchModels(engine: Engine): Reply {
  return {
    status: 200,
    headers: STREAM_HEADERS,
    live: {
      heartbeat: KEEP_ALIVE,
      open(out) {
        let told = ''
        const look = async (event: string): Promise<void> => {
          const data = snapshot(await platformModels(engine))
          const now = JSON.stringify(data)
          if (now === told) return
          told = now
          out.write(sseFrame({ event, data }))
        }
        out.write(sseComment('connected'))
        look('platform-models.snapshot').catch(() => out.close())
        const timer = setInterval(() => {
          // A look that fails is made up for by the next.
          look('platform-models.updated').catch(() => undefined)
        }, LOOK_EVERY_MS)
        timer.unref()
        return () => clearInterval(timer)
      },
    },
  }
}
