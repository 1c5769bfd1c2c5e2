/** Profiles: list, make, read, change, remove; and which one new chats get. */

import type { Agent } from '../../kernel/agent.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Engine } from '../../kernel/ports.ts'
import { type Reply, type Route, route } from '../../wire/dialect.ts'
import type { Context } from './context.ts'
import { detail, namedDetail, unprocessable } from './faults.ts'
import {
  changedConfig,
  endpointName,
  endpointOf,
  markOf,
  needsEndpoint,
  newConfig,
  ownModel,
  type ShownProfile,
  shownProfile,
} from './profile.ts'
import { readDefault, writeDefault } from './record.ts'
import { DefaultProfile, NamedProfile, NewProfile, type Profile, ProfileUpdate } from './schema.ts'

const tag = 'profiles'

export const profileRoutes = (context: Context): Route[] => [
  ...readRoutes(context),
  newRoute(context),
  ...changeRoutes(context),
  ...defaultRoutes(context),
]

const readRoutes = ({ engine }: Context): Route[] => [
  route({
    method: 'GET',
    path: '/api/profiles',
    summary: 'All profiles, and which one is the default',
    tag,
    answers: { 200: { about: 'The profiles by name; keys are masked' } },
    handle: async () => {
      const agents = engine.catalog.agents()
      const profiles = await Promise.all(agents.map((a) => shown(engine, a)))
      const named = Object.fromEntries(agents.map((a, i) => [a.name, profiles[i]]))
      return { status: 200, json: { default: await readDefault(engine.store), profiles: named } }
    },
  }),
  route({
    method: 'GET',
    path: '/api/profiles/{name}',
    summary: 'One profile',
    tag,
    answers: { 200: { about: 'The profile' }, 404: { about: 'There is none' } },
    handle: async ({ path }) => told(engine, 200, profileOf(engine, path.name ?? '')),
  }),
]

/** Of two who want the same name at once the second is refused, before there is a file of that name. */
const newRoute = ({ engine }: Context): Route => {
  const inMaking = new Set<string>()
  return route({
    method: 'POST',
    path: '/api/profiles',
    summary: 'Make a profile',
    tag,
    body: NewProfile,
    answers: { 201: { about: 'The profile' }, 400: { about: 'The name is taken' } },
    handle: async ({ body }) => {
      const { name, profile } = body
      if (engine.catalog.agent(name) || inMaking.has(name))
        throw detail('conflict', `Profile '${name}' already exists`, 400)
      inMaking.add(name)
      try {
        return await told(engine, 201, await create(engine, name, profile))
      } finally {
        inMaking.delete(name)
      }
    },
  })
}

const changeRoutes = ({ engine }: Context): Route[] => [
  route({
    method: 'PUT',
    path: '/api/profiles/{name}',
    summary: 'Replace a profile; chats that use it keep the model they have',
    tag,
    body: ProfileUpdate,
    answers: { 200: { about: 'The profile' }, 404: { about: 'There is none' } },
    handle: ({ path, body }) => update(engine, path.name ?? '', body.profile),
  }),
  route({
    method: 'DELETE',
    path: '/api/profiles/{name}',
    summary: 'Remove a profile',
    tag,
    answers: { 204: { about: 'It is gone' }, 404: { about: 'There is none' } },
    handle: async ({ path }) => {
      await remove(engine, path.name ?? '')
      return { status: 204, empty: true }
    },
  }),
]

const defaultRoutes = ({ engine }: Context): Route[] => {
  const read = async (): Promise<Reply> => ofDefault(await readDefault(engine.store))
  const set = async (name: string): Promise<Reply> => {
    const profile = profileOf(engine, name)
    await writeDefault(engine.store, profile.name)
    return ofDefault(profile.name)
  }
  const answers = { 200: { about: 'The default profile' } }
  const summary = 'The profile of new chats'
  return [
    { method: 'GET', path: '/api/profiles/default/current', summary, tag, answers, handle: read },
    { method: 'GET', path: '/api/profiles/default', summary, tag, answers, handle: read },
    route({
      method: 'POST',
      path: '/api/profiles/default/set',
      summary: 'Choose the profile of new chats',
      tag,
      body: DefaultProfile,
      answers,
      handle: ({ body }) => set(body.profile_name),
    }),
    route({
      method: 'PUT',
      path: '/api/profiles/default',
      summary: 'Choose the profile of new chats',
      tag,
      body: NamedProfile,
      answers,
      handle: ({ body }) =>
        isWhole(body) ? update(engine, 'default', whole(body)) : set(nameIn(body)),
    }),
  ]
}

