/** Read one of the agent's skills. Its text is read when it is needed, so a change counts at once. */

import { open } from 'node:fs/promises'
import { z } from 'zod'
import type { Agent } from '../kernel/agent.ts'
import type { Tool } from '../kernel/ports.ts'
import { bounded, defineTool, done, failed, MAX_OUTPUT_BYTES } from './define.ts'

const Input = z.strictObject({
  name: z.string().min(1).describe('The name of the skill.'),
})

export const createSkill = (agent: Agent): Tool =>
  defineTool({
    name: 'skill',
    about: 'Read the instructions of one of your skills. Do so before you work on what it is for.',
    input: Input,
    access: 'read',
    readOnly: true,
    subject: ({ name }) => name,
    run: async ({ name }) => {
      const skill = agent.skills.find((s) => s.name === name)
      if (!skill) return failed(`There is no skill ${JSON.stringify(name)}.\n${catalog(agent)}`)
      try {
        const { text } = bounded(await readText(skill.file), MAX_OUTPUT_BYTES)
        return done(text, { skill: name })
      } catch {
        return failed(`The text of the skill ${name} cannot be read now.`)
      }
    },
  })

const catalog = (agent: Agent): string =>
  ['Your skills:', ...agent.skills.map((s) => `- ${s.name}: ${s.about}`)].join('\n')

/** One byte more than is shown, so that a cut is noticed. */
async function readText(file: string): Promise<string> {
  const handle = await open(file, 'r')
  try {
    const bytes = Buffer.alloc(MAX_OUTPUT_BYTES + 1)
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0)
    return bytes.toString('utf8', 0, bytesRead)
  } finally {
    await handle.close()
  }
}
