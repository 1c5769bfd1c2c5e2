/**
 * Read one of the agent's skills, or a file in its folder. Its text is read when it is needed, so a
 * change counts at once; nothing outside the folder is read, not by `..` and not by a link.
 */

import { open, readdir, realpath } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { z } from 'zod'
import type { Agent } from '../kernel/agent.ts'
import type { Tool } from '../kernel/ports.ts'
import type { Sandbox } from '../kernel/workspace.ts'
import { bounded, defineTool, done, failed, MAX_OUTPUT_BYTES } from './define.ts'

const Input = z.strictObject({
  name: z.string().min(1).describe('The name of the skill.'),
  file: z
    .string()
    .min(1)
    .optional()
    .describe('One of the files that the skill comes with; absent: its instructions.'),
})

export const createSkill = (agent: Agent, sandbox: Sandbox): Tool =>
  defineTool({
    name: 'skill',
    about: 'Read the instructions of one of your skills. Do so before you work on what it is for.',
    input: Input,
    access: 'read',
    readOnly: true,
    subject: ({ name }) => name,
    run: async ({ name, file }, context) => {
      const skill = agent.skills.find((s) => s.name === name)
      if (!skill) return failed(`There is no skill ${JSON.stringify(name)}.\n${catalog(agent)}`)
      const others = await filesOf(skill.file, context.workspace)
      if (file !== undefined && !others.includes(file))
        return failed(`The skill ${name} has no file ${JSON.stringify(file)}.${told(others)}`)
      try {
        const path = file === undefined ? skill.file : join(dirname(skill.file), file)
        const whole = await textOf(sandbox, context.workspace, path)
        const { text } = bounded(whole, MAX_OUTPUT_BYTES)
        return done(file === undefined ? text + told(others) : text, { skill: name })
      } catch {
        return failed(`The text of the skill ${name} cannot be read now.`)
      }
    },
  })

const MOST_FILES = 50

/**
 * What lies beside the instructions of a skill that has a folder of its own; links are left out. In
 * the workspace there are tools that read.
 */
async function filesOf(skill: string, workspace: string): Promise<string[]> {
  if (basename(skill).toLowerCase() !== 'skill.md' || skill.startsWith(`${workspace}/`)) return []
  const folder = await realpath(dirname(skill)).catch(() => null)
  if (folder === null) return []
  const options = { recursive: true, withFileTypes: true } as const
  const entries = await readdir(folder, options).catch(() => [])
  return entries
    .filter((e) => e.isFile())
    .map((e) => relative(folder, resolve(e.parentPath, e.name)).split(sep).join('/'))
    .filter((path) => path.toLowerCase() !== 'skill.md' && !/(^|\/)\./.test(path))
    .sort()
    .slice(0, MOST_FILES)
}

const told = (files: readonly string[]): string =>
  files.length === 0 ? '' : `\n\nFiles of this skill, to be read with \`file\`: ${files.join(', ')}`

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
