/** Actions: found and checked as promised; running one outside a model's turn is not there yet. */

import { type Route, route } from '../../wire/dialect.ts'
import { definitionOf } from './agents.ts'
import type { Context } from './context.ts'
import { refusal } from './faults.ts'
import { isWorkspaceId } from './id.ts'
import * as schema from './schema.ts'

const refused = { about: 'Refused', schema: schema.Refusal }

export const actionRoutes = (context: Context): Route[] => [
  route({
    method: 'POST',
    path: '/api/v1/workspaces/{workspace}/actions/{action}/runs',
    summary: 'Run an action: not served yet',
    tag: 'runs',
    owns: (path) => isWorkspaceId(path.workspace),
    body: schema.ActionBody,
    answers: { 403: refused, 404: refused, 501: refused },
    handle: async ({ path, body, principal }) => {
      const workspace = await context.shelf.get(principal, path.workspace as string)
      const { actions } = await definitionOf(context, workspace)
      const name = path.action as string
      const action = actions.find((a) => a.name === name)
      if (!action)
        throw refusal(
          'not_found',
          'action_not_found',
          `Action ${name} was not found in workspace ${workspace.id}.`,
        )
      const isUser = body.triggerSource === 'user'
      if (isUser ? !action.callableByUser : !action.callableByApi)
        throw refusal(
          'forbidden',
          isUser ? 'action_not_callable_by_user' : 'action_not_callable_by_api',
          `Action ${name} cannot be triggered by ${isUser ? 'users' : 'API'}.`,
        )
      throw refusal(
        'unsupported',
        'action_runs_unavailable',
        'Actions cannot be run through this API yet. Run the command of the action instead.',
        501,
      )
    },
  }),
]
