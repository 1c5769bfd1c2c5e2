/** Read one of the agent's skills. Its text is read when it is needed, so a change counts at once. */

import { open } from 'node:fs/promises'
import { z } from 'zod'
import type { Agent } from '../kernel/agent.ts'
import type { Tool } from '../kernel/ports.ts'
import type { Sandbox } from '../kernel/workspace.ts'
import { bounded, defineTool, done, failed, MAX_OUTPUT_BYTES } from './define.ts'

const Input = z.strictObject({
  name: z.string().min(1).describe('The name of the skill.'),
})

export const createSkill = (agent: Agent, sandbox: Sandbox): Tool =>
  defineTool({
    name: 'skill',
    about: 'Read the instructions of one of your skills. Do so before you work on what it is for.',
    input: Input,
    access: 'read',
    readOnly: true,
    subject: ({ name }) => name,
    run: async ({ name }, context) => {
      const skill = agent.skills.find((s) => s.name === name)
      if (!skill) return failed(`There is no skill ${JSON.stringify(name)}.\n${catalog(agent)}`)
      try {
        const whole = await textOf(sandbox, context.workspace, skill.file)
        const { text } = bounded(whole, MAX_OUTPUT_BYTES)
        return done(text, { skill: name })
      } catch {
        return failed(`The text of the skill ${name} cannot be read now.`)
      }
    },
  })

const catalog = (agent: Agent): string =>
  ['Your skills:', ...agent.skills.map((s) => `- ${s.name}: ${s.about}`)].join('\n')

/** What is in the workspace may have been put there by whoever asks, so it must not lead out of it. */
async function textOf(sandbox: Sandbox, workspace: string, file: string): Promise<string> {
  if (!file.startsWith(`${workspace}/`)) return readText(file)
  const files = await sandbox.openWorkspace(workspace)
  const piece = await files.read(file.slice(workspace.length + 1), {
    maxBytes: MAX_OUTPUT_BYTES + 1,
  })
  return Buffer.from(piece.bytes).toString('utf8')
}

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
