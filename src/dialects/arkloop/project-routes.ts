/** Projects: made, listed, looked at, taken away. Threads that were filed under one stay. */

import type { Actor } from '../../kernel/accounts.ts'
import type { Context } from './context.ts'
import { notFound } from './faults.ts'
import {
  dropProject,
  type Project,
  projectIn,
  projectsOf,
  projectView,
  saveProject,
} from './project-record.ts'
import { type ArkRoute, ark, json, nothing } from './row.ts'
import { idIn } from './scope.ts'
import { ProjectBody } from './sharing-schema.ts'

export const projectRoutes = (context: Context): ArkRoute[] => [
  ark({
    method: 'GET',
    path: '/v1/projects',
    summary: 'Projects of the account',
    rule: { may: 'data.projects.read', about: 'none' },
    handle: async ({ actor }) =>
      json((await projectsOf(context.engine, actor.account)).map(projectView)),
  }),
  ark({
    method: 'POST',
    path: '/v1/projects',
    summary: 'Make a project',
    rule: { may: 'data.projects.manage', about: 'none' },
    body: ProjectBody,
    answers: 201,
    handle: async ({ actor, body }) => {
      const { engine, settings } = context
      const project: Project = {
        id: settings.newId(),
        account: actor.account,
        owner: actor.id,
        name: body.name,
        description: body.description ?? null,
        visibility: body.visibility ?? 'private',
        createdAt: settings.now(),
      }
      await saveProject(engine, project)
      return json(projectView(project), 201)
    },
  }),
  ark({
    method: 'GET',
    path: '/v1/projects/{project}',
    summary: 'A project',
    rule: { may: 'data.projects.read', about: 'project' },
    handle: async ({ actor, path }) => json(projectView(await find(context, actor, path))),
  }),
  ark({
    method: 'DELETE',
    path: '/v1/projects/{project}',
    summary: 'Take a project away; its threads stay',
    rule: { may: 'data.projects.manage', about: 'project' },
    answers: 204,
    handle: async ({ actor, path }) => {
      await dropProject(context.engine, await find(context, actor, path))
      return nothing
    },
  }),
]

async function find(
  { engine }: Context,
  actor: Actor,
  path: Record<string, string>,
): Promise<Project> {
  const project = await projectIn(engine, actor.account, idIn(path, 'project'))
  if (project) return project
  throw notFound('projects.not_found', 'project')
}
