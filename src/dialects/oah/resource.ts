/** Resources as clients read them. What is not known is left out, never null. */

import { resolve } from 'node:path'
import type { Json } from '../../kernel/part.ts'
import type { ToolFace } from '../../kernel/ports.ts'
import type { ThreadRow } from '../../kernel/rows.ts'
import type { Thread } from '../../kernel/thread.ts'
import type { Chronicle } from './chronicle.ts'
import { type Context, subjectOf } from './context.ts'
import { iso } from './frame.ts'
import { inputMessageId, runId, sessionId, stepId } from './id.ts'
import { refOf } from './models.ts'
import type { MessageRecord, RunRecord, StepRecord } from './record.ts'
import type { WorkspaceRecord } from './shelf.ts'
import { agentName, toolName, toolSource } from './tool.ts'

interface Shown {
  [key: string]: Json | Shown | undefined
}

export const workspaceResource = (w: WorkspaceRecord) => ({
  id: w.id,
  externalRef: w.externalRef,
  ownerId: w.ownerId,
  name: w.name,
  runtime: w.runtime,
  serviceName: w.serviceName,
  rootPath: w.root,
  executionPolicy: w.executionPolicy,
  status: 'active',
  kind: 'project',
  readOnly: false,
  createdAt: iso(w.createdAt),
  updatedAt: iso(w.updatedAt),
})

export const sandboxResource = (w: WorkspaceRecord) => ({
  id: w.id,
  workspaceId: w.id,
  provider: 'embedded',
  executionModel: 'local_embedded',
  workerPlacement: 'api_process',
  rootPath: '/workspace',
  name: w.name,
  kind: 'project',
  externalRef: w.externalRef,
  ownerId: w.ownerId,
  executionPolicy: w.executionPolicy,
  createdAt: iso(w.createdAt),
  updatedAt: iso(w.updatedAt),
})

interface SessionFacts {
  row: ThreadRow
  workspaceId: string
  hints: Record<string, unknown>
}

export const sessionResource = ({ row, workspaceId, hints }: SessionFacts): Shown => ({
  id: sessionId(row.id),
  workspaceId,
  parentSessionId: row.parentThread === null ? undefined : sessionId(row.parentThread),
  subjectRef: subjectOf(row.principal),
  modelRef: row.model === null ? undefined : refOf(row.model, workspaceId),
  agentName: typeof hints.agentName === 'string' ? hints.agentName : undefined,
  activeAgentName: agentName(row.agent),
  title: row.title ?? undefined,
  status: 'active',
  lastRunAt: row.runs > 0 ? iso(row.updatedAt) : undefined,
  createdAt: iso(row.openedAt),
  updatedAt: iso(row.updatedAt),
})

export const messageResource = (thread: string, m: MessageRecord) => ({
  id: m.id,
  sessionId: sessionId(thread),
  runId: m.run === null ? undefined : runId(m.run),
  role: m.role,
  content: m.content,
  metadata: m.metadata,
  createdAt: iso(m.at),
})

/** What was said and read, then what waits to be read. */
export const allMessages = (chronicle: Chronicle): MessageRecord[] => [
  ...chronicle.messages,
  ...chronicle.waiting.values(),
]

function triggerOf(
  run: RunRecord,
  chronicle: Chronicle,
): { triggerType: string; triggerRef: string } {
  if (run.kind === 'compact') return { triggerType: 'system', triggerRef: 'compact' }
  if (run.action) {
    const { name, source } = run.action
    return { triggerType: source === 'user' ? 'manual_action' : 'api_action', triggerRef: name }
  }
  if (chronicle.isChild) return { triggerType: 'system', triggerRef: 'agent.delegate' }
  return { triggerType: 'message', triggerRef: inputMessageId(run.id) }
}

const time = (at: number | null): string | undefined => (at === null ? undefined : iso(at))

export function runResource(
  run: RunRecord,
  chronicle: Chronicle,
  context: Context,
  thread: Thread,
): Shown {
  const agent = run.successor ?? run.agent ?? agentName(thread.agent)
  const parent = chronicle.parentRun
  return {
    id: runId(run.id),
    workspaceId: context.shelf.idOf(resolve(thread.workspace)),
    sessionId: sessionId(chronicle.thread),
    parentRunId: parent === null ? undefined : runId(parent),
    initiatorRef: subjectOf(run.principal),
    ...triggerOf(run, chronicle),
    agentName: run.first ?? agent,
    effectiveAgentName: agent,
    switchCount: run.switches,
    status: run.status,
    cancelRequestedAt: time(run.cancelRequestedAt),
    startedAt: time(run.startedAt),
    heartbeatAt: time(run.heartbeatAt),
    endedAt: time(run.endedAt),
    createdAt: iso(run.createdAt),
    errorCode: run.errorCode ?? undefined,
    errorMessage: run.errorMessage ?? undefined,
    metadata: metadataOf(run),
  }
}

function metadataOf({ action, result, children }: RunRecord): Shown | undefined {
  if (action) {
    const { exitCode, stdout, stderr } = result ?? {}
    return { actionName: action.name, input: action.input, exitCode, stdout, stderr }
  }
  return children.length > 0 ? { delegatedRuns: children } : undefined
}

export const stepResource = (
  run: RunRecord,
  step: StepRecord,
  input: { [key: string]: Json } | undefined,
): Shown => ({
  id: stepId(run.id, step.seq),
  runId: runId(run.id),
  seq: step.seq,
  stepType: step.type,
  name: step.name,
  agentName: step.agent,
  status: step.status,
  input: input ?? step.input ?? undefined,
  output: step.output ?? undefined,
  startedAt: iso(step.startedAt),
  endedAt: time(step.endedAt),
})

/** What a model is offered besides the conversation. */
interface Offered {
  instructions: string | null
  tools: { [key: string]: Json }[]
  /** Names of tool servers; their tools are known when they are started. */
  servers: string[]
  workspace: string
}

/** What the model of a step was asked: its instructions, and the conversation as it was then. */
export function requestOf(
  step: StepRecord,
  chronicle: Chronicle,
  facts: Offered,
): { [key: string]: Json } | undefined {
  if (step.prompt === null) return undefined
  const said = chronicle.messages.slice(0, step.prompt.messages)
  const from = said.findLastIndex((m) => m.metadata?.runtimeKind === 'compact_boundary')
  const messages = said
    .slice(Math.max(0, from))
    .filter((m) => m.metadata?.eligibleForModelContext !== false)
    .map((m): Json => ({ role: m.role, content: m.content }))
  const system =
    facts.instructions === null ? [] : [{ role: 'system', content: facts.instructions }]
  const names = facts.tools.map((tool) => tool.name as string)
  return {
    request: {
      model: step.name,
      canonicalModelRef: refOf(step.name, facts.workspace),
      provider: step.name.split(':')[0] ?? '',
      messages: [...system, ...messages],
    },
    runtime: {
      messageCount: messages.length,
      activeToolNames: names,
      engineToolNames: names,
      engineTools: facts.tools,
      toolServers: facts.servers,
    },
  }
}

/** The tools that a model was offered, as OAH tells them. */
export const shownTools = (tools: readonly ToolFace[]): { [key: string]: Json }[] =>
  tools.map(({ name, about, input }) => ({
    name: toolName(name),
    description: about,
    retryPolicy: toolSource(name).retryPolicy,
    inputSchema: input,
  }))
