/**
 * What a workspace declares: `AGENTS.md` and the files of `.openharness`. An agent at work may change
 * them, so nothing here starts a process, puts a secret of the server in, or reads outside the folder.
 */

import { join } from 'node:path'
import type { Skill, ToolServer } from '../kernel/agent.ts'
import type { Json } from '../kernel/part.ts'
import type { Endpoint } from '../kernel/ports.ts'
import type { Problem } from './agent-folder.ts'
import { Folder } from './folder.ts'
import { readSkills } from './skill.ts'
import { modelChoice, type WorkspaceAgent, workspaceAgent } from './workspace-agent.ts'
import {
  type Fields,
  fieldsAt,
  isFields,
  numberAt,
  readYaml,
  splitFrontMatter,
  textAt,
  wordsAt,
} from './workspace-yaml.ts'

export interface Definition {
  agents: WorkspaceAgent[]
  defaultAgent: string | null
  models: { name: string; provider: string; modelName: string; url?: string }[]
  actions: Action[]
  skills: { name: string; about: string; exposeToLlm: boolean }[]
  tools: { name: string; transportType: 'stdio' | 'http'; toolPrefix?: string }[]
  hooks: { name: string; matcher?: string; handlerType?: string; events: string[] }[]
  problems: Problem[]
}

export interface Action {
  name: string
  about: string
  exposeToLlm: boolean
  callableByUser: boolean
  callableByApi: boolean
  retryPolicy: 'manual' | 'safe' | null
  inputSchema: Json | null
  command: string
  environment: Record<string, string>
  cwd: string | null
  timeoutMs: number | null
}

export interface WorkspaceReading {
  definition: Definition
  /** Places of models that its own files name. */
  endpoints: Endpoint[]
  seen: string[]
}

const HOME = '.openharness'
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

export async function readWorkspace(id: string, root: string): Promise<WorkspaceReading> {
  const folder = new Folder(root)
  const problems: Problem[] = []
  const reportOn =
    (path: string) =>
    (problem: string): void =>
      void problems.push({ file: join(root, path), problem })
  const reader: Reader = { folder, reportOn }
  const settings =
    (await readYaml(folder, `${HOME}/settings.yaml`, reportOn(`${HOME}/settings.yaml`))) ?? {}
  const models = await readModels(reader, id)
  const dirs = [`${HOME}/skills`, ...(wordsAt(settings, 'skill_dirs') ?? [])]
  const skills = await readSkills(folder, dirs)
  problems.push(...skills.problems)
  const tools = await readTools(reader)
  const actions = await readActions(reader)
  const shared = { skills: skills.skills, servers: tools.servers }
  const around = { id, root, ...shared, actions: actions.filter((a) => a.exposeToLlm) }
  const definition: Definition = {
    agents: await readAgents(reader, settings, { ...around, models: models.inside }),
    defaultAgent: textAt(settings, 'default_agent') ?? null,
    models: models.shown,
    actions,
    skills: skills.skills.map(({ name, about }) => ({ name, about, exposeToLlm: true })),
    tools: tools.shown,
    hooks: await readHooks(reader),
    problems,
  }
  return { definition, endpoints: models.endpoints, seen: folder.seen }
}

interface Reader {
  folder: Folder
  reportOn(path: string): (problem: string) => void
}

/** The files of a folder of `.openharness` that end so, with their names. */
async function filesIn({ folder, reportOn }: Reader, dir: string, end: RegExp) {
  const path = `${HOME}/${dir}`
  const entries = await folder.list(path)
  if ('problem' in entries) {
    reportOn(path)(entries.problem)
    return []
  }
  return entries
    .filter((name) => end.test(name))
    .map((name) => ({ name: name.replace(end, ''), path: `${path}/${name}` }))
}

// ---- agents -------------------------------------------------------------------------------

interface Around {
  id: string
  actions: Action[]
  root: string
  skills: Skill[]
  servers: Record<string, ToolServer>
  models: ReadonlyMap<string, string>
}

async function readAgents(
  reader: Reader,
  settings: Fields,
  around: Around,
): Promise<WorkspaceAgent[]> {
  const { folder, reportOn } = reader
  const files = await filesIn(reader, 'agents', /\.md$/i)
  const text = await folder.text('AGENTS.md')
  if (text !== null && typeof text !== 'string') reportOn('AGENTS.md')(text.problem)
  const surroundings = {
    ...around,
    agentsMd: typeof text === 'string' ? text : '',
    agents: new Set(files.map((f) => f.name)),
    model: (ref: unknown) => modelChoice(ref, fieldsAt(settings, 'models'), around.models),
  }
  const agents: WorkspaceAgent[] = []
  for (const { name, path } of files) {
    const source = await folder.text(path)
    if (typeof source !== 'string') {
      if (source !== null) reportOn(path)(source.problem)
      continue
    }
    const parts = await splitFrontMatter(source)
    const wrong = 'problem' in parts ? parts.problem : wrongWith(name, parts.body)
    if (wrong !== null || 'problem' in parts) {
      reportOn(path)(wrong ?? '')
      continue
    }
    const { made, problems } = workspaceAgent(name, parts, surroundings)
    problems.forEach(reportOn(path))
    agents.push(made)
  }
  return agents
}

function wrongWith(name: string, body: string): string | null {
  if (!NAME.test(name)) return 'its name has other characters than letters, digits, dots and dashes'
  return body === '' ? 'says nothing below its front matter' : null
}

// ---- models -------------------------------------------------------------------------------

