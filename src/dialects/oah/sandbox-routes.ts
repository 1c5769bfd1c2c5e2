/** Sandboxes: the live side of a workspace, and commands in it, always through the runner. */

import { join } from 'node:path'
import type { Principal } from '../../kernel/ports.ts'
import type { Exit, RunSpec, Workspace } from '../../kernel/workspace.ts'
import { type Call, type Route, route } from '../../wire/dialect.ts'
import type { z } from '../../wire/schema.ts'
import type { Context } from './context.ts'
import { absent, inside, ROOT, told } from './entry.ts'
import { noWorkspace, refusal } from './faults.ts'
import { openFiles } from './file-routes.ts'
import { isWorkspaceId } from './id.ts'
import { sandboxResource } from './resource.ts'
import type { Runtimes } from './runtime.ts'
import * as schema from './schema.ts'
import { onlyHere } from './server-routes.ts'
import type { WorkspaceRecord } from './shelf.ts'
import { makeWorkspace } from './workspace-routes.ts'

const tag = 'sandboxes'
const refused = { about: 'Refused', schema: schema.Refusal }
const owns = (path: Record<string, string>): boolean => isWorkspaceId(path.sandbox)
const answers = { 200: { about: 'How it went' }, 400: refused, 404: refused, 408: refused }

const MAX_OUTPUT_BYTES = 8 * 1024 * 1024
/** A foreground command ends with its request anyway; this ends the ones whose client never leaves. */
const LONGEST_MS = 3_600_000

export const sandboxRoutes = (context: Context, runtimes: Runtimes): Route[] =>
  ['/api/v1', '/internal/v1'].flatMap((prefix) => {
    const check = (call: Pick<Call, 'peer'>): void => {
      if (prefix !== '/api/v1') onlyHere(call)
    }
    return [
      ...openingAt(context, runtimes, { prefix, check }),
      ...commandsAt(context, `${prefix}/sandboxes/{sandbox}/commands`, check),
    ]
  })

interface Mount {
  prefix: string
  check(call: Pick<Call, 'peer'>): void
}

function openingAt(context: Context, runtimes: Runtimes, { prefix, check }: Mount): Route[] {
  return [
    route({
      method: 'POST',
      path: `${prefix}/sandboxes`,
      summary: 'Open the sandbox of a workspace, or make both',
      tag,
      body: schema.NewSandbox,
      answers: { 200: { about: 'It was there' }, 201: { about: 'It was made' }, 404: refused },
      handle: async (call) => {
        check(call)
        const { record, isNew } = await openSandbox(context, runtimes, call.principal, call.body)
        return { status: isNew ? 201 : 200, json: sandboxResource(record) }
      },
    }),
    route({
      method: 'GET',
      path: `${prefix}/sandboxes/{sandbox}`,
      summary: 'One sandbox',
      tag,
      owns,
      answers: { 200: { about: 'The sandbox' }, 404: refused },
      handle: async (call) => {
        check(call)
        const record = await context.shelf.get(call.principal, call.path.sandbox as string)
        return { status: 200, json: sandboxResource(record) }
      },
    }),
  ]
}

async function openSandbox(
  context: Context,
  runtimes: Runtimes,
  who: Principal,
  wanted: z.infer<typeof schema.NewSandbox>,
): Promise<{ record: WorkspaceRecord; isNew: boolean }> {
  const { workspaceId: id, rootPath, name, runtime, ...labels } = wanted
  const existing = id === undefined ? null : await context.shelf.get(who, id).catch(() => null)
  if (existing) return { record: checkOwner(existing, labels.ownerId), isNew: false }
  if (name !== undefined && runtime !== undefined) {
    if (id !== undefined && !/^ws_[0-9a-f]{32}$/.test(id)) throw noWorkspace(id)
    const place = { ...(id === undefined ? {} : { id }), ...(rootPath ? { rootPath } : {}) }
    const record = await makeWorkspace(context, runtimes, who, {
      name,
      runtime,
      ...labels,
      ...place,
    })
    return { record, isNew: true }
  }
  if (rootPath === undefined) throw noWorkspace(id as string)
  const named = name === undefined ? labels : { ...labels, name }
  return { record: await context.shelf.adopt(who, rootPath, named), isNew: true }
}

function checkOwner(record: WorkspaceRecord, owner: string | undefined): WorkspaceRecord {
  if (owner === undefined || owner === record.ownerId) return record
  const why = record.ownerId === undefined ? 'has no owner' : 'has another owner'
  throw refusal(
    'conflict',
    'workspace_owner_mismatch',
    `Workspace ${record.id} ${why} and cannot be reopened with owner ${owner}.`,
  )
}

