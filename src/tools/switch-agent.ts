/** Hand the conversation over to another agent, which goes on from the next turn on. */

import { z } from 'zod'
import type { Agent } from '../kernel/agent.ts'
import { Fault } from '../kernel/fault.ts'
import type { Tool } from '../kernel/ports.ts'
import { defineTool } from './define.ts'
import { meantBy, nameFor } from './sibling.ts'

/** The agents that this one may hand over to. */
export function successorsOf({ extra }: Agent): string[] {
  const names = Array.isArray(extra.switch) ? extra.switch : []
  return names.filter((name): name is string => typeof name === 'string')
}

const Input = z.strictObject({
  agent: z.string().min(1).describe('The agent that is to go on.'),
})

export function createSwitchAgent(agent: Agent): Tool {
  const allowed = successorsOf(agent)
  const named = allowed.map((name) => nameFor(agent, name)).join(', ')
  return defineTool({
    name: 'switch_agent',
    about: `Hand this conversation over to another agent, when it is the one for what comes next. Agents: ${named}.`,
    input: Input,
    access: 'agent',
    subject: (input) => meantBy(agent, input.agent, allowed),
    async run(input) {
      const wanted = meantBy(agent, input.agent, allowed)
      if (!allowed.includes(wanted))
        throw new Fault('forbidden', `You may not hand over to ${input.agent}. Agents: ${named}.`)
      return {
        kind: 'done',
        output: `switched_to: ${nameFor(agent, wanted)}`,
        switchTo: wanted,
      }
    },
  })
}
