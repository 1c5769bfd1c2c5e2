/** What is told of an event before it is numbered, and the facts that stand in many frames. */

import type { Event } from '../../kernel/event.ts'
import type { Json } from '../../kernel/part.ts'
import { type Data, iso } from './frame.ts'
import { runId, sessionId, stepId } from './id.ts'
import type { Speaking, Telling, Turn } from './telling.ts'

export type Said = [event: string, data: Data]

export const ofRun = (state: Telling, run: string): Data => ({
  runId: runId(run),
  sessionId: sessionId(state.thread),
})

export const agentOf = ({ isChild }: Telling, { agent }: Speaking): { [key: string]: Json } => ({
  agentName: agent,
  effectiveAgentName: agent,
  agentMode: isChild ? 'subagent' : 'primary',
})

export const metadataOf = (state: Telling, run: Speaking, turn: Turn): { [key: string]: Json } => ({
  ...agentOf(state, run),
  ...(turn.step === 0
    ? {}
    : { modelCallStepId: stepId(run.run, turn.step), modelCallStepSeq: turn.step }),
})

export interface Logged {
  level: 'info' | 'warn' | 'error'
  category: string
  message: string
  details?: object
}

export function log(
  state: Telling,
  event: Event,
  { level, category, message, details }: Logged,
): Said {
  const context = {
    sessionId: sessionId(state.thread),
    ...(event.run === null ? {} : { runId: runId(event.run) }),
  }
  const facts = details === undefined ? {} : { details: details as { [key: string]: Json } }
  const timestamp = iso(event.at)
  return [
    'engine.log',
    { level, category, message, ...facts, context, source: 'server', timestamp },
  ]
}