/** `<name>: {provider, name, url?, key?}`, any number of them in any number of files. */
async function readModels(reader: Reader, id: string) {
  const shown: Definition['models'] = []
  const inside = new Map<string, string>()
  const endpoints: Endpoint[] = []
  for (const { path } of await filesIn(reader, 'models', /\.ya?ml$/i)) {
    const report = reader.reportOn(path)
    const fields = await readYaml(reader.folder, path, report)
    for (const [name, entry] of Object.entries(fields ?? {})) {
      const model = isFields(entry) ? modelIn(name, entry, id) : null
      if (model === null) {
        report(
          `${name} needs a provider (openai, openai-compatible), a name and, if it is no model of OpenAI's own, a url`,
        )
        continue
      }
      shown.push(model.shown)
      inside.set(name, model.inside)
      if (model.endpoint) endpoints.push(model.endpoint)
    }
  }
  return { shown, inside, endpoints }
}

function modelIn(name: string, entry: Fields, id: string) {
  const provider = textAt(entry, 'provider')
  const modelName = textAt(entry, 'name', 'model', 'model_name')
  const url = textAt(entry, 'url', 'base_url')
  if (modelName === undefined || !NAME.test(name)) return null
  const isCompatible = provider === 'openai-compatible' && /^https?:\/\//i.test(url ?? '')
  if (provider !== 'openai' && !isCompatible) return null
  const shown = { name, provider, modelName, ...(url === undefined ? {} : { url }) }
  const key = textAt(entry, 'key', 'api_key')
  if (url === undefined && key === undefined)
    return { shown, inside: `openai:${modelName}`, endpoint: null }
  const place = `${id}.${name}`.toLowerCase()
  const contextWindow = numberAt(fieldsAt(entry, 'metadata'), 'contextWindowTokens') ?? null
  const endpoint: Endpoint = {
    name: place,
    kind: 'openai',
    baseUrl: url ?? null,
    // Never the server's own key: whoever may write here could have it sent anywhere.
    apiKey: key ?? 'none',
    models: { '*': { contextWindow, maxOutputTokens: null } },
  }
  return { shown, inside: `${place}:${modelName}`, endpoint }
}

// ---- tool servers -------------------------------------------------------------------------

async function readTools(reader: Reader) {
  const path = `${HOME}/tools/settings.yaml`
  const report = reader.reportOn(path)
  const fields = (await readYaml(reader.folder, path, report)) ?? {}
  const shown: Definition['tools'] = []
  const servers: Record<string, ToolServer> = {}
  for (const [name, entry] of Object.entries(fields)) {
    if (!isFields(entry) || entry.enabled === false) continue
    const url = textAt(entry, 'url')
    const toolPrefix = textAt(fieldsAt(entry, 'expose'), 'tool_prefix')
    const transportType = url === undefined ? 'stdio' : 'http'
    shown.push({ name, transportType, ...(toolPrefix === undefined ? {} : { toolPrefix }) })
    if (url === undefined)
      report(
        `${name}: commands of tool servers are not started, because they would run outside the sandbox; serve it over http`,
      )
    else if (!/^https?:\/\//i.test(url) || !NAME.test(name))
      report(`${name}: its url or name is not right`)
    else servers[name] = { transport: 'http', url, headers: textsIn(fieldsAt(entry, 'headers')) }
  }
  return { shown, servers }
}

const textsIn = (fields: Fields): Record<string, string> =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([key, value]) =>
      typeof value === 'string' || typeof value === 'number' ? [[key, String(value)]] : [],
    ),
  )

// ---- actions and hooks --------------------------------------------------------------------

async function readActions(reader: Reader): Promise<Action[]> {
  const actions: Action[] = []
  for (const { name: dir, path } of await filesIn(reader, 'actions', /(?!)|$/)) {
    const file = `${path}/ACTION.yaml`
    const report = reader.reportOn(file)
    const fields = await readYaml(reader.folder, file, report)
    if (fields === null) continue
    const action = actionIn(dir, path, fields)
    if (action) actions.push(action)
    else report('needs entry.command')
  }
  return actions
}

function actionIn(dir: string, path: string, fields: Fields): Action | null {
  const entry = fieldsAt(fields, 'entry')
  const command = textAt(entry, 'command')
  if (command === undefined) return null
  const expose = fieldsAt(fields, 'expose')
  const retry = fieldsAt(fields, 'recovery').retry_policy
  const seconds = numberAt(entry, 'timeout_seconds')
  return {
    name: textAt(fields, 'name') ?? dir,
    about: textAt(fields, 'description') ?? '',
    exposeToLlm: expose.to_llm !== false,
    callableByUser: expose.callable_by_user !== false,
    callableByApi: expose.callable_by_api !== false,
    retryPolicy: retry === 'safe' || retry === 'manual' ? retry : null,
    inputSchema: isFields(fields.input_schema) ? (fields.input_schema as Json) : null,
    command,
    environment: textsIn(fieldsAt(entry, 'environment')),
    cwd: textAt(entry, 'cwd') ?? path,
    timeoutMs: seconds === undefined ? null : Math.ceil(seconds * 1000),
  }
}

async function readHooks(reader: Reader): Promise<Definition['hooks']> {
  const hooks: Definition['hooks'] = []
  for (const { name, path } of await filesIn(reader, 'hooks', /\.ya?ml$/i)) {
    const fields = await readYaml(reader.folder, path, reader.reportOn(path))
    if (fields === null) continue
    const matcher = textAt(fields, 'matcher')
    const handlerType = textAt(fieldsAt(fields, 'handler'), 'type')
    hooks.push({
      name: textAt(fields, 'name') ?? name,
      ...(matcher === undefined ? {} : { matcher }),
      ...(handlerType === undefined ? {} : { handlerType }),
      events: wordsAt(fields, 'events') ?? [],
    })
  }
  return hooks
}
