/** What is told of hooks: that one failed or stopped something, and what it made of a call. Pure. */

import type { EventOf } from '../../kernel/event.ts'
import { hookEvent } from './hook.ts'
import { ofRun, type Said } from './said.ts'
import type { Speaking, Telling } from './telling.ts'

export function hooked(
  state: Telling,
  run: Speaking,
  { data }: EventOf<'hook.ended'>,
): [Speaking, Said[]] {
  const { turn } = run
  const blocked = data.outcome === 'blocked' ? (data.reason ?? '') : null
  const calls = turn?.calls.map((c) =>
    c.call === data.call ? { ...c, blocked, input: data.input ?? c.input } : c,
  )
  const next = { ...run, steps: run.steps + 1, turn: turn && { ...turn, calls: calls ?? [] } }
  // A call that was stopped says so itself.
  const isSaid = data.outcome === 'passed' || (blocked !== null && data.call !== null)
  return [next, isSaid ? [] : [notice(state, run, data)]]
}

const notice = (state: Telling, run: Speaking, data: EventOf<'hook.ended'>['data']): Said => [
  'hook.notice',
  {
    ...ofRun(state, run.run),
    hookName: data.hook,
    eventName: hookEvent(data.moment),
    handlerType: data.handler ?? 'command',
    errorCode: data.outcome === 'blocked' ? 'hook_blocked' : 'hook_execution_failed',
    errorMessage: data.reason ?? '',
  },
]
