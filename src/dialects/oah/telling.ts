/** What the stream's fold remembers: the numbering, the queue, and the turn that is being said. */

import type { RunKind, Stop, Trouble } from '../../kernel/event.ts'
import type { Json } from '../../kernel/part.ts'
import type { ActionHint } from './action.ts'

export interface Telling {
  thread: string
  /** The number of the next frame. */
  next: number
  isChild: boolean
  queue: Waiting[]
  run: Speaking | null
}

export interface Waiting {
  run: string
  kind: RunKind
  action: ActionHint | null
  /** As clients are told; made once, because a queue is told again whenever it changes. */
  item: { runId: string; messageId: string; content: string; createdAt: string }
  /** It stood behind another run, so that clients were told that it waits. */
  isTold: boolean
}

export interface Speaking {
  run: string
  /** Who goes on with it, as its workspace calls it. */
  agent: string
  /** Who will, from the next turn on. */
  successor: string | null
  switches: number
  action: ActionHint | null
  /** Steps of the run up to now. */
  steps: number
  turn: Turn | null
  /** Runs that it has given tasks to, with their agents. */
  children: Record<string, string>
}

export interface Turn {
  index: number
  /** Of its model call; 0 where no model is called. */
  step: number
  parts: Spoken[]
  calls: SpokenCall[]
  /** Characters that clients have seen of a turn that is told in snapshots. */
  shown: number
}

export interface SpokenCall {
  call: string
  tool: string
  part: number
  input: Json
  isStarted: boolean
  /** Why a hook has stopped it. */
  blocked: string | null
}

export interface Spoken {
  part: number
  kind: 'text' | 'thinking'
  text: string
}

export const emptyTelling = (thread: string): Telling => ({
  thread,
  next: 0,
  isChild: false,
  queue: [],
  run: null,
})

/** The turn with more of a part said. */
export function say(turn: Turn, part: number, kind: Spoken['kind'], text: string): Turn {
  const parts = turn.parts.slice()
  const at = parts.findLastIndex((p) => p.part === part)
  const spoken = parts[at]
  if (spoken) parts[at] = { ...spoken, text: spoken.text + text }
  else parts.push({ part, kind, text })
  return { ...turn, parts }
}

export const charsOf = (turn: Turn): number => turn.parts.reduce((n, p) => n + p.text.length, 0)

export const hasThinking = (turn: Turn): boolean => turn.parts.some((p) => p.kind === 'thinking')

/**
 * Snapshots repeat all that was said, so they are told when there is a thirty-second more of it: the
 * reader keeps up, and the stream grows with the text and not with its square.
 */
export const isWorthShowing = (turn: Turn): boolean =>
  charsOf(turn) - turn.shown >= Math.max(1, Math.floor(turn.shown / 32))

const FINISH: Record<Stop, string> = {
  end: 'stop',
  calls: 'tool-calls',
  length: 'length',
  filter: 'content-filter',
  sequence: 'stop',
  other: 'other',
}

export const finishReason = (stop: Stop): string => FINISH[stop]

/** How a run ended, in OAH's words. */
export function endOf(
  outcome: 'completed' | 'failed' | 'cancelled',
  stop: string,
  trouble: Trouble | undefined,
  action: ActionHint | null = null,
): { status: string; errorCode?: string; errorMessage?: string } {
  if (outcome !== 'failed') return { status: outcome }
  return {
    status: stop === 'time' ? 'timed_out' : 'failed',
    errorCode: endCode(stop, trouble, action),
    errorMessage: trouble?.message ?? 'The run failed.',
  }
}

/** OAH has one word for every failure of a model; what it was exactly is in the `engine.log`. */
function endCode(stop: string, trouble: Trouble | undefined, action: ActionHint | null): string {
  if (stop === 'time') return 'run_timed_out'
  if (action) return 'action_failed'
  if (trouble?.code === 'unknown_agent') return 'agent_not_found'
  return stop === 'error' || !trouble ? 'model_stream_failed' : trouble.code
}
