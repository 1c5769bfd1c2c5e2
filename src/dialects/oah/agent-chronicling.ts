/** What other agents and hooks add to a run: a step each. */

import type { EventOf } from '../../kernel/event.ts'
import type { Chronicle } from './chronicle.ts'
import { hookEvent } from './hook.ts'
import { runId, sessionId } from './id.ts'
import type { RunRecord } from './record.ts'
import { addDone, addStep } from './step.ts'
import { agentName } from './tool.ts'
import { toolStarted, turnOf } from './turn-chronicling.ts'

/** A task that is given is a tool that begins, and a step of its own. */
export function delegated(
  chronicle: Chronicle,
  run: RunRecord,
  { data, at }: EventOf<'child.started'>,
): void {
  toolStarted(chronicle, run, data.call, at)
  const facts = {
    childRunId: runId(data.run),
    childSessionId: sessionId(data.thread),
    targetAgentName: agentName(data.agent),
    parentAgentName: run.agent ?? '',
  }
  run.children.push(facts)
  addStep(run, {
    ...{ type: 'agent_delegate', name: facts.targetAgentName, startedAt: at },
    input: { ...facts, task: data.task },
  })
}

export function returned(run: RunRecord, { data, at }: EventOf<'child.ended'>): void {
  const child = runId(data.run)
  const step = run.steps.findLast((s) => s.input?.childRunId === child)
  if (!step) return
  step.status = data.outcome
  step.endedAt = at
  step.output = { childStatus: data.outcome, output: data.output }
}

export function switched(run: RunRecord, { data, at }: EventOf<'run.switched'>): void {
  const toAgent = agentName(data.agent)
  run.successor = toAgent
  run.model = data.model
  run.switches++
  const output = { fromAgent: agentName(data.from), toAgent, switchCount: run.switches }
  addDone(run, { type: 'agent_switch', name: toAgent, output }, at)
}

export function hooked(
  chronicle: Chronicle,
  run: RunRecord,
  { data, at }: EventOf<'hook.ended'>,
): void {
  const call = turnOf(chronicle, run)?.calls.find((c) => c.call === data.call)
  if (call && data.input !== undefined) call.input = data.input
  const { outcome, reason, durationMs } = data
  const input = { eventName: hookEvent(data.moment), handlerType: data.handler ?? 'command' }
  const output = { outcome, durationMs, ...(reason === undefined ? {} : { reason }) }
  const status = outcome === 'passed' ? 'completed' : 'failed'
  addDone(run, { type: 'hook', name: data.hook, status, input, output }, at)
}
