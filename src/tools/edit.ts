/** Replace text in a file of the workspace. Not replayable: the old text is gone after the first time. */

import { z } from 'zod'
import type { Tool } from '../kernel/ports.ts'
import type { Sandbox } from '../kernel/workspace.ts'
import { defineTool, done } from './define.ts'
import { folderGrant, pathSubject } from './file-path.ts'

const Input = z.strictObject({
  path: z.string().min(1).describe('The file, relative to the workspace.'),
  old: z.string().min(1).describe('The text to replace, exactly as it is in the file.'),
  new: z.string().describe('The text to put in its place.'),
  all: z
    .boolean()
    .optional()
    .describe('Replace every occurrence; default: there must be just one.'),
})

export const createEdit = (sandbox: Sandbox): Tool =>
  defineTool({
    name: 'edit',
    about:
      'Replace text in a file of the workspace. The old text must occur exactly once unless all is true.',
    input: Input,
    access: 'write',
    subject: ({ path }, workspace) => pathSubject(path, workspace),
    grant: ({ path }, workspace) => folderGrant(path, workspace),
    run: async ({ path, ...edit }, context) => {
      const workspace = await sandbox.openWorkspace(context.workspace)
      const { entry, replaced, line } = await workspace.edit(path, edit)
      const times = replaced === 1 ? '1 place' : `${replaced} places`
      const said = `Edited ${entry.path} in ${times}, the first at line ${line}.`
      return done(said, { path: entry.path, replaced, line })
    },
  })
