/** The agent as a whole: health, profile, what was really sent to the model, and its diary. */

import { type Route, route } from '../../wire/dialect.ts'
import { type ApiDocument, openApi } from '../../wire/openapi.ts'
import { agentOf } from './chat.ts'
import { accountOf, type Context, second } from './context.ts'
import { agentEvent } from './diary.ts'
import { detail } from './faults.ts'
import { metricsOf } from './metrics.ts'
import { EventsQuery, Fields, Items, Problem, StreamQuery, ThreadQuery } from './schema.ts'
import { cursorOf, LIVE_HEADERS, upTo } from './stream.ts'

export const COMPONENTS = [
  ...['router.chat', 'router.manage', 'router.inspect', 'runner.chat', 'runner.task'],
  ...['runner.chore', 'trigger.pulse', 'trigger.watch'],
]

const refused = { about: 'Refused', schema: Problem }
const ok = { about: 'Successful Response', schema: Fields }

export const agentRoutes = (context: Context): Route[] => [
  {
    method: 'GET',
    path: '/healthz',
    summary: 'Health Check',
    tag: 'agent',
    isPublic: true,
    answers: { 200: ok },
    handle: () => ({ status: 200, json: { ok: true, enabled_components: COMPONENTS } }),
  },
  {
    method: 'GET',
    path: '/api/v1/profile',
    summary: 'Get Profile',
    tag: 'agent',
    answers: { 200: ok },
    handle: async ({ principal, base }) => {
      const agent = agentOf(context)
      const { mode, isolated } = await context.settings.isolation()
      const environment = {
        sandbox: isolated ? mode : 'none',
        home: context.settings.workspaceFor(principal.account),
        endpoint: base,
      }
      const display_name = displayName(context, agent)
      const about = context.engine.catalog.agent(agent)?.about || null
      return {
        status: 200,
        json: {
          ...{ agent, display_name, title: null, summary: null, description: about, avatar: null },
          environment,
          metrics: await metricsOf(context, accountOf(principal)),
        },
      }
    },
  },
  ...promptRoutes(context),
  ...diaryRoutes(context),
]

function displayName({ engine }: Context, agent: string): string {
  const name = engine.catalog.agent(agent)?.extra.displayName
  return typeof name === 'string' && name !== '' ? name : agent
}

/** What is put in front of the words and what instructs the model is one text here. */
const promptRoutes = ({ engine }: Context): Route[] =>
  (['context', 'instruct'] as const).map((word) => ({
    method: 'GET',
    path: `/api/v1/${word}/{prompt_hash}`,
    summary: word === 'context' ? 'Get Context Prompt' : 'Get Instruct Prompt',
    tag: 'activity',
    answers: { 200: ok, 404: refused },
    handle: async ({ path }) => {
      const hash = path.prompt_hash as string
      const body = /^[0-9a-f]{64}$/.test(hash)
        ? await engine.store.named('instructions', hash)
        : null
      if (typeof body !== 'string') throw detail('not_found', `${word} not found: ${hash}`)
      return { status: 200, json: { hash, body } }
    },
  }))

const diaryRoutes = (context: Context): Route[] => [
  route({
    method: 'GET',
    path: '/api/v1/events',
    summary: 'List Events',
    tag: 'activity',
    query: ThreadQuery.extend({ limit: EventsQuery.shape.limit }),
    answers: { 200: { about: 'Successful Response', schema: Items }, 422: refused },
    handle: async ({ query, principal }) => {
      const lines = await context.diary.updates(principal, query.limit)
      const items = lines.map((l) => ({
        update_id: l.update?.id ?? 0,
        kind: l.update?.kind ?? '',
        payload: l.update?.payload ?? {},
        created_at: second(l.at),
      }))
      return { status: 200, json: { items } }
    },
  }),
  {
    method: 'GET',
    path: '/api/v1/events/stream',
    summary: 'Stream Events',
    tag: 'activity',
    answers: { 200: { about: 'One comment, as the real server has it' } },
    handle: () => ({
      status: 200,
      headers: LIVE_HEADERS,
      live: {
        open(out) {
          out.write(': ok\n\n')
          out.close()
          return () => {}
        },
      },
    }),
  },
  route({
    method: 'GET',
    path: '/api/v1/agent/events',
    summary: 'List Agent Events',
    tag: 'activity',
    query: EventsQuery,
    answers: { 200: ok, 422: refused },
    handle: async ({ query, principal }) => {
      const { diary } = context
      const most = Math.min(upTo(query.limit), 10_000)
      const lines = most > 0 ? await diary.lines(principal, query.after ?? 0, most) : []
      const agent = agentOf(context)
      const items = lines.map((l) => agentEvent(l, agent))
      return { status: 200, json: { cursor: await diary.head(), items } }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/agent/stream',
    summary: 'Stream Agent Events',
    tag: 'activity',
    query: StreamQuery,
    answers: { 200: { about: 'Server-sent events' }, 422: refused },
    handle: ({ query, headers, principal }) => ({
      status: 200,
      headers: LIVE_HEADERS,
      live: context.diary.stream(principal, agentOf(context), cursorOf(query.after, headers)),
    }),
  }),
]

/** The document of all routes, itself among them. */
export function documentRoute(all: () => Route[]): Route {
  let document: ApiDocument | null = null
  return {
    method: 'GET',
    path: '/openapi.json',
    summary: 'API Document',
    tag: 'agent',
    isPublic: true,
    answers: { 200: { about: 'OpenAPI 3.1' } },
    handle: () => {
      document ??= openApi(
        {
          title: 'Toolang Agent API',
          version: '0.1.0',
          about: 'Chat, capabilities, jobs and activity of one agent.',
          refusal: Problem,
        },
        all(),
      )
      return { status: 200, json: document }
    },
  }
}
