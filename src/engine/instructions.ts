/** The system prompt of a model call: what the agent is, and what it must know of where it works. */

import type { Agent } from '../kernel/agent.ts'
import type { Run } from '../kernel/run.ts'
import type { Thread } from '../kernel/thread.ts'

/** Pure, and stable over a day, so that providers can cache it. */
export function instructionsOf(agent: Agent, run: Run, thread: Thread, now: number): string {
  return [
    agent.instructions.trim(),
    run.instructions?.trim() ?? '',
    skillsOf(agent),
    placeOf(thread, now),
  ]
    .filter((text) => text !== '')
    .join('\n\n')
}

function skillsOf(agent: Agent): string {
  if (agent.skills.length === 0) return ''
  const lines = agent.skills.map((s) => `- ${s.name}: ${s.about}`)
  return `Skills you can read with the skill tool when they fit the task:\n${lines.join('\n')}`
}

const placeOf = (thread: Thread, now: number): string =>
  [
    'Where you work:',
    `- workspace: ${thread.workspace} (file tools see nothing outside it; relative paths start there)`,
    `- date: ${new Date(now).toISOString().slice(0, 10)}`,
  ].join('\n')
