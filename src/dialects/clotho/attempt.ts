/** Commands that may come too late: then there is nothing left to do, and nothing to complain of. */

import { Fault } from '../../kernel/fault.ts'
import type { Engine, Request } from '../../kernel/ports.ts'

/** False when there was nothing to answer or to cancel. */
export async function attempt(engine: Engine, chat: string, request: Request): Promise<boolean> {
  try {
    await engine.submit(chat, request)
    return true
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    if (error.code === 'not_active' || error.code === 'not_waiting') return false
    throw error
  }
}
