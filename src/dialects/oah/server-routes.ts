/** What the server is: its profile and index, health, documents, and what is not there and says so. */

import type { Call, Reply, Route } from '../../wire/dialect.ts'
import { route } from '../../wire/dialect.ts'
import { openApi } from '../../wire/openapi.ts'
import type { Context } from './context.ts'
import { refusal } from './faults.ts'
import * as schema from './schema.ts'

const tag = 'system'
const ok = { 200: { about: 'What is asked for' } }

export const serverRoutes = (context: Context, routes: () => readonly Route[]): Route[] => [
  route({
    method: 'GET',
    path: '/healthz',
    summary: 'How the server fares',
    tag,
    isPublic: true,
    answers: ok,
    handle: async () => ({ status: 200, json: await health(context) }),
  }),
  route({
    method: 'GET',
    path: '/readyz',
    summary: 'Whether the server takes work',
    tag,
    isPublic: true,
    answers: { ...ok, 503: { about: 'It does not' } },
    handle: () => readiness(context),
  }),
  route({
    method: 'GET',
    path: '/api/v1',
    summary: 'What there is',
    tag,
    answers: ok,
    handle: (call) => ({ status: 200, json: indexOf(call.base, routes()) }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/system/profile',
    summary: 'What kind of server this is',
    tag,
    answers: ok,
    handle: () => ({ status: 200, json: PROFILE }),
  }),
  route({
    method: 'GET',
    path: '/openapi.json',
    summary: 'This API as an OpenAPI document',
    tag,
    isPublic: true,
    answers: ok,
    handle: () => ({ status: 200, json: document(context, routes()) }),
  }),
  route({
    method: 'GET',
    path: '/openapi.yaml',
    summary: 'The same; JSON is YAML',
    tag,
    isPublic: true,
    answers: ok,
    handle: () => ({
      status: 200,
      type: 'application/yaml; charset=utf-8',
      text: JSON.stringify(document(context, routes()), null, 2),
    }),
  }),
  ...['/docs', '/'].map((path) =>
    route({
      method: 'GET',
      path,
      summary: 'The routes, for people',
      tag,
      isPublic: true,
      answers: ok,
      handle: () => ({ status: 200, type: 'text/html; charset=utf-8', text: page(routes()) }),
    }),
  ),
  route({
    method: 'GET',
    path: '/metrics',
    summary: 'What goes on, in Prometheus form',
    tag,
    answers: ok,
    handle: () => ({
      status: 200,
      type: 'text/plain; version=0.0.4; charset=utf-8',
      text: figures(context.engine.stats()),
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/storage/overview',
    summary: 'There is no storage of its own to look into',
    tag,
    answers: ok,
    handle: () => ({ status: 200, json: STORAGE }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/storage/postgres/tables/{table}',
    summary: 'Not served here',
    tag,
    answers: { 501: { about: 'Not served here' } },
    handle: () => {
      throw refusal(
        'unsupported',
        'postgres_storage_unavailable',
        'The tables of this server cannot be read through this API.',
        501,
      )
    },
  }),
  ...UNSERVED.map(([method, path, code]) => unserved(method, path, code)),
]

/** What belongs to a deployment of many machines: there, and refused in words that say why. */
const UNSERVED: [Route['method'], string, string][] = [
  ['GET', '/api/v1/storage/redis/keys', 'redis_storage_unavailable'],
  ['GET', '/api/v1/storage/redis/key', 'redis_storage_unavailable'],
  ['DELETE', '/api/v1/storage/redis/key', 'redis_storage_unavailable'],
  ['GET', '/api/v1/storage/redis/worker-affinity', 'redis_storage_unavailable'],
  ['GET', '/api/v1/storage/redis/workspace-placements', 'redis_storage_unavailable'],
  ['POST', '/api/v1/storage/redis/keys/delete', 'redis_storage_unavailable'],
  ['POST', '/api/v1/storage/redis/session-queue/clear', 'redis_storage_unavailable'],
  ['POST', '/api/v1/storage/redis/session-lock/release', 'redis_storage_unavailable'],
  ['POST', '/internal/v1/workspaces/{workspace}/lifecycle', 'workspace_lifecycle_unavailable'],
]

const unserved = (method: Route['method'], path: string, code: string): Route =>
  route({
    method,
    path,
    summary: 'Not served here: there is nothing of the kind to look into',
    tag,
    answers: { 501: { about: 'Not served here' } },
    handle: () => {
      const why = 'This server keeps everything in one store and workspaces where they are.'
      throw refusal('unsupported', code, why, 501)
    },
  })

const checks = (isPostgres: boolean, isUp: boolean) => ({
  postgres: isPostgres ? (isUp ? 'up' : 'down') : 'not_configured',
  redisEvents: 'not_configured',
  redisRunQueue: 'not_configured',
})

/** Null when the store does not answer. */
const storeKind = ({ engine }: Context): Promise<string | null> =>
  engine.store.health().then(
    ({ kind }) => (kind === 'postgres' ? 'postgres' : 'sqlite'),
    () => null,
  )

async function health(context: Context) {
  const kind = await storeKind(context)
  return report(kind ?? 'sqlite', kind !== null)
}

const report = (kind: string, isUp: boolean) => ({
  status: isUp ? 'ok' : 'degraded',
  storage: { primary: kind, events: 'memory', runQueue: 'in_process' },
  process: {
    mode: 'api_embedded_worker',
    label: 'API + embedded worker',
    execution: 'local_inline',
  },
  sandbox: {
    provider: 'embedded',
    executionModel: 'local_embedded',
    workerPlacement: 'api_process',
  },
  checks: checks(kind === 'postgres', isUp),
  worker: {
    mode: 'embedded',
    draining: false,
    acceptsNewRuns: true,
    sessionSerialBoundary: 'session',
    localSlots: [],
    activeWorkers: [],
    summary: { active: 0, healthy: 0, late: 0, busy: 0, embedded: 0, standalone: 0 },
    pool: null,
  },
})

async function readiness(context: Context): Promise<Reply> {
  const kind = await storeKind(context)
  const found = checks(kind === 'postgres', kind !== null)
  if (kind !== null) return { status: 200, json: { status: 'ready', checks: found } }
  const json = { status: 'not_ready', reason: 'checks_down', checks: found }
  return { status: 503, json }
}

const PROFILE = {
  apiCompatibility: 'oah/v1',
  product: 'open-agent-harness',
  edition: 'personal',
  runtimeMode: 'embedded',
  deploymentKind: 'oap',
  displayName: 'Manifold',
  capabilities: {
    localDaemonControl: false,
    localWorkspacePaths: true,
    workspaceRegistration: true,
    storageInspection: false,
    modelManagement: false,
    localDaemonSupervisor: false,
  },
}

const STORAGE = {
  postgres: { configured: false, available: false, primaryStorage: false, tables: [] },
  redis: {
    configured: false,
    available: false,
    keyPrefix: 'oah',
    eventBusEnabled: false,
    runQueueEnabled: false,
    sessionQueues: [],
    sessionLocks: [],
    eventBuffers: [],
  },
}

const rows = (routes: readonly Route[], wanted: string): string[] =>
  routes.filter((r) => r.tag === wanted).map((r) => `${r.method} ${r.path}`)

function indexOf(base: string, routes: readonly Route[]) {
  const groups = {
    workspaces: ['Workspaces and the templates they begin as.', rows(routes, 'workspaces')],
    sessions: ['Sessions of a workspace.', rows(routes, 'sessions')],
    messagesAndRuns: ['Messages, the queue, runs and their events.', rows(routes, 'runs')],
    filesAndCatalog: ['Files and commands of a workspace.', rows(routes, 'sandboxes')],
    modelsAndDiagnostics: ['Models, and what the server is.', rows(routes, 'models')],
  } as const
  const entries = Object.entries(groups)
  return {
    name: 'Open Agent Harness API',
    docs: {
      landingPage: `${base}/`,
      docsPage: `${base}/docs`,
      openapiYaml: `${base}/openapi.yaml`,
      openapiJson: `${base}/openapi.json`,
    },
    probes: { healthz: `${base}/healthz`, readyz: `${base}/readyz` },
    auth: {
      apiPrefix: '/api/v1',
      standaloneBehavior: 'On loopback requests run as standalone:anonymous.',
      hostedBehavior: "On any other address requests need the server's token as a bearer.",
    },
    entrypoints: Object.fromEntries(entries.map(([name, [, list]]) => [name, list])),
    groups: Object.fromEntries(
      entries.map(([name, [description, list]]) => [name, { description, routes: list }]),
    ),
  }
}

const document = ({ settings }: Context, routes: readonly Route[]) =>
  openApi(
    {
      title: 'Open Agent Harness API',
      version: settings.version,
      about: 'Workspaces, sessions, runs and sandboxes, as Manifold serves them.',
      refusal: schema.Refusal,
    },
    routes,
  )

const escaped = (text: string): string => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)

const figures = (stats: Record<string, number>): string =>
  Object.entries(stats)
    .map(([name, value]) => [`oah_${name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)}`, value])
    .map(([name, value]) => `# TYPE ${name} gauge\n${name} ${value}\n`)
    .join('')

const page = (routes: readonly Route[]): string =>
  `<!doctype html><meta charset="utf-8"><title>Open Agent Harness API</title>
<h1>Open Agent Harness API</h1><p><a href="openapi.yaml">openapi.yaml</a></p><ul>
${routes.map((r) => `<li><code>${r.method} ${escaped(r.path)}</code> ${escaped(r.summary)}`).join('\n')}
</ul>`

/** Internal routes are for this machine only. */
export function onlyHere({ peer }: Pick<Call, 'peer'>): void {
  if (!peer.isLoopback)
    throw refusal('forbidden', 'forbidden', 'Internal routes are for this machine only.')
}
