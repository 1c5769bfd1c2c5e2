/**
 * Changes an agent's folder on behalf of a client. A change is checked before anything is written:
 * what this server would report as a problem when it reads it back, it never writes.
 */

import { join } from 'node:path'
import { Fault } from '../kernel/fault.ts'
import { checkAgentFile, tellIssues } from './agent-file.ts'
import { checkName, type Reading } from './agent-folder.ts'
import { createFolder, replaceFile } from './folder-write.ts'

export interface AgentEdit {
  /** The whole of the new `agent.json`; absent: as it is. `name` may be left out. */
  config?: Record<string, unknown>
  /** The whole of the new `SOUL.md`; absent: as it is. */
  instructions?: string
}

const MOST_BYTES = 1_048_576

/** The files to write, or the Fault that refuses the edit. */
export function filesOf(name: string, edit: AgentEdit): Record<string, string> {
  const misnamed = checkName(name)
  if (misnamed) throw new Fault('invalid', `Not a usable name: ${misnamed}.`)
  const files: Record<string, string> = {}
  if (edit.instructions !== undefined) files['SOUL.md'] = edit.instructions
  if (edit.config !== undefined) files['agent.json'] = configText(name, edit.config)
  for (const [file, text] of Object.entries(files))
    if (Buffer.byteLength(text) > MOST_BYTES)
      throw new Fault('too_large', `${file} may have at most ${MOST_BYTES} bytes.`, {
        limitBytes: MOST_BYTES,
      })
  return files
}

function configText(name: string, config: Record<string, unknown>): string {
  if (config.name !== undefined && config.name !== name)
    throw new Fault('invalid', `The agent is called ${name}; its name cannot be changed.`)
  const checked = checkAgentFile({ ...config, name })
  if (Array.isArray(checked))
    throw new Fault('invalid', `The agent's settings are not right: ${tellIssues(checked)}.`, {
      issues: checked,
    })
  const { name: _, ...rest } = config
  return `${JSON.stringify({ name, ...rest }, null, 2)}\n`
}

/** Writes into the folder that is there, or makes it. The settings go last: they make it an agent. */
export async function writeFolder(
  name: string,
  path: string,
  found: Reading | undefined,
  files: Record<string, string>,
): Promise<void> {
  if (!found) {
    const whole = { 'agent.json': configText(name, {}), 'SOUL.md': '', ...files }
    return createFolder(path, whole)
  }
  const { 'agent.json': config, ...others } = files
  for (const [file, text] of Object.entries(others)) await replaceFile(join(path, file), text)
  if (config !== undefined) await replaceFile(join(path, 'agent.json'), config)
  else if (!found.isAgent) await replaceFile(join(path, 'agent.json'), configText(name, {}))
}
