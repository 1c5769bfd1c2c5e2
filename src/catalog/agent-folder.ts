/** Reads one agent's folder whole. Never rejects: what cannot be read is a problem of that folder. */

import { basename, join } from 'node:path'
import type { Agent } from '../kernel/agent.ts'
import { agentOf } from './agent.ts'
import { AGENT_NAME, type AgentFile, readAgentFile, tellIssues } from './agent-file.ts'
import { Folder, type Stamp, stampOf } from './folder.ts'
import { revisionOf } from './revision.ts'
import { readSkills } from './skill.ts'
import type { Secret } from './tool-server.ts'

export interface Problem {
  file: string
  problem: string
}

export interface Reading {
  path: string
  /** Null when the folder holds none, or none that is right. */
  agent: Agent | null
  problems: Problem[]
  /** The file that makes it an agent is there, right or wrong. */
  isAgent: boolean
  seen: string[]
  stamp: Stamp
  readAt: number
}

/** A change so near to the reading may not show in the times of the files. */
const UNSURE_MS = 2000

/** The earlier reading if nothing has changed since, otherwise a new one. */
export async function readAgentFolder(
  path: string,
  earlier: Reading | undefined,
  secret: Secret,
): Promise<Reading> {
  if (earlier && isSettled(earlier)) {
    const stamp = await stampOf(earlier.seen)
    if (stamp.text === earlier.stamp.text) return earlier
  }
  const readAt = Date.now()
  const folder = new Folder(path)
  const read = await readAll(folder, secret)
  const kept = read.isAgent && !read.agent ? (earlier?.agent ?? null) : read.agent
  const stamp = await stampOf(folder.seen)
  return { path, ...read, agent: kept, seen: folder.seen, stamp, readAt }
}

export const isSettled = (reading: Reading): boolean =>
  reading.stamp.newest < reading.readAt - UNSURE_MS

type Read = Pick<Reading, 'agent' | 'problems' | 'isAgent'>

async function readAll(folder: Folder, secret: Secret): Promise<Read> {
  const file = join(folder.path, 'agent.json')
  const config = await folder.text('agent.json')
  const soul = await folder.text('SOUL.md')
  const memory = await folder.text('AGENTS.md')
  if (config === null) return withoutConfig(folder, soul !== null)
  if (typeof config !== 'string') return broken(file, config.problem)
  const parsed = readAgentFile(config)
  if (Array.isArray(parsed)) return broken(file, tellIssues(parsed))
  const name = parsed.name ?? basename(folder.path)
  const misnamed = checkName(name)
  if (misnamed) return broken(file, misnamed)
  for (const [text, part] of [
    [soul, 'SOUL.md'],
    [memory, 'AGENTS.md'],
  ] as const)
    if (text !== null && typeof text !== 'string')
      return broken(join(folder.path, part), text.problem)
  const texts = { config, soul: textOf(soul), memory: textOf(memory) }
  return whole(folder, { ...parsed, name }, texts, secret)
}

const textOf = (text: unknown): string => (typeof text === 'string' ? text : '')

async function whole(
  folder: Folder,
  config: AgentFile & { name: string },
  texts: { config: string; soul: string; memory: string },
  secret: Secret,
): Promise<Read> {
  const found = await readSkills(folder, config.skills?.dirs ?? ['skills'])
  const { soul, memory } = texts
  const { agent, problems } = agentOf(
    config,
    {
      name: config.name,
      soul,
      memory,
      skills: found.skills,
      folder: folder.path,
      revision: revisionOf([folder.path, texts.config, soul, memory, ...found.texts]),
    },
    secret,
  )
  const file = join(folder.path, 'agent.json')
  const told = problems.map((problem) => ({ file, problem }))
  return { agent, isAgent: true, problems: [...told, ...found.problems] }
}

const broken = (file: string, problem: string): Read => ({
  agent: null,
  isAgent: true,
  problems: [{ file, problem }],
})

/** A folder without both files is none of ours; one with a prompt only is a person's mistake. */
function withoutConfig(folder: Folder, hasSoul: boolean): Read {
  const problem = 'is missing; the least it can say is {}'
  const problems = hasSoul ? [{ file: join(folder.path, 'agent.json'), problem }] : []
  return { agent: null, isAgent: false, problems }
}

/** What is wrong with a name, or null. */
export function checkName(name: string): string | null {
  if (AGENT_NAME.test(name)) return null
  return 'the name of an agent begins with a letter or digit and has at most 64 letters, digits, dots, dashes and underscores'
}
