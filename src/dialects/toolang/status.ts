/**
 * The file by which Toolang's own command line finds a running agent: in a Toolang root, the agent's
 * `.runtime/status.json` with its address and a process that lives. Written only when a root is named.
 */

import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../kernel/fault.ts'
import { COMPONENTS } from './agent-routes.ts'
import { agentOf } from './chat.ts'
import type { Context } from './context.ts'
import { modelList } from './model.ts'

/** Tells where the agent is; resolves with the way to take that back. */
export async function announce(
  context: Context,
  root: string,
  endpoint: string,
): Promise<() => Promise<void>> {
  const agent = agentOf(context)
  const home = join(root, 'agents', agent)
  const file = join(home, '.runtime', 'status.json')
  const { mode, isolated } = await context.settings.isolation()
  const now = new Date(context.settings.now()).toISOString()
  const status = {
    ...{ agent, status: 'running', endpoint, pid: process.pid, started_at: now, updated_at: now },
    components: COMPONENTS,
    models: (await modelList(context.engine.models)).items.map((m) => m.selector),
    sandbox: isolated ? mode : 'none',
    message: null,
  }
  await write(home, file, `${JSON.stringify(status, null, 2)}\n`).catch((error) => {
    const { code } = error as NodeJS.ErrnoException
    const words = `The Toolang root ${root} cannot be written: ${code}.`
    throw new Fault('invalid', `${words} Choose another with --toolang-root.`)
  })
  return () => withdraw(file)
}

async function write(home: string, file: string, text: string): Promise<void> {
  await mkdir(join(home, '.runtime'), { recursive: true, mode: 0o700 })
  // An agent is a folder with a program; an empty one is a whole agent.
  await writeFile(join(home, 'agent.too'), '', { flag: 'wx' }).catch(unlessThere)
  const draft = `${file}.${process.pid}`
  await writeFile(draft, text)
  await rename(draft, file)
}

/** Only what this process wrote. */
async function withdraw(file: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch(() => null)
  if (text === null) return
  const { pid } = parsed(text)
  if (pid === process.pid) await rm(file, { force: true })
}

function parsed(text: string): { pid?: unknown } {
  try {
    return JSON.parse(text) as { pid?: unknown }
  } catch {
    return {}
  }
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}
