/** Runtimes, under their two names: list, add one, delete one. */

import { type Route, route } from '../../wire/dialect.ts'
import { MAX_ARCHIVE_BYTES } from './archive.ts'
import { refusal } from './faults.ts'
import type { Runtimes } from './runtime.ts'
import * as schema from './schema.ts'

const tag = 'workspaces'
const refused = { about: 'Refused', schema: schema.Refusal }

export const runtimeRoutes = (runtimes: Runtimes): Route[] =>
  ['runtimes', 'blueprints'].flatMap((name) => routesAt(runtimes, name))

function routesAt(runtimes: Runtimes, name: string): Route[] {
  return [
    route({
      method: 'GET',
      path: `/api/v1/${name}`,
      summary: 'Templates that a workspace can begin as',
      tag,
      answers: { 200: { about: 'Their names' } },
      handle: async () => {
        const items = (await runtimes.names()).map((n) => ({ name: n }))
        return { status: 200, json: { items } }
      },
    }),
    route({
      method: 'POST',
      path: `/api/v1/${name}/upload`,
      summary: 'Add a template from a zip archive, the bytes of the body',
      tag,
      rawBody: true,
      query: schema.RuntimeUploadQuery,
      answers: { 201: { about: 'It is there' }, 400: refused, 409: refused, 413: refused },
      handle: async ({ query, raw }) => {
        const archive = await bytesOf(raw)
        await runtimes.put(query.name, archive, { overwrite: query.overwrite ?? false })
        return { status: 201, json: { name: query.name } }
      },
    }),
    route({
      method: 'DELETE',
      path: `/api/v1/${name}/{runtime}`,
      summary: 'Delete a template; workspaces that began as it stay',
      tag,
      answers: { 204: { about: 'It is gone' }, 404: refused },
      handle: async ({ path }) => {
        await runtimes.remove(path.runtime as string)
        return { status: 204, empty: true }
      },
    }),
  ]
}

async function bytesOf(raw: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of raw) {
    size += chunk.length
    if (size > MAX_ARCHIVE_BYTES)
      throw refusal(
        'too_large',
        'payload_too_large',
        `The archive is larger than ${MAX_ARCHIVE_BYTES} bytes.`,
      )
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