/** The page calls it `default`; the real clients look for it under `profile_name`. */
const ofDefault = (name: string | null): Reply => ({
  status: 200,
  json: { default: name, profile_name: name },
})

/** A whole profile on this path is an update of the profile that is called `default`. */
const isWhole = ({ profile }: NamedProfile): boolean =>
  typeof profile === 'object' && profile !== null

function whole(input: NamedProfile): Profile {
  const result = ProfileUpdate.safeParse(input)
  if (result.success) return result.data.profile
  const { issues } = result.error
  throw new Fault('invalid', 'The profile is not right.', { where: 'body', issues, input })
}

export const nameIn = (body: NamedProfile): string =>
  body.profile_name ??
  body.name ??
  body.default ??
  (typeof body.profile === 'string' ? body.profile : '')

export function profileOf({ catalog }: Pick<Engine, 'catalog'>, name: string): Agent {
  const agent = catalog.agent(name)
  if (agent) return agent
  throw namedDetail(
    'not_found',
    'ProfileNotFoundError',
    `Profile '${name}' not found. Use /profiles to list available profiles.`,
  )
}

async function shown(engine: Engine, agent: Agent): Promise<ShownProfile> {
  const preferred = agent.model ?? (await engine.models.preferred())
  return shownProfile(agent, await engine.endpoints.list(), preferred)
}

const told = async (engine: Engine, status: number, agent: Agent): Promise<Reply> => ({
  status,
  json: { name: agent.name, profile: await shown(engine, agent) },
})

async function create(engine: Engine, name: string, profile: Profile): Promise<Agent> {
  checkName(name)
  const instructions = engine.catalog.agent('assistant')?.instructions ?? PLAIN_INSTRUCTIONS
  await putEndpoint(engine, name, profile)
  try {
    return await engine.catalog.write(name, { config: newConfig(name, profile), instructions })
  } catch (error) {
    await engine.endpoints.drop(endpointName(name))
    throw error
  }
}

const PLAIN_INSTRUCTIONS =
  'You are a helpful agent that works with files and commands in a workspace. Look before you act, do what was asked and no more, and say plainly what you did.\n'

/** A profile is a folder of that name. */
function checkName(name: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name))
    throw unprocessable(
      'name: String should begin with a letter or digit and have only letters, digits, dots, dashes and underscores',
    )
}

async function putEndpoint(engine: Engine, name: string, profile: Profile): Promise<void> {
  if (!needsEndpoint(profile)) return
  const card = engine.models.card(ownModel(profile))
  await engine.endpoints.put(endpointOf(name, profile, card))
}

/** Agents that people wrote by hand are shown as profiles, and changed only where they were written. */
function ownProfile(engine: Engine, name: string): Agent {
  const agent = profileOf(engine, name)
  if (markOf(agent)) return agent
  throw namedDetail(
    'forbidden',
    'ServiceException',
    `Profile '${name}' is an agent that was not made through this API. Edit its folder instead.`,
    400,
  )
}

async function update(engine: Engine, name: string, profile: Profile): Promise<Reply> {
  const agent = ownProfile(engine, name)
  if (Object.keys(agent.servers).length > 0)
    throw namedDetail(
      'conflict',
      'ServiceException',
      `Profile '${name}' has tool servers in its agent.json. Change its model there.`,
    )
  await putEndpoint(engine, name, profile)
  const written = await engine.catalog.write(name, { config: changedConfig(agent, profile) })
  if (!needsEndpoint(profile)) await engine.endpoints.drop(endpointName(name))
  return told(engine, 200, written)
}

async function remove(engine: Engine, name: string): Promise<void> {
  profileOf(engine, name)
  if ((await readDefault(engine.store)) === name)
    throw namedDetail(
      'conflict',
      'ServiceException',
      `Cannot delete default profile '${name}'. Set a different default first.`,
      400,
    )
  ownProfile(engine, name)
  try {
    await engine.catalog.remove(name)
  } catch (error) {
    if (!(error instanceof Fault) || error.code === 'unavailable') throw error
    throw namedDetail('forbidden', 'ServiceException', error.message, 400)
  }
  await engine.endpoints.drop(endpointName(name))
}
