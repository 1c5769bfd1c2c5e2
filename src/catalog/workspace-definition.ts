/**
 * What a workspace declares: `AGENTS.md` and the files of `.openharness`. An agent at work may change
 * them, so nothing here starts a process, puts a secret of the server in, or reads outside the folder.
 */

import { join } from 'node:path'
import type { Action } from '../kernel/action.ts'
import type { Agent, Skill, ToolServer } from '../kernel/agent.ts'
import type { Hook } from '../kernel/hook.ts'
import type { Endpoint } from '../kernel/ports.ts'
import type { Problem } from './agent-folder.ts'
import { Folder } from './folder.ts'
import { readSkills } from './skill.ts'
import { readActions } from './workspace-action.ts'
import {
  actionAgents,
  modelChoice,
  type WorkspaceAgent,
  workspaceAgent,
} from './workspace-agent.ts'
import { readHooks, type ShownHook } from './workspace-hook.ts'
import { readModels, type WorkspaceModel } from './workspace-model.ts'
import { type Prompts, readPrompts } from './workspace-prompt.ts'
import { filesIn, HOME, NAME, type Reader } from './workspace-reader.ts'
import { readTools, type ShownTool } from './workspace-tool.ts'
import {
  type Fields,
  fieldsAt,
  readYaml,
  splitFrontMatter,
  textAt,
  wordsAt,
} from './workspace-yaml.ts'

export interface Definition {
  agents: WorkspaceAgent[]
  defaultAgent: string | null
  models: WorkspaceModel[]
  actions: Action[]
  skills: { name: string; about: string; exposeToLlm: boolean }[]
  tools: ShownTool[]
  hooks: ShownHook[]
  /** Run the actions, whoever leads a session. No agent's file can have their names. */
  actionAgents: { any: Agent; safe: Agent }
  problems: Problem[]
}

export interface WorkspaceReading {
  definition: Definition
  /** Places of models that its own files name. */
  endpoints: Endpoint[]
  seen: string[]
}

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
  const tools = await readTools(reader, root)
  const actions = await readActions(reader)
  const hooks = await readHooks(reader)
  const around: Around = {
    hooks: hooks.hooks,
    ...{ id, root, skills: skills.skills, servers: tools.servers, denied: tools.denied },
    actions: actions.filter((a) => a.exposeToLlm),
    models: new Map(models.models.map((m) => [m.name, m.inside])),
    prompts: await readPrompts(folder, settings, reportOn),
    memory: await readMemory(reader, settings),
  }
  const definition: Definition = {
    agents: await readAgents(reader, settings, around),
    defaultAgent: textAt(settings, 'default_agent') ?? null,
    models: models.models,
    actions,
    skills: skills.skills.map(({ name, about }) => ({ name, about, exposeToLlm: true })),
    tools: tools.shown,
    hooks: hooks.shown,
    actionAgents: actionAgents(id, root, { actions, hooks: hooks.hooks }),
    problems,
  }
  return { definition, endpoints: models.endpoints, seen: folder.seen }
}

// ---- agents -------------------------------------------------------------------------------

interface Around {
  id: string
  actions: Action[]
  root: string
  skills: Skill[]
  servers: Record<string, ToolServer>
  denied: string[]
  hooks: Hook[]
  models: ReadonlyMap<string, string>
  prompts: Prompts
  memory: string
}

/** What agents noted for later ones; only where the workspace wants it told. */
async function readMemory({ folder, reportOn }: Reader, settings: Fields): Promise<string> {
  if (fieldsAt(fieldsAt(settings, 'engine'), 'workspace_memory').enabled !== true) return ''
  const path = `${HOME}/memory/MEMORY.md`
  const text = await folder.text(path)
  if (text === null || typeof text === 'string') return text ?? ''
  reportOn(path)(text.problem)
  return ''
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
