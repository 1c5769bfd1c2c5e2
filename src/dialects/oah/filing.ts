/** What the routes of files do in a workspace, and how it is told. */

import { Readable } from 'node:stream'
import type { ByteStream, Workspace } from '../../kernel/workspace.ts'
import type { Reply } from '../../wire/dialect.ts'
import type { z } from '../../wire/schema.ts'
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
import { pageOf } from './page.ts'
import type * as schema from './schema.ts'

/** Where a request works: the files, and how their paths are shown. */
export interface Desk {
  id: string
  files: Workspace
  manner: Manner
}

export async function list(
  { id, files, manner }: Desk,
  query: z.infer<typeof schema.EntriesQuery>,
) {
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

export async function statOf({ files, manner }: Desk, given: string) {
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

export async function content(
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

export async function write({ files, manner }: Desk, body: z.infer<typeof schema.ContentBody>) {
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

export async function upload(
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

export async function download({ files }: Desk, given: string): Promise<Reply> {
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

export async function makeFolder(
  { files, manner }: Desk,
  body: z.infer<typeof schema.DirectoryBody>,
) {
  const path = inside(body.path)
  const options = { parents: body.createParents ?? true }
  const entry = await told('entry', path, () => files.mkdir(path, options))
  return entryResource(entry, manner)
}

export async function remove(
  { id, files, manner }: Desk,
  { path: given, recursive = false }: z.infer<typeof schema.DeleteQuery>,
) {
  const path = inside(given)
  const entry = await told('entry', path, () => files.remove(path, { recursive }))
  const type = entry.kind === 'directory' ? 'directory' : 'file'
  return { workspaceId: id, path: shownPath(path, manner), type, deleted: true }
}

export async function moveTo({ files, manner }: Desk, body: z.infer<typeof schema.MoveBody>) {
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
