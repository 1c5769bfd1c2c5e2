/** What is told when other agents work for a run, or go on with it. Pure. */

import type { EventOf } from '../../kernel/event.ts'
import { runId, sessionId } from './id.ts'
import { ofRun, type Said } from './said.ts'
import type { Speaking, Telling } from './telling.ts'
import { agentName } from './tool.ts'
import { toolStarted } from './turn-telling.ts'

/** A task that is given is a tool that begins, and a step of its own. */
export function delegated(
  state: Telling,
  run: Speaking,
  event: EventOf<'child.started'>,
): [Speaking, Said[]] {
  const { agent, thread, run: child } = event.data
  const [next, begun] = toolStarted(state, run, event)
  const targetAgent = agentName(agent)
  const said: Said = [
    'agent.delegate.started',
    {
      ...ofRun(state, run.run),
      agentName: run.agent,
      targetAgent,
      childSessionId: sessionId(thread),
      childRunId: runId(child),
    },
  ]
  const children = { ...run.children, [child]: targetAgent }
  return [{ ...next, steps: next.steps + 1, children }, [...begun, said]]
}

export function returned(state: Telling, parent: Speaking, event: EventOf<'child.ended'>): Said {
  const { thread, run, outcome, output } = event.data
  const facts = {
    ...ofRun(state, parent.run),
    agentName: parent.agent,
    targetAgent: parent.children[run] ?? '',
    childSessionId: sessionId(thread),
    childRunId: runId(run),
    childStatus: outcome,
  }
  if (outcome === 'completed') return ['agent.delegate.completed', { ...facts, output }]
  return ['agent.delegate.failed', { ...facts, errorMessage: output }]
}

/** The next turn is another agent's; what else is called in this one is still the old one's. */
export function switched(
  state: Telling,
  run: Speaking,
  { data }: EventOf<'run.switched'>,
): [Speaking, Said[]] {
  const facts = {
    ...ofRun(state, run.run),
    fromAgent: agentName(data.from),
    toAgent: agentName(data.agent),
  }
  const switchCount = run.switches + 1
  const successor = facts.toAgent
  return [
    { ...run, steps: run.steps + 1, switches: switchCount, successor },
    [
      ['agent.switch.requested', facts],
      ['agent.switched', { ...facts, switchCount }],
    ],
  ]
}
