/** Gathers what `next` must know that the log does not say: the agent, its policy, its grants. */

import type { Agent } from '../kernel/agent.ts'
import type { Nature, Rules } from '../kernel/next.ts'
import { type Judged, judge, READ_ONLY } from '../kernel/policy.ts'
import type { SharedPolicy, Tool } from '../kernel/ports.ts'
import type { Thread } from '../kernel/thread.ts'
import type { Call } from '../kernel/turn.ts'
import type { Context, Work } from './context.ts'

/** The agent of the active run, with its tools and the policy that rules on them. */
export type Equipment = Pick<Work, 'agent' | 'tools' | 'policy'>

/** Null when the agent is gone from the catalog. */
export async function equip(context: Context, thread: Thread): Promise<Equipment | null> {
  const agent = context.catalog.agent(thread.active?.agent ?? thread.agent)
  if (!agent) return null
  const { tools, problems } = await context.toolbox.open(agent)
  for (const problem of problems) context.log.warn({ agent: agent.name, problem }, 'tool server')
  const policy = await policyOf(context, thread)
  return { agent, tools: new Map(tools.map((t) => [t.name, t])), policy }
}

async function policyOf({ store, log }: Context, thread: Thread): Promise<SharedPolicy | null> {
  if (thread.policy === null) return null
  const policy = (await store.get('policy', thread.policy)) as SharedPolicy | null
  if (policy) return policy
  log.warn({ thread: thread.id, policy: thread.policy }, 'the policy is gone: nothing but reading')
  return LOST
}

/** In place of a policy that is gone: it may have forbidden anything. */
const LOST: SharedPolicy = {
  permissions: READ_ONLY,
  refusedTurns: null,
  askTimeoutMs: null,
  compaction: null,
  confinement: null,
}

export async function rulesFor(
  context: Context,
  thread: Thread,
  { agent, tools, policy }: Equipment,
): Promise<Rules> {
  const grants = await context.grants(agent.name)
  const permissions = policy?.permissions ?? agent.permissions
  return {
    now: context.clock(),
    limits: agent.limits,
    compaction: policy?.compaction ?? agent.compaction,
    contextWindow: windowOf(context, thread, agent),
    maxAttempts: context.settings.maxAttempts,
    refusedTurns: policy?.refusedTurns ?? null,
    unknownOutcome: agent.unknownOutcome,
    hooks: agent.hooks ?? [],
    judge: (call) =>
      judge(permissions, grants, aboutOf(call, tools.get(call.tool), thread.workspace)),
    nature: (name) => natureOf(tools.get(name)),
  }
}

const windowOf = (context: Context, thread: Thread, agent: Agent): number | null => {
  const model = thread.active?.model ?? thread.model ?? agent.model
  return model === null ? null : (context.models.card(model)?.contextWindow ?? null)
}

const aboutOf = (call: Call, tool: Tool | undefined, workspace: string): Judged => ({
  tool: call.tool,
  access: tool?.access ?? 'execute',
  subject: tool?.subject(call.input, workspace) ?? '',
})

const natureOf = (tool: Tool | undefined): Nature | null =>
  tool ? { kind: tool.kind, readOnly: tool.readOnly, replayable: tool.replayable } : null
