/** The server itself: how it fares, and how each dialect of it is reached. */

import { Fault } from '../../kernel/fault.ts'
import type { Engine, ModelCard, Principal } from '../../kernel/ports.ts'
import { type Call, type Route, route } from '../../wire/dialect.ts'
import type { About } from './catalog-routes.ts'
import { ownerOnly } from './desk.ts'
import type { House, Spoken } from './house.ts'
import * as schema from './server-schema.ts'

const AT = '/manifold/v1'
const tag = 'server'

export const serverRoutes = (engine: Engine, about: About, house: House): Route[] => [
  route({
    method: 'GET',
    path: `${AT}/server`,
    tag,
    summary: 'How the server fares: store, sandbox, models, agents, memory.',
    answers: { 200: { about: 'All of it.', schema: schema.ServerView } },
    handle: async ({ principal }) => {
      ownerOnly(principal, 'look into it')
      return { status: 200, json: await serverView(engine, about, house) }
    },
  }),
  route({
    method: 'GET',
    path: `${AT}/connect`,
    tag,
    summary: 'Where each dialect answers, what it wants to see, and how it is tried.',
    answers: { 200: { about: 'All dialects.', schema: schema.Connect } },
    handle: ({ base, principal }) => ({
      status: 200,
      json: { items: house.dialects().map((d) => connectView(house, d, { base, principal })) },
    }),
  }),
  route({
    method: 'POST',
    path: `${AT}/connect/{dialect}/token`,
    tag,
    summary: 'Tells the token that opens a dialect, to the owner of the server only.',
    answers: { 200: { about: 'The token.', schema: schema.Token } },
    handle: async ({ path, principal }) => {
      ownerOnly(principal, 'see tokens')
      const dialect = house.dialects().find((d) => d.name === path.dialect)
      if (!dialect) throw new Fault('not_found', `There is no dialect ${path.dialect}.`)
      const own = dialect.guide?.token
      const token = own ? await own.value() : house.token.value()
      if (token === null)
        throw new Fault(
          'unavailable',
          `The token in ${own?.file} cannot be read. Look at the file.`,
        )
      return {
        status: 200,
        headers: { 'cache-control': 'no-store' },
        json: { dialect: dialect.name, token },
      }
    },
  }),
]

async function serverView(engine: Engine, { version, startedAt }: About, house: House) {
  const [store, sandbox, cards, preferred, endpoints] = await Promise.all([
    engine.store.health().then(
      (facts) => ({ ok: true, ...facts }),
      () => ({ ok: false, problem: 'The store does not answer. Look at the log of the server.' }),
    ),
    house.sandbox(),
    engine.models.list(),
    engine.models.preferred(),
    engine.endpoints.list(),
  ])
  const { rss, heapUsed, heapTotal } = process.memoryUsage()
  const { catalog } = engine
  return {
    version,
    ...{ node: process.version, platform: `${process.platform} ${process.arch}` },
    ...{ startedAt, uptimeMs: Date.now() - startedAt },
    ...house.facts,
    memory: { residentBytes: rss, heapUsedBytes: heapUsed, heapTotalBytes: heapTotal },
    ...{ store, sandbox },
    models: {
      preferred,
      providers: providersOf(cards),
      endpoints: endpoints.map(({ name, kind, baseUrl, keyHint }) => {
        return { name, kind, baseUrl, hasKey: keyHint !== null }
      }),
    },
    catalog: { agents: catalog.agents().length, problems: catalog.problems() },
    engine: engine.stats(),
  }
}

function providersOf(cards: readonly ModelCard[]) {
  const providers = new Map<string, { models: number; usable: number }>()
  for (const { provider, isUsable } of cards) {
    const { models, usable } = providers.get(provider) ?? { models: 0, usable: 0 }
    providers.set(provider, { models: models + 1, usable: usable + (isUsable ? 1 : 0) })
  }
  return [...providers].map(([provider, counts]) => ({ provider, ...counts }))
}

function connectView(
  house: House,
  { name, about, guide }: Spoken,
  { base, principal }: Pick<Call, 'base'> & { principal: Principal },
) {
  const { token } = house
  const isNeeded = token.isNeeded || guide?.credential === 'always'
  const file = guide?.token?.file ?? token.file
  const mayKnow = principal.account === 'local'
  // The server makes its token when it is first asked for; a snippet that prints it must find one.
  if (mayKnow && isNeeded && !guide?.token) token.value()
  return {
    dialect: name,
    about,
    ways: waysTo(name, base, house.ports()[name]),
    credential: {
      isNeeded,
      file: mayKnow ? file : '',
      print: mayKnow ? (guide?.token?.print ?? `cat '${file.replaceAll("'", `'\\''`)}'`) : '',
    },
    snippets: guide?.snippets(isNeeded) ?? [],
  }
}

/** `base` is where the client came in: this dialect's own mount is not where the others are. */
function waysTo(name: string, base: string, port: number | undefined) {
  const root = new URL(base).origin
  const own = new URL(root)
  if (port !== undefined) own.port = String(port)
  return [
    { kind: 'root', url: root },
    { kind: 'prefix', url: `${root}/${name}` },
    ...(port === undefined ? [] : [{ kind: 'port', url: own.origin }]),
  ]
}