function commandsAt(context: Context, base: string, check: Mount['check']): Route[] {
  const files = (call: Pick<Call, 'path' | 'principal' | 'peer'>): Promise<Workspace> => {
    check(call)
    return openFiles(context, call.principal, call.path.sandbox as string)
  }
  return [
    route({
      method: 'POST',
      path: `${base}/foreground`,
      summary: 'Run a shell command and wait for it',
      tag,
      owns,
      body: schema.ForegroundBody,
      answers,
      handle: async (call) => {
        const { command, ...rest } = call.body
        const { signal } = call
        return finished(await run(context, await files(call), { ...rest, command, signal }))
      },
    }),
    route({
      method: 'POST',
      path: `${base}/process`,
      summary: 'Run a program and wait for it',
      tag,
      owns,
      body: schema.ProcessBody,
      answers,
      handle: async (call) => {
        const { executable, args = [], ...rest } = call.body
        const command = { file: executable, args }
        const { signal } = call
        return finished(await run(context, await files(call), { ...rest, command, signal }))
      },
    }),
    route({
      method: 'POST',
      path: `${base}/background`,
      summary: 'Start a shell command that goes on; its output is a file of the workspace',
      tag,
      owns,
      body: schema.BackgroundBody,
      answers,
      handle: async (call) => {
        const json = await launch(context, await files(call), call.body)
        return { status: 200, json }
      },
    }),
  ]
}

interface Wanted {
  command: RunSpec['command']
  cwd?: string
  env?: Record<string, string>
  timeoutMs?: number
  stdinText?: string
  signal: AbortSignal
}

async function run({ engine }: Context, files: Workspace, wanted: Wanted) {
  const { command, stdinText, signal, timeoutMs = LONGEST_MS } = wanted
  const spec: RunSpec = {
    root: files.root,
    command,
    ...(await placeOf(files, wanted.cwd)),
    env: environment(files, wanted.env),
    ...(stdinText === undefined ? {} : { stdin: stdinText }),
    timeoutMs,
    maxOutputBytes: MAX_OUTPUT_BYTES,
    streams: 'apart',
    signal,
  }
  for await (const item of engine.sandbox.runner.run(spec))
    if (item.kind === 'exit') return { exit: item.exit, timeoutMs }
  throw new Error('a command ended without an exit')
}

/** Where the command runs: a folder that is really inside. */
async function placeOf(files: Workspace, cwd: string | undefined): Promise<{ cwd?: string }> {
  const path = cwd === undefined ? '' : inside(cwd)
  if (path === '') return {}
  const entry = await told('directory', path, () => files.stat(path))
  if (entry.kind !== 'directory') throw absent('directory', path)
  return { cwd: join(files.root, entry.path) }
}

/** Nothing of the server's own environment is in it. */
const environment = (files: Workspace, more: Record<string, string> = {}) => ({
  OPENHARNESS_WORKSPACE_ROOT: files.root,
  ...more,
})

function finished({ exit, timeoutMs }: { exit: Exit; timeoutMs: number }) {
  if (exit.cause === 'timeout')
    throw refusal(
      'conflict',
      'tool_timed_out',
      `Workspace command timed out after ${timeoutMs}ms.`,
      408,
    )
  if (exit.cause === 'failed')
    throw refusal(
      'invalid',
      'invalid_request',
      `The command could not be started: ${exit.problem ?? 'unknown reason'}.`,
    )
  const exitCode = exit.code ?? 128
  const json = { stdout: exit.stdout.text, stderr: exit.stderr.text, exitCode }
  return { status: 200, json }
}

async function launch(
  { engine, settings }: Context,
  files: Workspace,
  wanted: z.infer<typeof schema.BackgroundBody>,
) {
  const owner = /^[A-Za-z0-9_-]{1,80}$/.test(wanted.sessionId ?? '') ? wanted.sessionId : 'sandbox'
  const folder = `.openharness/state/background-tasks/${owner}`
  const digits = Math.floor(Math.random() * 36 ** 6).toString(36)
  const taskId = `task-${settings.now()}-${digits.padStart(6, '0')}`
  const output = `${folder}/${taskId}.log`
  await told('entry', folder, () => files.mkdir(folder))
  // The command itself opens its output, behind its own walls: no link can lead the server out.
  const script = 'exec >>"$1" 2>&1; cd "$2" && exec /bin/sh -c "$3"'
  const place = await placeOf(files, wanted.cwd)
  const words = [join(files.root, output), place.cwd ?? files.root, wanted.command]
  const { pid } = await engine.sandbox.runner.launch({
    root: files.root,
    command: { file: '/bin/sh', args: ['-c', script, 'sh', ...words] },
    env: environment(files, wanted.env),
    output: '/dev/null',
  })
  const facts = { taskId, pid, command: wanted.command, description: wanted.description }
  await told('entry', output, () =>
    files.write(`${folder}/${taskId}.json`, `${JSON.stringify(facts, null, 2)}\n`),
  )
  return { outputPath: `${ROOT}/${output}`, taskId, pid }
}
