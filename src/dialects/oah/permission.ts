/**
 * What sessions may do without asking. OAH has no approvals, so where commands are kept apart nothing
 * is asked; where they are not, changes wait in the inbox for somebody to allow them.
 */

import { ALLOW_ALL, ASK_BEFORE_CHANGES } from '../../kernel/policy.ts'
import type { Engine, SharedPolicy } from '../../kernel/ports.ts'

export interface Desk {
  /** The name of the policy that sessions share; it is in the store when this resolves. */
  policy(): Promise<string>
}

const NAME = 'oah'

export function createDesk({ store, sandbox }: Pick<Engine, 'store' | 'sandbox'>): Desk {
  let written: Promise<string> | null = null
  const write = async (): Promise<string> => {
    const { isolated } = await sandbox.runner.describe()
    const body: SharedPolicy = {
      permissions: isolated ? ALLOW_ALL : ASK_BEFORE_CHANGES,
      refusedTurns: null,
      askTimeoutMs: null,
      compaction: null,
      confinement: null,
    }
    await store.put({ kind: 'policy', key: NAME, body: { ...body } as never })
    return NAME
  }
  return {
    policy() {
      written ??= write().catch((error) => {
        written = null
        throw error
      })
      return written
    },
  }
}
