/** Give a task to another agent. The engine runs it as a thread of its own; this tool never runs. */

import { z } from 'zod'
import type { Agent } from '../kernel/agent.ts'
import { Fault } from '../kernel/fault.ts'
import type { Tool } from '../kernel/ports.ts'
import { defineTool, failed, parse } from './define.ts'
import { meantBy, nameFor } from './sibling.ts'

const Input = z.strictObject({
  prompt: z
    .string()
    .min(1)
    .describe('The task, with all that must be known: the other agent sees nothing else.'),
  agent: z.string().min(1).optional().describe('Which agent; default: one like you.'),
  name: z.string().min(1).max(100).optional().describe('A few words that name the task.'),
})

export const createTask = (agent: Agent): Tool => ({
  ...defineTool({
    name: 'task',
    about: `Give a task to another agent and get its report. It works in the same workspace.${whom(agent)}`,
    input: Input,
    access: 'agent',
    kind: 'child',
    subject: (input) => meant(agent, input.agent),
    grant: (input) => meant(agent, input.agent).replaceAll('*', '\0'),
    run: async () => failed('A task is given, not run.'),
  }),
  child: (raw) => {
    const parsed = parse(Input, raw)
    if (!('input' in parsed)) return parsed
    const { prompt, agent: chosen, name } = parsed.input
    const wanted = meant(agent, chosen)
    if (agent.children !== null && !agent.children.includes(wanted))
      return new Fault('unknown_agent', `You may not give tasks to ${wanted}.${whom(agent)}`)
    return { agent: chosen ? wanted : null, name: name ?? titleOf(prompt), prompt }
  },
})

const meant = (agent: Agent, said: string | undefined): string =>
  said === undefined ? agent.name : meantBy(agent, said, agent.children)

const whom = (agent: Agent): string =>
  agent.children === null
    ? ''
    : ` Agents: ${agent.children.map((child) => nameFor(agent, child)).join(', ')}.`

function titleOf(prompt: string): string {
  const line = prompt.trim().split('\n')[0] as string
  return line.length > 60 ? `${line.slice(0, 57)}...` : line
}
