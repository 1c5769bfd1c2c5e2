/**
 * Agents with the capabilities that count for them: psyches in their instructions in full, skills and
 * services beside their own. What has a problem is left out.
 */

import type { Agent, Skill, ToolServer } from '../kernel/agent.ts'
import type { Cap, Caps } from '../kernel/caps.ts'
import type { EditableCatalog } from './index.ts'
import { revisionOf } from './revision.ts'

/** The agent as it works. Pure; without capabilities it is the agent itself. */
export function withCaps(agent: Agent, caps: readonly Cap[]): Agent {
  const right = caps.filter((c) => c.problem === null && c.kind !== 'prompt')
  if (right.length === 0) return agent
  const skills = right.flatMap((c) =>
    c.kind === 'skill' && c.file !== null
      ? [{ name: c.name, about: c.about ?? '', file: c.file }]
      : [],
  )
  const isCap = (own: Skill) => skills.some((s) => s.name === own.name || s.file === own.file)
  return {
    ...agent,
    instructions: instructionsOf(agent, right),
    skills: [...agent.skills.filter((s) => !isCap(s)), ...skills],
    servers: { ...agent.servers, ...serversOf(right) },
    revision: revisionOf([agent.revision, ...right.map((c) => `${c.kind} ${c.name} ${c.content}`)]),
  }
}

function instructionsOf({ instructions }: Agent, caps: readonly Cap[]): string {
  const psyches = caps
    .filter((c) => c.kind === 'psyche' && c.body !== '')
    .map((c) => `# ${c.name}\n\n${c.body}`)
  const services = caps
    .filter((c) => c.kind === 'service')
    .map(
      (c) =>
        `- ${toolName(c)}: ${c.about ?? ''}${c.body === '' ? '' : `\n  ${c.body.replaceAll('\n', '\n  ')}`}`,
    )
  const told =
    services.length === 0
      ? ''
      : `Services, whose tools begin with their names:\n${services.join('\n')}`
  return [instructions, ...psyches, told].filter((part) => part !== '').join('\n\n')
}

/** Providers take no dots in the names of tools. */
const toolName = ({ name }: Cap): string => name.replaceAll('.', '_')

const serversOf = (caps: readonly Cap[]): Record<string, ToolServer> =>
  Object.fromEntries(caps.flatMap((c) => (c.server ? [[toolName(c), c.server]] : [])))

/** The catalog whose agents have their capabilities. */
export function composeCatalog(catalog: EditableCatalog, caps: Caps): EditableCatalog {
  const made = new Map<string, { of: Agent; caps: readonly Cap[]; agent: Agent }>()
  const compose = (agent: Agent): Agent => {
    const list = caps.list(agent.name)
    if (list.length === 0) return agent
    const known = made.get(agent.name)
    if (known?.of === agent && known.caps === list) return known.agent
    const composed = withCaps(agent, list)
    made.set(agent.name, { of: agent, caps: list, agent: composed })
    return composed
  }
  const names = () => catalog.agents().map((a) => a.name)
  return {
    agents: () => catalog.agents().map(compose),
    agent: (name) => {
      const agent = catalog.agent(name)
      return agent && compose(agent)
    },
    problems: () => [...catalog.problems(), ...capProblems(caps, names())],
    onChange(listener) {
      const stops = [catalog.onChange(listener), caps.onChange(() => listener())]
      return () => {
        for (const stop of stops) stop()
      }
    },
    write: async (name, edit) => compose(await catalog.write(name, edit)),
    remove: (name) => catalog.remove(name),
    source: (name) => catalog.source(name),
    refresh: () => catalog.refresh(),
    async close() {
      await caps.close()
      await catalog.close()
    },
  }
}

/** Each once, also when several agents share it. */
function capProblems(caps: Caps, agents: string[]) {
  const wrong = agents.flatMap((a) => caps.list(a)).filter((c) => c.problem !== null)
  const told = new Map(wrong.map((c) => [`${c.definedIn} ${c.kind} ${c.name}`, c]))
  return [...told.values()].map((c) => ({
    file: c.file ?? c.definedIn,
    problem: `${c.kind} ${c.name}: ${c.problem}`,
  }))
}
