/** A server that speaks OAH, and a client of it. For the scenarios. */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openWorkspaceCatalog, type WorkspaceCatalog } from '../../src/catalog/workspace-catalog.ts'
import { HOOK_FORM, REWRITING_HOOK_FORM } from '../../src/catalog/workspace-hook.ts'
import { native } from '../../src/dialects/native/index.ts'
import { hookForm, idOfFolder, type OahSettings, oah } from '../../src/dialects/oah/index.ts'
import { createServer } from '../../src/server/server.ts'
import { inputProblem } from '../../src/tools/action-input.ts'
import { frames, type SseFrame } from '../support/sse.ts'
import { openWorld, type World, type WorldOptions } from '../support/world.ts'

export type Json = Record<string, unknown>

export interface Answer<T = Json> {
  status: number
  headers: Headers
  body: T
}

export interface OahServer {
  world: World
  folder: string
  url: string
  logged: string[]
  ask<T = Json>(method: string, path: string, body?: unknown, headers?: object): Promise<Answer<T>>
  newWorkspace(more?: Json): Promise<string>
  newSession(workspace?: string, more?: Json): Promise<string>
  /** Says something and gives the receipt. */
  say(session: string, content: unknown, more?: Json): Promise<Json>
  /** The run when it has ended. */
  ended(run: string): Promise<Json>
  /** Frames of the session from a cursor on, up to the first that `isLast` likes. */
  stream(
    session: string,
    isLast: (frame: Told) => boolean,
    query?: string,
    headers?: Record<string, string>,
  ): Promise<Told[]>
  stop(erase?: boolean): Promise<void>
}

export interface Told {
  id: number
  event: string
  data: Json
}

export const script = (...turns: unknown[]): string => `script ${JSON.stringify(turns)}`

interface Options {
  world?: WorldOptions
  settings?: Partial<OahSettings>
}

export async function startOah({ world: given, settings }: Options = {}): Promise<OahServer> {
  const folder = given?.folder ?? mkdtempSync(join(tmpdir(), 'manifold-oah-'))
  const workspaces = join(folder, 'workspaces')
  mkdirSync(workspaces, { recursive: true })
  let definitions: WorkspaceCatalog | undefined
  const idOf = (root: string): string => idOfFolder(workspaces, root)
  const world = await openWorld({
    log: { warn() {}, error() {} },
    ...given,
    folder,
    settings: { drainMs: 100, ...given?.settings },
    hookForms: {
      [HOOK_FORM]: hookForm({ idOf, mayRewrite: false }),
      [REWRITING_HOOK_FORM]: hookForm({ idOf, mayRewrite: true }),
    },
    wrapCatalog: async (catalog, models) => {
      definitions = await openWorkspaceCatalog({ catalog, models, folder: workspaces, idOf })
      return definitions
    },
  })
  const logged: string[] = []
  const log = (fields: object, text?: string) => void logged.push(JSON.stringify([fields, text]))
  const facts = { version: '1.0.0', startedAt: Date.now(), now: Date.now }
  const dialect = oah(world.engine, {
    ...facts,
    workspaces,
    definitions,
    runtimes: join(folder, 'runtimes'),
    ownWorkspace: world.files,
    inputProblem,
    ...settings,
  })
  const server = createServer({
    engine: world.engine,
    dialects: [native(world.engine, facts), dialect],
    host: '127.0.0.1',
    port: 0,
    access: { tokens: { matches: () => false } },
    log: { debug() {}, info() {}, warn: log, error: log },
    graceMs: 200,
  })
  const { url } = await server.listen()
  return { ...clientOf(url), world, folder, url, logged, stop: (erase = true) => stop(erase) }

  async function stop(erase: boolean): Promise<void> {
    const told = server.close()
    await world.close(false)
    await told
    if (erase) rmSync(folder, { recursive: true, force: true })
  }
}

export function clientOf(url: string) {
  const ask: OahServer['ask'] = async <T = Json>(
    method: string,
    path: string,
    body?: unknown,
    headers: object = {},
  ): Promise<Answer<T>> => {
    const isJson = body !== undefined && !(body instanceof Uint8Array)
    const response = await fetch(url + path, {
      method,
      headers: { ...(isJson ? { 'Content-Type': 'application/json' } : {}), ...headers },
      ...(body === undefined
        ? {}
        : { body: isJson && typeof body !== 'string' ? JSON.stringify(body) : (body as string) }),
    })
    const text = await response.text()
    const type = response.headers.get('content-type') ?? ''
    return {
      status: response.status,
      headers: response.headers,
      body: (type.startsWith('application/json') && text !== '' ? JSON.parse(text) : text) as T,
    }
  }
  const must = async (method: string, path: string, body?: unknown): Promise<Json> => {
    const answer = await ask(method, path, body)
    if (answer.status >= 300) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  const newWorkspace = async (more: Json = {}): Promise<string> =>
    (await must('POST', '/api/v1/workspaces', { name: 'One', runtime: 'workspace', ...more }))
      .id as string
  return {
    ask,
    newWorkspace,
    newSession: async (workspace?: string, more: Json = {}): Promise<string> => {
      const id = workspace ?? (await newWorkspace())
      return (await must('POST', `/api/v1/workspaces/${id}/sessions`, more)).id as string
    },
    say: (session: string, content: unknown, more: Json = {}) =>
      must('POST', `/api/v1/sessions/${session}/messages`, { content, ...more }),
    ended: async (run: string): Promise<Json> => {
      for (;;) {
        const found = await must('GET', `/api/v1/runs/${run}`)
        if (found.endedAt !== undefined) return found
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
    stream: async (
      session: string,
      isLast: (frame: Told) => boolean,
      query = '',
      headers: Record<string, string> = {},
    ): Promise<Told[]> => {
      const path = `/api/v1/sessions/${session}/events${query}`
      const response = await fetch(url + path, { headers })
      if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
      const seen: Told[] = []
      for await (const frame of frames(response)) {
        if (frame.event === null) continue
        const told = toldOf(frame)
        seen.push(told)
        if (isLast(told)) return seen
      }
      throw new Error(`the stream ended after ${seen.map((f) => f.event).join(', ')}`)
    },
  }
}

const toldOf = (frame: SseFrame): Told => ({
  id: Number(frame.id),
  event: frame.event as string,
  data: JSON.parse(frame.data) as Json,
})

export const isEnd =
  (run?: unknown) =>
  (frame: Told): boolean =>
    /^run\.(completed|failed|cancelled)$/.test(frame.event) &&
    (run === undefined || frame.data.runId === run)
