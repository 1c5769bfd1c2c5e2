/** Health, permissions and the sandbox: what is one for the whole server. */

import type { Engine } from '../../kernel/ports.ts'
import { type Route, route } from '../../wire/dialect.ts'
import { attempt } from './attempt.ts'
import { cancelRequest } from './commands.ts'
import { accountOf, type Context, originOf } from './context.ts'
import { namedDetail } from './faults.ts'
import { edited, type PermissionDocument, wireNames } from './permission.ts'
import { editPermissions, editSandbox, readPermissions, readSandbox } from './record.ts'
import { PermissionBody, SandboxConfig, SandboxEdit, SandboxSwitch } from './schema.ts'

export const serverRoutes = (context: Context): Route[] => [
  ...lifeRoutes(context),
  ...permissionRoutes(context),
  ...sandboxRoutes(context),
]

const lifeRoutes = ({ engine }: Context): Route[] => [
  {
    method: 'GET',
    path: '/health',
    summary: 'Whether the gateway runs',
    tag: 'health',
    answers: { 200: { about: 'It does' } },
    isPublic: true,
    handle: () => ({
      status: 200,
      json: { status: 'ok', active_sessions: engine.stats().threadsInMemory ?? 0 },
    }),
  },
  route({
    method: 'POST',
    path: '/api/panic',
    summary: 'Cancel every run of every chat, and drop what waits',
    tag: 'chats',
    answers: { 200: { about: 'How many chats had one' } },
    handle: async ({ principal }) => {
      const chats = await busyChats(engine, accountOf(principal))
      const request = cancelRequest('drop', originOf(principal))
      const done = await Promise.all(chats.map((id) => attempt(engine, id, request)))
      const sessions_affected = done.filter(Boolean).length
      return { status: 200, json: { panicked: true, sessions_affected } }
    },
  }),
]

const BUSY = ['queued', 'running', 'waiting', 'cancelling']

/** What an agent opened for a task of its own is cancelled with the chat that wants the task. */
async function busyChats(engine: Engine, scope: { account?: string }): Promise<string[]> {
  const query = { ...scope, parentThread: null, limit: 10_000, offset: 0 }
  const pages = await Promise.all(BUSY.map((status) => engine.store.threads({ ...query, status })))
  return pages.flatMap((page) => page.items.map((row) => row.id))
}

const permissionRoutes = ({ engine, settings }: Context): Route[] => [
  {
    method: 'GET',
    path: '/api/permissions',
    summary: 'The mode, and the tools that differ from it',
    tag: 'permissions',
    answers: { 200: { about: 'The document' } },
    handle: async () => ({ status: 200, json: await readPermissions(engine.store) }),
  },
  route({
    method: 'PUT',
    path: '/api/permissions',
    summary: 'Change the mode, or replace the map of overrides',
    tag: 'permissions',
    body: PermissionBody,
    answers: {
      200: { about: 'The whole document' },
      400: { about: 'No such mode, tool or level' },
    },
    handle: async ({ body }) => {
      const known = body.tool_overrides ? await knownTools(engine) : []
      const edit = (before: PermissionDocument) => edited(before, body, known)
      const json = await editPermissions(engine.store, edit, settings.approvalTimeoutMs)
      return { status: 200, json }
    },
  }),
  {
    method: 'GET',
    path: '/api/permissions/tools',
    summary: 'Every tool that an override can name',
    tag: 'permissions',
    answers: { 200: { about: 'The names, sorted' } },
    handle: async () => ({ status: 200, json: { tools: wireNames(await knownTools(engine)) } }),
  },
]

/** Of all agents, their tool servers' included. */
async function knownTools({ catalog, toolbox }: Engine): Promise<string[]> {
  const boxes = await Promise.all(catalog.agents().map((agent) => toolbox.open(agent)))
  return [...new Set(boxes.flatMap(({ tools }) => tools.map((t) => t.name)))]
}

const sandboxRoutes = ({ engine, settings }: Context): Route[] => {
  const change = (edit: Partial<SandboxConfig>): Promise<SandboxConfig> =>
    editSandbox(engine.store, edit, settings.approvalTimeoutMs)
  const tag = 'sandbox'
  return [
    {
      method: 'GET',
      path: '/api/sandbox',
      summary: 'Whether commands must run in a sandbox',
      tag,
      answers: { 200: { about: 'On or off' } },
      handle: async () => {
        const { enabled } = await readSandbox(engine.store)
        return { status: 200, json: { enabled } }
      },
    },
    route({
      method: 'POST',
      path: '/api/sandbox',
      summary: 'Switch the sandbox on or off',
      tag,
      body: SandboxSwitch,
      answers: { 200: { about: 'On or off' } },
      handle: async ({ body }) => {
        const { enabled } = await change({ enabled: body.enabled })
        return { status: 200, json: { enabled } }
      },
    }),
    {
      method: 'POST',
      path: '/api/sandbox/build',
      summary: 'Find out whether this machine can keep commands apart',
      tag,
      answers: { 200: { about: 'It can' }, 500: { about: 'It cannot, and why' } },
      handle: async () => {
        const { mode, isIsolated, problem } = await settings.sandbox.describe()
        if (isIsolated) return { status: 200, json: { built: true } }
        throw namedDetail(
          'unavailable',
          'SandboxBuildError',
          problem ?? `Commands cannot be isolated on this machine (${mode}).`,
          500,
        )
      },
    },
    {
      method: 'GET',
      path: '/api/config/sandbox',
      summary: "The sandbox's settings",
      tag,
      answers: { 200: { about: 'All six', schema: SandboxConfig } },
      handle: async () => ({ status: 200, json: await readSandbox(engine.store) }),
    },
    route({
      method: 'PUT',
      path: '/api/config/sandbox',
      summary: "Change some of the sandbox's settings",
      tag,
      body: SandboxEdit,
      answers: { 200: { about: 'All six', schema: SandboxConfig } },
      handle: async ({ body }) => ({ status: 200, json: await change(present(body)) }),
    }),
  ]
}

const present = <T extends object>(body: T): T =>
  Object.fromEntries(Object.entries(body).filter(([, v]) => v !== undefined)) as T
