/** Read a text file of the workspace, line by line. */

import { z } from 'zod'
import type { Tool } from '../kernel/ports.ts'
import type { Sandbox } from '../kernel/workspace.ts'
import { defineTool, done } from './define.ts'
import { pathSubject } from './file-path.ts'

const DEFAULT_LINES = 2000
const MAX_LINE = 2000
const MAX_BYTES = 200 * 1024

const Input = z.strictObject({
  path: z.string().min(1).describe('The file, relative to the workspace.'),
  offset: z.number().int().min(1).optional().describe('The first line to read; default 1.'),
  limit: z
    .number()
    .int()
    .min(1)
    .max(DEFAULT_LINES)
    .optional()
    .describe(`How many lines to read; default ${DEFAULT_LINES}.`),
})

export const createRead = (sandbox: Sandbox): Tool =>
  defineTool({
    name: 'read',
    about:
      'Read a text file of the workspace. Lines are given with their numbers; use offset and limit for large files.',
    input: Input,
    access: 'read',
    readOnly: true,
    subject: ({ path }, workspace) => pathSubject(path, workspace),
    run: async ({ path, offset = 1, limit = DEFAULT_LINES }, context) => {
      const workspace = await sandbox.openWorkspace(context.workspace)
      const wanted = { from: offset, count: limit, maxBytes: MAX_BYTES }
      const { entry, from, lines, total } = await workspace.lines(path, wanted)
      const meta = { path: entry.path, rawBytes: entry.size, lines: total }
      if (lines.length === 0) {
        const empty = total === 0 ? 'The file is empty.' : `The file ends before line ${from}.`
        return done(`${empty}\n[lines 0-0 of ${total ?? 'many'}]`, meta)
      }
      const last = from + lines.length - 1
      const more = total === null || last < total ? ` Read on with offset ${last + 1}.` : ''
      const range = `[lines ${from}-${last} of ${total ?? `more than ${last}`}]${more}`
      return done(`${lines.map((line, i) => numbered(from + i, line)).join('\n')}\n${range}`, meta)
    },
  })

function numbered(line: number, text: string): string {
  const cut = text.length > MAX_LINE ? `${text.slice(0, MAX_LINE)}[... line cut]` : text
  return `${String(line).padStart(6)}\t${cut}`
}
