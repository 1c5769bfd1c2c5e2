/** List a folder of the workspace. */

import { z } from 'zod'
import type { Tool } from '../kernel/ports.ts'
import type { Entry, Sandbox } from '../kernel/workspace.ts'
import { defineTool, done } from './define.ts'
import { pathSubject } from './file-path.ts'

const MAX_ENTRIES = 1000

const Input = z.strictObject({
  path: z.string().optional().describe('The folder, relative to the workspace; default its root.'),
})

export const createList = (sandbox: Sandbox): Tool =>
  defineTool({
    name: 'list',
    about: 'List a folder of the workspace: folders end in /, files show their size in bytes.',
    input: Input,
    access: 'read',
    readOnly: true,
    subject: ({ path = '' }, workspace) => pathSubject(path, workspace),
    run: async ({ path = '' }, context) => {
      const workspace = await sandbox.openWorkspace(context.workspace)
      const entries = await workspace.list(path)
      const lines = entries.slice(0, MAX_ENTRIES).map(line)
      if (entries.length > MAX_ENTRIES)
        lines.push(`[${entries.length - MAX_ENTRIES} more are not shown; use glob]`)
      return done(lines.join('\n') || 'The folder is empty.', { entries: entries.length })
    },
  })

function line(entry: Entry): string {
  if (entry.kind === 'directory') return `${entry.name}/`
  if (entry.kind === 'link') return `${entry.name} -> ${entry.target ?? ''}`
  return entry.kind === 'file' ? `${entry.name} (${entry.size})` : `${entry.name} (special)`
}
