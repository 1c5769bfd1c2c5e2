/**
 * What agents call each other. Where names have a scope, as in `project.reviewer`, the agents of one
 * scope know each other by what stands behind it.
 */

import type { Agent } from '../kernel/agent.ts'

const scopeOf = ({ name }: Pick<Agent, 'name'>): string => name.slice(0, name.indexOf('.') + 1)

/** As a model is told it. */
export function nameFor(agent: Pick<Agent, 'name'>, other: string): string {
  const scope = scopeOf(agent)
  return scope !== '' && other.startsWith(scope) ? other.slice(scope.length) : other
}

/** The agent that a model means by a name, of those it may mean. */
export function meantBy(
  agent: Pick<Agent, 'name'>,
  said: string,
  allowed: readonly string[] | null,
): string {
  if (allowed === null || allowed.includes(said)) return said
  const sibling = scopeOf(agent) + said
  return allowed.includes(sibling) ? sibling : said
}
