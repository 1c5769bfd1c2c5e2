/**
 * Files of a workspace. The same routes twice: under `/sandboxes` with paths below `/workspace`, and
 * under `/workspaces` with relative paths. Whatever a path says, nothing outside the root is touched.
 */

import type { Principal } from '../../kernel/ports.ts'
import type { Workspace } from '../../kernel/workspace.ts'
import { type Call, type Reply, type Route, route } from '../../wire/dialect.ts'
import type { Context } from './context.ts'
import type { Manner } from './entry.ts'
import {
  content,
  type Desk,
  download,
  list,
  makeFolder,
  moveTo,
  remove,
  statOf,
  upload,
  write,
} from './filing.ts'
import { isWorkspaceId } from './id.ts'
import * as schema from './schema.ts'
import { onlyHere } from './server-routes.ts'

const tag = 'sandboxes'
const refused = { about: 'Refused', schema: schema.Refusal }
const answers = { 200: { about: 'Done' }, 400: refused, 403: refused, 404: refused, 409: refused }

interface Mount {
  base: string
  manner: Manner
  isInternal: boolean
}

export const fileRoutes = (context: Context): Route[] =>
  ['/api/v1', '/internal/v1'].flatMap((prefix) => {
    const isInternal = prefix !== '/api/v1'
    return [
      ...filesAt(context, {
        base: `${prefix}/sandboxes/{workspace}`,
        manner: 'sandbox',
        isInternal,
      }),
      ...filesAt(context, {
        base: `${prefix}/workspaces/{workspace}`,
        manner: 'workspace',
        isInternal,
      }),
    ]
  })

type FileCall = Pick<Call, 'path' | 'principal' | 'peer'>

/** The workspace of a request, open. */
export async function openFiles(
  { shelf, engine }: Context,
  who: Principal,
  id: string,
): Promise<Workspace> {
  const { root } = await shelf.get(who, id)
  return engine.sandbox.openWorkspace(root)
}

function filesAt(context: Context, { base, manner, isInternal }: Mount): Route[] {
  const owns = (path: Record<string, string>): boolean => isWorkspaceId(path.workspace)
  const desk = async (call: FileCall): Promise<Desk> => {
    if (isInternal) onlyHere(call)
    const id = call.path.workspace as string
    return { id, files: await openFiles(context, call.principal, id), manner }
  }
  const isSandbox = manner === 'sandbox'
  const entries = isSandbox ? `${base}/files/entries` : `${base}/entries`
  const entry = isSandbox ? `${base}/files/entry` : `${base}/entries`
  const move = isSandbox ? `${base}/files/move` : `${base}/entries/move`
  const row = { tag, owns, answers }
  const stat = route({
    ...row,
    method: 'GET',
    path: `${base}/files/stat`,
    summary: 'Facts of a file or folder',
    query: schema.PathQuery,
    handle: async (call) => ok(await statOf(await desk(call), call.query.path)),
  })
  return [
    route({
      ...row,
      method: 'GET',
      path: entries,
      summary: 'What is in a folder',
      query: schema.EntriesQuery,
      handle: async (call) => ok(await list(await desk(call), call.query)),
    }),
    ...(isSandbox ? [stat] : []),
    route({
      ...row,
      method: 'GET',
      path: `${base}/files/content`,
      summary: 'A file as text or base64',
      query: schema.ContentQuery,
      handle: async (call) => ok(await content(await desk(call), call.query)),
    }),
    route({
      ...row,
      method: 'PUT',
      path: `${base}/files/content`,
      summary: 'Write a file',
      body: schema.ContentBody,
      handle: async (call) => ok(await write(await desk(call), call.body)),
    }),
    route({
      ...row,
      method: 'PUT',
      path: `${base}/files/upload`,
      summary: 'Write a file of any size from the bytes of the body',
      query: schema.UploadQuery,
      rawBody: true,
      handle: async (call) => ok(await upload(await desk(call), call.query, call.raw)),
    }),
    route({
      ...row,
      method: 'GET',
      path: `${base}/files/download`,
      summary: "A file's bytes",
      query: schema.PathQuery,
      handle: async (call) => download(await desk(call), call.query.path),
    }),
    route({
      ...row,
      method: 'POST',
      path: `${base}/directories`,
      summary: 'Make a folder; one that is there stays as it is',
      body: schema.DirectoryBody,
      answers: { ...answers, 201: { about: 'It is there' } },
      handle: async (call) => ({
        status: 201,
        json: await makeFolder(await desk(call), call.body),
      }),
    }),
    route({
      ...row,
      method: 'DELETE',
      path: entry,
      summary: 'Delete a file, or a folder; a filled one only with recursive=true',
      query: schema.DeleteQuery,
      handle: async (call) => ok(await remove(await desk(call), call.query)),
    }),
    route({
      ...row,
      method: 'PATCH',
      path: move,
      summary: 'Move a file or a folder',
      body: schema.MoveBody,
      handle: async (call) => ok(await moveTo(await desk(call), call.body)),
    }),
  ]
}

const ok = (json: unknown): Reply => ({ status: 200, json })
