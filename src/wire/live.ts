/**
 * Runs a stream that is not one thread's log. It may write when it likes; what a slow reader has
 * not taken is bounded, and `drained` is there for those who would rather wait.
 */

import type { Running } from './feed.ts'
import { Outlet, type Sink, type Stage } from './outlet.ts'
import type { Live } from './projection.ts'

export function runLive(live: Live, sink: Sink, stage: Stage): Running {
  let leave: (() => void) | null = null
  const outlet: Outlet = new Outlet(sink, stage, {
    heartbeat: live.heartbeat,
    goodbye: (reason) => live.goodbye?.(reason) ?? '',
    over: () => {
      leave?.()
      leave = null
    },
  })
  try {
    const left = live.open({
      write: (text) => outlet.put([text]),
      drained: () => outlet.drained(),
      close: () => outlet.finish(),
    })
    if (outlet.isOver) left()
    else leave = left
  } catch (error) {
    stage.onBug(error)
    outlet.close('failed')
  }
  return {
    close: (goodbye) => (goodbye ? outlet.close(goodbye) : outlet.gone()),
  }
}
