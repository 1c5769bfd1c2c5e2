/** Find files of the workspace by name. */

import { z } from 'zod'
import type { Tool } from '../kernel/ports.ts'
import type { Sandbox } from '../kernel/workspace.ts'
import { defineTool, done } from './define.ts'
import { pathSubject } from './file-path.ts'

const MAX_PATHS = 500

const Input = z.strictObject({
  pattern: z
    .string()
    .min(1)
    .describe('For example **/*.ts or src/{a,b}/*.md. ** matches any folders, * within a name.'),
  path: z.string().optional().describe('The folder to search; default the whole workspace.'),
})

export const createGlob = (sandbox: Sandbox): Tool =>
  defineTool({
    name: 'glob',
    about:
      'Find files of the workspace by name. Paths are given relative to the workspace. .git and node_modules are left out unless the pattern names them.',
    input: Input,
    access: 'read',
    readOnly: true,
    subject: ({ path = '' }, workspace) => pathSubject(path, workspace),
    run: async ({ pattern, path }, context) => {
      const workspace = await sandbox.openWorkspace(context.workspace)
      const options = { path, limit: MAX_PATHS, signal: context.signal }
      const { paths, partial } = await workspace.glob(pattern, options)
      if (paths.length === 0 && !partial) return done('Nothing matches.', { paths: 0 })
      const note = partial ? ['[there are more; use a narrower pattern]'] : []
      return done([...paths, ...note].join('\n'), { paths: paths.length, partial })
    },
  })
