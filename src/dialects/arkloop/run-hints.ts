/** What runs were asked for with, read from the event that created them. It never changes, so it is kept. */

import type { Event } from '../../kernel/event.ts'
import type { Engine } from '../../kernel/ports.ts'
import type { RunRow } from '../../kernel/rows.ts'
import { Recent } from '../../wire/recent.ts'
import { hintsIn, type RunHints } from './hints.ts'

const MAX_KEPT = 2000

export interface HintBook {
  of(run: RunRow): Promise<RunHints | null>
}

export function createHintBook({ store }: Pick<Engine, 'store'>): HintBook {
  const kept = new Recent<RunHints | null>(MAX_KEPT)
  return {
    async of(run) {
      if (run.dialect !== 'arkloop') return null
      const known = kept.get(run.id)
      if (known !== undefined) return known
      const [event]: Event[] = await store.read(run.thread, run.firstSeq - 1, 1)
      const hints = event?.type === 'run.created' ? hintsIn<RunHints>(event.data.origin) : null
      kept.set(run.id, hints)
      return hints
    },
  }
}
