/**
 * Files of a workspace. The same routes twice: under `/sandboxes` with paths below `/workspace`, and
 * under `/workspaces` with relative paths. Whatever a path says, nothing outside the root is touched.
 */

import { Readable } from 'node:stream'
import type { Principal } from '../../kernel/ports.ts'
import type { ByteStream, Workspace } from '../../kernel/workspace.ts'
import { type Call, type Reply, type Route, route } from '../../wire/dialect.ts'
import type { z } from '../../wire/schema.ts'
import type { Context } from './context.ts'
import {
  absent,
  entryResource,
  inside,
  type Manner,
  mimeTypeOf,
  resolved,
  type ShownEntry,
  shownPath,
  told,
} from './entry.ts'
import { refusal } from './faults.ts'
import { isWorkspaceId } from './id.ts'
import { pageOf } from './page.ts'
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

/** Where a request works: the files, and how their paths are shown. */
interface Desk {
  id: string
  files: Workspace
  manner: Manner
}

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

async function list({ id, files, manner }: Desk, query: z.infer<typeof schema.EntriesQuery>) {
  const path = inside(query.path ?? '')
  const found = await told('directory', path, () => files.list(path))
  const shown = await Promise.all(found.map((entry) => resolved(files, entry)))
  const items = shown.map((entry) => entryResource(entry, manner))
  const page = pageOf(sorted(items, query), query)
  return { workspaceId: id, path: shownPath(path, manner), ...page }
}

function sorted(items: ShownEntry[], query: z.infer<typeof schema.EntriesQuery>): ShownEntry[] {
  const { sortBy = 'name', sortOrder = 'asc' } = query
  const sign = sortOrder === 'asc' ? 1 : -1
  const key = (entry: ShownEntry): string | number =>
    sortBy === 'sizeBytes' ? (entry.sizeBytes ?? -1) : entry[sortBy]
  return items.sort((a, b) => {
    const [x, y] = [key(a), key(b)]
    return sign * (x < y ? -1 : x > y ? 1 : 0) || (a.name < b.name ? -1 : 1)
  })
}

async function statOf({ files, manner }: Desk, given: string) {
  const path = inside(given)
  const entry = await told('entry', path, () => files.stat(path))
  return {
    kind: entry.kind,
    size: entry.size,
    mtimeMs: entry.mtimeMs,
    birthtimeMs: entry.birthtimeMs,
    path: shownPath(path, manner),
  }
}

async function content(
  { id, files, manner }: Desk,
  { path: given, encoding = 'utf8', maxBytes }: z.infer<typeof schema.ContentQuery>,
) {
  const path = inside(given)
  const options = maxBytes === undefined ? {} : { maxBytes }
  const piece = await readable(path, () => files.read(path, options))
  const { mimeType, etag, updatedAt, readOnly } = entryResource(piece.entry, manner)
  const { bytes, truncated } = piece
  return {
    workspaceId: id,
    path: shownPath(path, manner),
    encoding,
    content:
      encoding === 'base64'
        ? Buffer.from(bytes).toString('base64')
        : // A character that was cut in two is left out.
          new TextDecoder().decode(bytes, { stream: truncated }),
    truncated,
    sizeBytes: piece.entry.size,
    ...(mimeType === undefined ? {} : { mimeType }),
    etag,
    updatedAt,
    readOnly,
  }
}

/** A folder is no file, and so there is none. */
const readable = <T>(path: string, read: () => Promise<T>): Promise<T> =>
  told('file', path, read).catch((error) => {
    const code = error?.details?.oah?.code
    throw code === 'workspace_entry_conflict' ? absent('file', path || '.') : error
  })

async function write({ files, manner }: Desk, body: z.infer<typeof schema.ContentBody>) {
  const path = inside(body.path)
  const data = body.encoding === 'base64' ? fromBase64(body.content) : body.content
  const { overwrite, ifMatch } = body
  const { entry } = await told('entry', path, () => files.write(path, data, { overwrite, ifMatch }))
  return entryResource(entry, manner)
}

function fromBase64(text: string): Buffer {
  if (/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(text)) return Buffer.from(text, 'base64')
  throw refusal('invalid', 'invalid_request', 'The content is not base64.')
}

async function upload(
  { files, manner }: Desk,
  { path: given, ...options }: z.infer<typeof schema.UploadQuery>,
  raw: Readable,
) {
  const path = inside(given)
  const { entry } = await told('entry', path, () => files.write(path, whole(raw), options))
  return entryResource(entry, manner)
}

/** The body's bytes; one that breaks off is refused, so that no half file appears. */
async function* whole(raw: Readable): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of raw) yield chunk as Uint8Array
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === undefined) throw error
    throw refusal('invalid', 'invalid_request', 'The upload broke off before its end.')
  }
}

async function download({ files }: Desk, given: string): Promise<Reply> {
  const path = inside(given)
  const { entry, body } = await readable(path, () => files.stream(path))
  return {
    status: 200,
    type: mimeTypeOf(entry.name) ?? 'application/octet-stream',
    headers: {
      'Content-Length': String(entry.size),
      ETag: entry.etag,
      'Last-Modified': new Date(entry.mtimeMs).toUTCString(),
      'X-Content-Type-Options': 'nosniff',
      'Content-Disposition': `attachment; filename*=UTF-8''${encodeURIComponent(entry.name)}`,
    },
    bytes: Readable.from(exactly(body, entry.size), { objectMode: false }),
  }
}

/** As many bytes as were promised, also of a file that grows meanwhile. */
async function* exactly(body: ByteStream, size: number): AsyncGenerator<Uint8Array> {
  let left = size
  try {
    if (left === 0) return
    for await (const chunk of body) {
      yield chunk.length > left ? chunk.subarray(0, left) : chunk
      left -= chunk.length
      if (left <= 0) return
    }
    throw new Error('a file became shorter while it was read')
  } finally {
    body.destroy()
  }
}

async function makeFolder({ files, manner }: Desk, body: z.infer<typeof schema.DirectoryBody>) {
  const path = inside(body.path)
  const options = { parents: body.createParents ?? true }
  const entry = await told('entry', path, () => files.mkdir(path, options))
  return entryResource(entry, manner)
}

async function remove(
  { id, files, manner }: Desk,
  { path: given, recursive = false }: z.infer<typeof schema.DeleteQuery>,
) {
  const path = inside(given)
  const entry = await told('entry', path, () => files.remove(path, { recursive }))
  const type = entry.kind === 'directory' ? 'directory' : 'file'
  return { workspaceId: id, path: shownPath(path, manner), type, deleted: true }
}

async function moveTo({ files, manner }: Desk, body: z.infer<typeof schema.MoveBody>) {
  const source = inside(body.sourcePath)
  const target = inside(body.targetPath)
  const { overwrite = false } = body
  const isBelow = target === source || target.startsWith(`${source}/`)
  if (isBelow && target !== source)
    throw refusal('invalid', 'invalid_request', 'A folder cannot be moved into itself.')
  const entry = await told('entry', source, () => files.move(source, target, { overwrite })).catch(
    (error) => {
      const code = error?.details?.oah?.code
      throw code === 'workspace_entry_exists'
        ? refusal('conflict', code, `Path ${target} already exists.`)
        : error
    },
  )
  return entryResource(await resolved(files, entry), manner)
}
