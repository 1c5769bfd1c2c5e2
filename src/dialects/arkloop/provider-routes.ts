/** Providers of models and the models they are asked for. A key is stored sealed, and never told again. */

import { LOCAL_ACCOUNT } from '../../kernel/accounts.ts'
import type { Context } from './context.ts'
import { ScopeQuery } from './persona-schema.ts'
import {
  dropProvider,
  endpointOf,
  KIND_OF,
  modelView,
  providersOf,
  providerView,
} from './provider.ts'
import {
  add,
  amend,
  change,
  find,
  modelIn,
  redefine,
  refuseTaken,
  rowOf,
  withModel,
} from './provider-edit.ts'
import { ModelBody, ModelPatch, ProviderBody, ProviderPatch } from './provider-schema.ts'
import { tryModel } from './provider-test.ts'
import { ANYTHING, type ArkRoute, ark, demand, json } from './row.ts'

const MANAGE = { may: 'data.secrets.manage', about: 'provider' } as const
const ONE = '/v1/llm-providers/{provider}'

export const providerRoutes = (context: Context): ArkRoute[] => {
  const { engine, settings } = context
  return [
    ark({
      method: 'GET',
      path: '/v1/llm-providers',
      summary: 'Providers of the account, or of the platform',
      rule: { may: 'data.secrets.manage', about: 'none' },
      query: ScopeQuery,
      handle: async ({ actor, query }) => {
        const scope = query.scope ?? 'platform'
        if (scope === 'platform') demand(actor, 'platform.admin')
        const account = scope === 'platform' ? LOCAL_ACCOUNT : actor.account
        const all = await providersOf(engine, account)
        return json(all.filter((p) => p.scope === scope).map(providerView))
      },
    }),
    ark({
      method: 'POST',
      path: '/v1/llm-providers',
      summary: 'Add a provider with its key',
      rule: { may: 'data.secrets.manage', about: 'none' },
      body: ProviderBody,
      answers: 201,
      handle: async ({ actor, body }) => json(await add(context, actor, body), 201),
    }),
    ark({
      method: 'PATCH',
      path: ONE,
      summary: 'Change a provider',
      rule: MANAGE,
      body: ProviderPatch,
      handle: async ({ actor, path, body }) => {
        const { after } = await amend(context, actor, path.provider, (old) => change(old, body))
        await redefine(context, after, body)
        return json(providerView(after))
      },
    }),
    ark({
      method: 'DELETE',
      path: ONE,
      summary: 'Take a provider away, with its key',
      rule: MANAGE,
      handle: async ({ actor, path }) => {
        const provider = await find(context, actor, path.provider)
        await dropProvider(engine, provider)
        await engine.endpoints.drop(endpointOf(provider.id))
        return json({ ok: true })
      },
    }),
    ark({
      method: 'GET',
      path: `${ONE}/available-models`,
      summary: 'Models that such a provider is known to have',
      rule: MANAGE,
      handle: async ({ actor, path }) => {
        const provider = await find(context, actor, path.provider)
        const cards = await engine.models.list()
        const known = cards.filter((c) => c.provider === KIND_OF[provider.provider])
        const models = known.map((c) => ({
          id: c.id.slice(c.id.indexOf(':') + 1),
          name: c.name,
          configured: provider.models.some((m) => c.id.endsWith(`:${m.model}`)),
        }))
        return json({ models })
      },
    }),
    ark({
      method: 'POST',
      path: `${ONE}/models`,
      summary: 'Add a model: a route that runs can name',
      rule: MANAGE,
      body: ModelBody,
      answers: 201,
      handle: async ({ actor, path, body }) => {
        const row = { ...rowOf(body, null), id: settings.newId(), model: body.model }
        const { after } = await amend(context, actor, path.provider, (provider) => {
          refuseTaken(provider, body.model, null)
          return withModel(provider, row)
        })
        return json(modelView(after, row), 201)
      },
    }),
    ark({
      method: 'PATCH',
      path: `${ONE}/models/{model}`,
      summary: 'Change a model',
      rule: MANAGE,
      body: ModelPatch,
      handle: async ({ actor, path, body }) => {
        const { after } = await amend(context, actor, path.provider, (provider) => {
          const old = modelIn(provider, path.model)
          const model = body.model ?? old.model
          refuseTaken(provider, model, old.id)
          return withModel(provider, { ...rowOf(body, old), id: old.id, model })
        })
        return json(modelView(after, modelIn(after, path.model)))
      },
    }),
    ark({
      method: 'DELETE',
      path: `${ONE}/models/{model}`,
      summary: 'Take a model away',
      rule: MANAGE,
      handle: async ({ actor, path }) => {
        await amend(context, actor, path.provider, (provider) => {
          const old = modelIn(provider, path.model)
          return { ...provider, models: provider.models.filter((m) => m.id !== old.id) }
        })
        return json({ ok: true })
      },
    }),
    ark({
      method: 'POST',
      path: `${ONE}/models/{model}/test`,
      summary: 'Does the model answer',
      rule: MANAGE,
      body: ANYTHING,
      handle: async ({ actor, path, signal }) => {
        const provider = await find(context, actor, path.provider)
        const row = modelIn(provider, path.model)
        const name = `${endpointOf(provider.id)}:${row.model}`
        const outcome = await tryModel(engine.models, name, { now: settings.now, signal })
        return json({ ...outcome, model_id: row.id })
      },
    }),
  ]
}
