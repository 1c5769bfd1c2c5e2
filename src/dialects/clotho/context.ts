/** What every route and socket of this dialect works with. */

import type { Origin } from '../../kernel/event.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Json } from '../../kernel/part.ts'
import type { Engine, Principal } from '../../kernel/ports.ts'
import type { Thread } from '../../kernel/thread.ts'
import { detail } from './faults.ts'
import { chatId } from './id.ts'

export interface ClothoSettings {
  version: string
  /** Where the dialect's token is kept. */
  dataFolder: string
  /** The folder of an installed Clotho; the token in its `config.json` is accepted too. */
  clothoHome: string | null
  /** How long a person may take to answer; default 300,000. */
  approvalTimeoutMs?: number
  /** Epoch milliseconds. */
  clock(): number
  sandbox: SandboxProbe
}

/** What the machine can do to keep commands apart from the rest of it. */
export interface SandboxProbe {
  describe(): Promise<{ mode: string; isIsolated: boolean; problem?: string }>
}

export interface Context {
  engine: Engine
  settings: ClothoSettings
}

export const originOf = (principal: Principal, hints?: Json): Origin => ({
  dialect: 'clotho',
  principal: principal.id,
  ...(hints === undefined ? {} : { hints }),
})

/** The owner of the machine sees everything. */
export const accountOf = ({ account }: Principal): { account: string } => ({ account })

/** Null when there is no such chat, or none that the caller may know of. */
export async function findChat(
  engine: Engine,
  principal: Principal,
  id: string,
): Promise<Thread | null> {
  try {
    const thread = await engine.thread(id)
    return thread.account === principal.account ? thread : null
  } catch (error) {
    if (error instanceof Fault && error.code === 'not_found') return null
    throw error
  }
}

/** The chat that a path names; `absent` are the words in which its route says that there is none. */
export async function chatOf(
  { engine }: Context,
  { path, principal }: { path: Record<string, string>; principal: Principal },
  absent: (id: string) => string = () => 'Chat not found',
): Promise<Thread> {
  const id = chatId(path.chat_id ?? '')
  const thread = await findChat(engine, principal, id)
  if (thread) return thread
  throw detail('not_found', absent(id))
}
