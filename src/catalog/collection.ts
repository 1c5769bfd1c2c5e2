/** All agents' folders together: which there are, which agent answers to which name. */

import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Agent } from '../kernel/agent.ts'
import type { Problem, Reading } from './agent-folder.ts'
import { isAbsent, tellFault } from './folder.ts'

export interface Collection {
  /** By name, in the order of names. */
  agents: Map<string, Agent>
  problems: Problem[]
}

/** Of two agents with the same name, the one that was read first is used. */
export function collect(
  readings: readonly Reading[],
  builtin: ReadonlyMap<string, Agent>,
): Collection {
  const agents = new Map<string, Agent>()
  const problems: Problem[] = []
  for (const { agent, problems: own } of readings) {
    problems.push(...own)
    const first = agent && agents.get(agent.name)
    if (first) problems.push(twice(agent, first))
    else if (agent) agents.set(agent.name, agent)
  }
  const isKnown = (name: string) => agents.has(name) || builtin.has(name)
  return {
    agents: new Map([...agents].sort(([a], [b]) => (a < b ? -1 : 1))),
    problems: [...problems, ...[...agents.values()].flatMap((a) => strayChildren(a, isKnown))],
  }
}

const twice = (agent: Agent, first: Agent): Problem => ({
  file: join(agent.folder ?? '', 'agent.json'),
  problem: `there is an agent ${agent.name} already, in ${first.folder}; this one is left out`,
})

const strayChildren = (agent: Agent, isKnown: (name: string) => boolean): Problem[] =>
  (agent.children ?? [])
    .filter((child) => !isKnown(child))
    .map((child) => ({
      file: join(agent.folder ?? '', 'agent.json'),
      problem: `subagents: there is no agent ${child}`,
    }))

/** The folders in which an agent may be, sorted. A root that is not there has none. */
export async function agentFolders(root: string, problems: Problem[]): Promise<string[]> {
  try {
    const names = (await readdir(root)).filter((name) => !name.startsWith('.')).sort()
    const paths = names.map((name) => join(root, name))
    const facts = await Promise.all(paths.map((path) => stat(path).catch(() => null)))
    return paths.filter((_, i) => facts[i]?.isDirectory())
  } catch (error) {
    if (!isAbsent(error)) problems.push({ file: root, problem: tellFault(error) })
    return []
  }
}
