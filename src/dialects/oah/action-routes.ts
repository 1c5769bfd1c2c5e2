/** Actions: a run of one is a call of its command, in a session that is there or in a new one. */

import type { Action } from '../../kernel/action.ts'
import type { Json } from '../../kernel/part.ts'
import type { Principal } from '../../kernel/ports.ts'
import type { Thread } from '../../kernel/thread.ts'
import { type Route, route } from '../../wire/dialect.ts'
import type { z } from '../../wire/schema.ts'
import type { ActionHint } from './action.ts'
import { definitionOf, leadAgent } from './agents.ts'
import { type Context, type Definition, originOf } from './context.ts'
import { refusal } from './faults.ts'
import { isWorkspaceId, runId, sessionId } from './id.ts'
import * as schema from './schema.ts'
import { sessionOf } from './scope.ts'
import { openSession } from './session-routes.ts'
import type { WorkspaceRecord } from './shelf.ts'
import { agentName } from './tool.ts'

const refused = { about: 'Refused', schema: schema.Refusal }
type Body = NonNullable<z.infer<typeof schema.ActionBody>>

export const actionRoutes = (context: Context): Route[] => [
  route({
    method: 'POST',
    path: '/api/v1/workspaces/{workspace}/actions/{action}/runs',
    summary: 'Run an action',
    tag: 'runs',
    owns: (path) => isWorkspaceId(path.workspace),
    body: schema.ActionBody,
    bodyOptional: true,
    answers: { 202: { about: 'Its run' }, 400: refused, 403: refused, 404: refused, 409: refused },
    handle: async ({ path, body = {}, principal }) => {
      const workspace = await context.shelf.get(principal, path.workspace as string)
      const definition = await definitionOf(context, workspace)
      const action = actionOf(definition, workspace, path.action as string, body)
      await checkInput(context, action, body.input ?? null)
      const place = { workspace, definition, action }
      return { status: 202, json: await runAction(context, principal, place, body) }
    },
  }),
]

function actionOf(
  { actions }: Definition,
  { id }: WorkspaceRecord,
  name: string,
  { triggerSource }: Body,
): Action {
  const action = actions.find((a) => a.name === name)
  if (!action)
    throw refusal(
      'not_found',
      'action_not_found',
      `Action ${name} was not found in workspace ${id}.`,
    )
  const isUser = triggerSource === 'user'
  if (isUser ? action.callableByUser : action.callableByApi) return action
  throw refusal(
    'forbidden',
    isUser ? 'action_not_callable_by_user' : 'action_not_callable_by_api',
    `Action ${name} cannot be triggered by ${isUser ? 'users' : 'API'}.`,
  )
}

async function checkInput({ settings }: Context, action: Action, input: Json): Promise<void> {
  const problem = await settings.inputProblem(action.inputSchema, input)
  if (problem !== null)
    throw refusal(
      'invalid',
      'action_input_invalid',
      `Input for action ${action.name} is invalid: ${problem}`,
    )
}

interface Place {
  workspace: WorkspaceRecord
  definition: Definition
  action: Action
}

async function runAction(context: Context, who: Principal, place: Place, body: Body) {
  const { definition, action } = place
  const { name } = action
  const thread = await sessionFor(context, who, place, body)
  const input = body.input ?? null
  const agent =
    body.agentName === undefined
      ? agentName(thread.agent)
      : leadAgent(context, place.workspace, definition, body.agentName).name
  const retryPolicy = action.retryPolicy ?? 'manual'
  const source = body.triggerSource ?? 'api'
  const hint: ActionHint = { name, retryPolicy, source, agent, input }
  const receipt = await context.engine.submit(thread.id, {
    do: 'submit',
    input: [],
    call: { tool: 'run_action', input: { name, input } },
    agent: definition.actionAgents[retryPolicy === 'safe' ? 'safe' : 'any'].name,
    busy: 'queue',
    origin: originOf(who, { action: { ...hint } }),
  })
  const run = runId(receipt.run as string)
  return { runId: run, status: 'queued', actionName: name, sessionId: sessionId(thread.id) }
}

async function sessionFor(
  context: Context,
  who: Principal,
  { workspace, definition, action }: Place,
  { sessionId: given, agentName: wanted }: Body,
): Promise<Thread> {
  if (given === undefined) {
    const agent = leadAgent(context, workspace, definition, wanted)
    const session = { title: `Action \u00b7 ${action.name}`, agentName: agent.name }
    return openSession(context, who, workspace.id, session)
  }
  const thread = await sessionOf(context, who, given)
  if (context.shelf.idOf(thread.workspace) === workspace.id) return thread
  throw refusal(
    'conflict',
    'session_workspace_mismatch',
    `Session ${given} does not belong to workspace ${workspace.id}.`,
  )
}
