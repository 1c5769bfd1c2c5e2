/** Find text in the files of the workspace. */

import { z } from 'zod'
import type { Tool } from '../kernel/ports.ts'
import type { Sandbox } from '../kernel/workspace.ts'
import { bounded, defineTool, done, MAX_OUTPUT_BYTES } from './define.ts'
import { pathSubject } from './file-path.ts'

const MAX_HITS = 300

const Input = z.strictObject({
  pattern: z
    .string()
    .min(1)
    .max(2000)
    .describe('A JavaScript regular expression, without slashes.'),
  path: z
    .string()
    .optional()
    .describe('The file or folder to search; default the whole workspace.'),
  glob: z.string().optional().describe('Only files whose name or path matches, for example *.ts.'),
  ignoreCase: z.boolean().optional(),
})

export const createGrep = (sandbox: Sandbox): Tool =>
  defineTool({
    name: 'grep',
    about:
      'Search the text files of the workspace, line by line. Results are path:line: text. .git and node_modules are left out unless path names them.',
    input: Input,
    access: 'read',
    readOnly: true,
    subject: ({ path = '' }, workspace) => pathSubject(path, workspace),
    run: async ({ pattern, ...options }, context) => {
      const workspace = await sandbox.openWorkspace(context.workspace)
      const { signal } = context
      const found = await workspace.grep(pattern, { ...options, limit: MAX_HITS, signal })
      const lines = found.hits.map((hit) => `${hit.path}:${hit.line}: ${hit.text.trimEnd()}`)
      if (found.partial) lines.push('[there may be more; use a narrower pattern, path or glob]')
      const { text } = bounded(lines.join('\n'), MAX_OUTPUT_BYTES)
      const { files, skipped, partial } = found
      const meta = { hits: found.hits.length, files, skipped, partial }
      return done(text || `Nothing matches in ${files} files.`, meta)
    },
  })
