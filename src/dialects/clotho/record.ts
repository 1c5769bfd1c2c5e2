/** What this dialect keeps beside threads: permissions, the default profile, the sandbox's settings. */

import type { Json } from '../../kernel/part.ts'
import type { Engine } from '../../kernel/ports.ts'
import { DEFAULT_PERMISSIONS, type PermissionDocument, POLICY, policyOf } from './permission.ts'
import type { SandboxConfig } from './schema.ts'

type Store = Pick<Engine['store'], 'get' | 'put'>

/** There is one of each for the whole server. */
const KEY = 'server'

const ASK_TIMEOUT_MS = 300_000

export const DEFAULT_SANDBOX: SandboxConfig = {
  enabled: false,
  memory_limit: '512m',
  cpu_quota: 100_000,
  timeout_seconds: 30,
  network_enabled: false,
  workspace_mode: 'rw',
}

export async function readPermissions(store: Store): Promise<PermissionDocument> {
  const kept = await store.get('clotho.permissions', KEY)
  return (kept as unknown as PermissionDocument | null) ?? DEFAULT_PERMISSIONS
}

/** The document, and what the engine reads at every step: always both. */
export async function writePermissions(
  store: Store,
  document: PermissionDocument,
  askTimeoutMs: number | undefined,
): Promise<void> {
  const body = document as unknown as Json
  await store.put({ kind: 'clotho.permissions', key: KEY, body })
  await writePolicy(store, askTimeoutMs)
}

/** Also done at every start: the timeout is a setting, and may be another than last time. */
export async function writePolicy(
  store: Store,
  askTimeoutMs: number = ASK_TIMEOUT_MS,
): Promise<void> {
  const policy = policyOf(await readPermissions(store), await readSandbox(store), askTimeoutMs)
  await store.put({ kind: 'policy', key: POLICY, body: policy as unknown as Json })
}

export async function readDefault(store: Store): Promise<string | null> {
  const kept = await store.get('clotho.default', KEY)
  return (kept as { profile: string } | null)?.profile ?? null
}

export const writeDefault = (store: Store, profile: string): Promise<void> =>
  store.put({ kind: 'clotho.default', key: KEY, body: { profile } })

export async function readSandbox(store: Store): Promise<SandboxConfig> {
  const kept = await store.get('clotho.sandbox', KEY)
  return { ...DEFAULT_SANDBOX, ...(kept as Partial<SandboxConfig> | null) }
}

export async function writeSandbox(
  store: Store,
  config: SandboxConfig,
  askTimeoutMs: number | undefined,
): Promise<void> {
  await store.put({ kind: 'clotho.sandbox', key: KEY, body: { ...config } })
  await writePolicy(store, askTimeoutMs)
}
