/** Write a file of the workspace, whole. Writing it again gives the same file, so it may be replayed. */

import { z } from 'zod'
import type { Tool } from '../kernel/ports.ts'
import type { Sandbox } from '../kernel/workspace.ts'
import { defineTool, done } from './define.ts'
import { folderGrant, pathSubject } from './file-path.ts'

const Input = z.strictObject({
  path: z.string().min(1).describe('The file, relative to the workspace. Folders are made.'),
  content: z.string().describe('All of what the file is to contain.'),
})

export const createWrite = (sandbox: Sandbox): Tool =>
  defineTool({
    name: 'write',
    about: 'Write a file of the workspace. A file that exists is replaced.',
    input: Input,
    access: 'write',
    replayable: true,
    subject: ({ path }, workspace) => pathSubject(path, workspace),
    grant: ({ path }, workspace) => folderGrant(path, workspace),
    run: async ({ path, content }, context) => {
      const workspace = await sandbox.openWorkspace(context.workspace)
      const { entry, created } = await workspace.write(path, content)
      const said = `${created ? 'Created' : 'Replaced'} ${entry.path} (${entry.size} bytes).`
      return done(said, { path: entry.path, created, bytes: entry.size })
    },
  })
