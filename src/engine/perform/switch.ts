/** Another agent goes on with a run, because a tool that was called says so. */

import { type Draft, draft } from '../../kernel/event.ts'
import { Fault } from '../../kernel/fault.ts'
import { activeRun, type Context, type Work } from '../context.ts'
import { modelFor } from './start.ts'

/** The fact that says so, or the Fault for an agent that nobody knows. */
export async function switchTo(
  context: Context,
  { live, agent: from }: Work,
  { turn, call }: { turn: number; call: string },
  name: string,
): Promise<Draft | Fault> {
  const agent = context.catalog.agent(name)
  if (!agent) return new Fault('unknown_agent', `There is no agent ${name} that could go on.`)
  const run = activeRun(live.state)
  const model = await modelFor(context, live.state, run, agent.model)
  const { revision } = agent
  return draft('run.switched', run.id, {
    ...{ turn, call, from: from.name, agent: name, model, revision },
  })
}
