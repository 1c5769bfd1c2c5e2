/** Workspaces: made, taken in, listed, looked into, let go. */

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Json } from '../../kernel/part.ts'
import type { Principal } from '../../kernel/ports.ts'
import { type Route, route } from '../../wire/dialect.ts'
import type { z } from '../../wire/schema.ts'
import { agentsOf, definitionOf } from './agents.ts'
import type { Context, Definition } from './context.ts'
import { refusal } from './faults.ts'
import { isWorkspaceId } from './id.ts'
import { platformModels } from './models.ts'
import { offsetOf, sizeOf } from './page.ts'
import { workspaceResource } from './resource.ts'
import type { Runtimes } from './runtime.ts'
import * as schema from './schema.ts'
import { sessionsIn } from './scope.ts'
import type { WorkspaceRecord } from './shelf.ts'
import { NATIVE_TOOLS } from './tool.ts'

const tag = 'workspaces'
const refused = { about: 'Refused', schema: schema.Refusal }
const owns = (path: Record<string, string>): boolean => isWorkspaceId(path.workspace)

export const workspaceRoutes = (context: Context, runtimes: Runtimes): Route[] => [
  route({
    method: 'GET',
    path: '/api/v1/workspaces',
    summary: 'Workspaces, the one that changed last first',
    tag,
    query: schema.PageQuery,
    answers: { 200: { about: 'A page' } },
    handle: async ({ query, principal }) => {
      const all = (await context.shelf.list(principal)).map(workspaceResource)
      const items = all.slice(offsetOf(query), offsetOf(query) + sizeOf(query))
      const next = { nextCursor: String(offsetOf(query) + items.length) }
      return { status: 200, json: { items, ...(items.length === sizeOf(query) ? next : {}) } }
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/workspaces',
    summary: 'Make a workspace from a runtime',
    tag,
    body: schema.NewWorkspace,
    answers: { 201: { about: 'The workspace' }, 400: refused, 403: refused, 404: refused },
    handle: async ({ body, principal }) => ({
      status: 201,
      json: workspaceResource(await makeWorkspace(context, runtimes, principal, body)),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/workspaces/import',
    summary: 'Take a folder as a workspace',
    tag,
    body: schema.ImportWorkspace,
    answers: { 201: { about: 'The workspace' }, 400: refused, 403: refused },
    handle: async ({ body, principal }) => {
      const { rootPath, ...labels } = body
      if (rootPath === undefined)
        throw refusal('invalid', 'invalid_request', 'rootPath is required.')
      const record = await context.shelf.adopt(principal, rootPath, labels)
      return { status: 201, json: workspaceResource(record) }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/workspaces/{workspace}',
    summary: 'One workspace',
    tag,
    owns,
    answers: { 200: { about: 'The workspace' }, 404: refused },
    handle: async ({ path, principal }) => ({
      status: 200,
      json: workspaceResource(await context.shelf.get(principal, path.workspace as string)),
    }),
  }),
  ...['/api/v1', '/internal/v1'].map((base) =>
    route({
      method: 'DELETE',
      path: `${base}/workspaces/{workspace}`,
      summary: 'Delete a workspace with its sessions; also when it is gone already',
      tag,
      owns,
      answers: { 204: { about: 'It is gone' } },
      handle: async ({ path, principal }) => {
        await removeWorkspace(context, principal, path.workspace as string)
        return { status: 204, empty: true }
      },
    }),
  ),
  route({
    method: 'GET',
    path: '/api/v1/workspaces/{workspace}/catalog',
    summary: 'What a workspace declares, and what the server adds',
    tag,
    owns,
    answers: { 200: { about: 'The catalog' }, 404: refused },
    handle: async ({ path, principal }) => {
      const workspace = await context.shelf.get(principal, path.workspace as string)
      return { status: 200, json: await catalogOf(context, workspace) }
    },
  }),
]

type NewWorkspace = z.infer<typeof schema.NewWorkspace>

/** Also for `POST /sandboxes`, which may say which id it shall have. */
export async function makeWorkspace(
  context: Context,
  runtimes: Runtimes,
  who: Principal,
  wanted: NewWorkspace & { id?: string },
): Promise<WorkspaceRecord> {
  const { agentsMd, toolServers, skills = [], ...labels } = wanted
  for (const { name } of skills)
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name))
      throw refusal('invalid', 'invalid_request', `A skill cannot be called "${name}".`)
  if (!(await runtimes.names()).includes(labels.runtime))
    throw refusal(
      'not_found',
      'runtime_not_found',
      `Workspace runtime was not found: ${labels.runtime}`,
    )
  return context.shelf.make(who, labels, async (root) => {
    await runtimes.copy(labels.runtime, root)
    if (agentsMd !== undefined) await appendAgents(root, agentsMd)
    for (const { name, content } of skills) {
      const folder = join(root, '.openharness/skills', name)
      await mkdir(folder, { recursive: true })
      await writeFile(join(folder, 'SKILL.md'), content)
    }
    if (toolServers !== undefined) await addToolServers(context, root, toolServers)
  })
}

async function appendAgents(root: string, text: string): Promise<void> {
  const file = join(root, 'AGENTS.md')
  const before = await readFile(file, 'utf8').catch(() => '')
  await writeFile(file, before === '' ? text : `${before.trimEnd()}\n\n${text}`)
}

async function addToolServers(
  { settings }: Context,
  root: string,
  servers: Record<string, Record<string, Json>>,
): Promise<void> {
  if (settings.definitions) return settings.definitions.addToolServers(root, servers)
  const folder = join(root, '.openharness/tools')
  await mkdir(folder, { recursive: true })
  // JSON is YAML, and nothing here reads what the template had.
  await writeFile(join(folder, 'settings.yaml'), `${JSON.stringify(servers, null, 2)}\n`)
}

async function removeWorkspace(context: Context, who: Principal, id: string): Promise<void> {
  const workspace = await context.shelf.get(who, id).catch(() => null)
  if (!workspace) return
  if (!(await context.shelf.remove(who, id))) return
  context.settings.definitions?.forget(id)
  await eraseSessions(context, who, workspace)
}

/** Those of subagents go with their parents. */
async function eraseSessions(context: Context, who: Principal, workspace: WorkspaceRecord) {
  for (;;) {
    const rows = await sessionsIn(context, who, workspace, { limit: ERASED_AT_ONCE, offset: 0 })
    if (rows.length === 0) return
    for (const { id, parentThread } of rows) {
      if (parentThread !== null && rows.some((r) => r.id === parentThread)) continue
      await context.engine.erase(id)
      context.chronicles.forget(id)
    }
  }
}

const ERASED_AT_ONCE = 200

async function catalogOf(context: Context, workspace: WorkspaceRecord) {
  const definition = await definitionOf(context, workspace)
  const models = (await platformModels(context.engine)).map(({ id, provider, modelName }) => ({
    ref: `platform/${id}`,
    name: id,
    source: 'platform',
    provider,
    modelName,
  }))
  return {
    workspaceId: workspace.id,
    agents: agentsOf(context, definition).map(({ name, mode, source, about }) => ({
      ...{ name, mode, source },
      ...(about === '' ? {} : { description: about }),
    })),
    models: [...models, ...definition.models.map(workspaceModel)],
    ...declared(definition),
    nativeTools: NATIVE_TOOLS,
  }
}

const workspaceModel = ({ name, provider, modelName, url }: Definition['models'][number]) => ({
  ref: `workspace/${name}`,
  name,
  source: 'workspace',
  provider,
  modelName,
  url,
})

const declared = ({ actions, skills, tools, hooks }: Definition) => ({
  actions: actions.map((a) => ({
    name: a.name,
    description: a.about || undefined,
    exposeToLlm: a.exposeToLlm,
    callableByUser: a.callableByUser,
    callableByApi: a.callableByApi,
    retryPolicy: a.retryPolicy ?? undefined,
    inputSchema: a.inputSchema ?? undefined,
  })),
  skills: skills.map((s) => ({
    name: s.name,
    description: s.about || undefined,
    exposeToLlm: s.exposeToLlm,
  })),
  tools,
  hooks,
})
