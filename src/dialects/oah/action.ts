/** A run that is an action: what its request said, kept in the hints of the run, and told again. */

import type { Json } from '../../kernel/part.ts'
import { runId } from './id.ts'

export interface ActionHint {
  name: string
  retryPolicy: 'manual' | 'safe'
  source: 'api' | 'user'
  /** Who leads the session; an agent of the catalog's own does the work. */
  agent: string
  input: Json
}

/** Null for any other run. */
export function actionIn(hints: Json | undefined): ActionHint | null {
  if (typeof hints !== 'object' || hints === null || Array.isArray(hints)) return null
  const { action } = hints
  if (typeof action !== 'object' || action === null || Array.isArray(action)) return null
  const { name, retryPolicy, source, agent, input = null } = action
  if (typeof name !== 'string' || typeof agent !== 'string') return null
  return {
    ...{ name, agent, input },
    retryPolicy: retryPolicy === 'safe' ? 'safe' : 'manual',
    source: source === 'user' ? 'user' : 'api',
  }
}

export const actionCallId = (run: string, name: string): string =>
  `action-run:${runId(run)}:${name}`
