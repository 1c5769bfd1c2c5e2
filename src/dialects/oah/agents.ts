/** Which agents a workspace has: its own, then the server's. Names are OAH's; inside they are unique. */

import type { Context, Definition } from './context.ts'
import { noAgent, refusal } from './faults.ts'
import type { WorkspaceRecord } from './shelf.ts'

export interface ShownAgent {
  name: string
  mode: 'primary' | 'subagent' | 'all'
  source: 'platform' | 'workspace'
  about: string
  /** As the catalog knows it. */
  inside: string
}

const NOTHING: Definition = {
  agents: [],
  defaultAgent: null,
  models: [],
  actions: [],
  skills: [],
  tools: [],
  hooks: [],
  actionAgents: { any: { name: '' }, safe: { name: '' } },
  problems: [],
}

export const definitionOf = async (
  { settings }: Context,
  { id, root }: Pick<WorkspaceRecord, 'id' | 'root'>,
): Promise<Definition> => (await settings.definitions?.of({ id, root })) ?? NOTHING

export function agentsOf({ engine }: Context, definition: Definition): ShownAgent[] {
  const own = definition.agents.map(
    ({ name, mode, about, agent }): ShownAgent => ({
      ...{ name, mode, about },
      source: 'workspace',
      inside: agent.name,
    }),
  )
  const taken = new Set(own.map((a) => a.name))
  const platform = engine.catalog
    .agents()
    .filter((a) => !taken.has(a.name))
    .map(
      ({ name, about, extra }): ShownAgent => ({
        ...{ name, about, inside: name },
        mode: extra.mode === 'subagent' || extra.mode === 'all' ? extra.mode : 'primary',
        source: 'platform',
      }),
    )
  return [...own, ...platform].sort((a, b) => (a.name < b.name ? -1 : 1))
}

const mayLead = ({ mode }: ShownAgent): boolean => mode !== 'subagent'

/** The agent that a session names; without a name, the workspace's default. */
export function leadAgent(
  context: Context,
  workspace: Pick<WorkspaceRecord, 'id'>,
  definition: Definition,
  name: string | undefined,
): ShownAgent {
  const agents = agentsOf(context, definition)
  if (name !== undefined) {
    const agent = agents.find((a) => a.name === name)
    if (!agent) throw noAgent(name, workspace.id)
    if (mayLead(agent)) return agent
    throw refusal(
      'conflict',
      'invalid_session_agent_target',
      `Agent ${name} is a subagent and cannot be set as the active session agent.`,
    )
  }
  const leads = agents.filter(mayLead)
  const agent =
    leads.find((a) => a.name === definition.defaultAgent) ??
    leads.find((a) => a.source === 'workspace' && a.name === 'assistant') ??
    leads.find((a) => a.source === 'workspace') ??
    leads.find((a) => a.name === 'assistant') ??
    leads[0]
  if (agent) return agent
  throw refusal(
    'conflict',
    'missing_default_agent',
    `Workspace ${workspace.id} has no agent that can lead a session.`,
  )
}
