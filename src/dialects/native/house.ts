/** What native tells of beside the engine: the rest of the server it is part of. */

import type { Caps } from '../../kernel/caps.ts'
import type { Jobs } from '../../kernel/jobs.ts'
import type { Guide } from '../../wire/guide.ts'
import type { Lens } from '../../wire/lens.ts'

export interface House {
  /** All dialects of the server, this one among them. */
  dialects(): Spoken[]
  jobs: Jobs
  caps: Caps
  /** An agent's files as they are written; null when nothing answers to the name. */
  source(agent: string): Promise<AgentSource | null>
  /** How commands are kept apart. */
  sandbox(): Promise<{ mode: string; isolated: boolean; notice: string | null }>
  /** The server's own token. `isNeeded`: every dialect wants a credential. */
  token: { file: string; isNeeded: boolean; value(): string }
  /** Ports of single dialects, by name. */
  ports(): Record<string, number>
  facts: { dataFolder: string; workspace: string }
}

/** An agent as it is written. */
export interface AgentSource {
  config: Record<string, unknown>
  soul: string
  isWritable: boolean
}

export interface Spoken {
  name: string
  about: string
  lens?: Lens
  guide?: Guide
}
