/**
 * What this dialect keeps beside threads: permissions, the default profile, the sandbox's settings. Of
 * two edits at once none is lost.
 */

import { isDeepStrictEqual } from 'node:util'
import type { Json } from '../../kernel/part.ts'
import type { Engine, SharedPolicy } from '../../kernel/ports.ts'
import { DEFAULT_PERMISSIONS, type PermissionDocument, POLICY, policyOf } from './permission.ts'
import type { SandboxConfig } from './schema.ts'

type Store = Pick<Engine['store'], 'get' | 'put' | 'swap'>

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

export const readPermissions = async (store: Store): Promise<PermissionDocument> =>
  permissionsIn(await store.get('clotho.permissions', KEY))

const permissionsIn = (kept: Json | null): PermissionDocument =>
  (kept as unknown as PermissionDocument | null) ?? DEFAULT_PERMISSIONS

/** The document, and what the engine reads at every step: always both. */
export async function editPermissions(
  store: Store,
  edit: (before: PermissionDocument) => PermissionDocument,
  askTimeoutMs: number | undefined,
): Promise<PermissionDocument> {
  for (;;) {
    const kept = await store.get('clotho.permissions', KEY)
    const after = edit(permissionsIn(kept))
    const body = after as unknown as Json
    if (!(await store.swap({ kind: 'clotho.permissions', key: KEY, body }, kept))) continue
    await writePolicy(store, askTimeoutMs)
    return after
  }
}

/**
 * Also done at every start: the timeout is a setting, and may be another than last time. Written
 * again when somebody has changed meanwhile what it is made of.
 */
export async function writePolicy(
  store: Store,
  askTimeoutMs: number = ASK_TIMEOUT_MS,
): Promise<void> {
  let written: SharedPolicy | null = null
  for (;;) {
    const policy = policyOf(await readPermissions(store), await readSandbox(store), askTimeoutMs)
    if (isDeepStrictEqual(policy, written)) return
    await store.put({ kind: 'policy', key: POLICY, body: policy as unknown as Json })
    written = policy
  }
}

export async function readDefault(store: Store): Promise<string | null> {
  const kept = await store.get('clotho.default', KEY)
  return (kept as { profile: string } | null)?.profile ?? null
}

export const writeDefault = (store: Store, profile: string): Promise<void> =>
  store.put({ kind: 'clotho.default', key: KEY, body: { profile } })

export const readSandbox = async (store: Store): Promise<SandboxConfig> =>
  sandboxIn(await store.get('clotho.sandbox', KEY))

const sandboxIn = (kept: Json | null): SandboxConfig => ({
  ...DEFAULT_SANDBOX,
  ...(kept as Partial<SandboxConfig> | null),
})

export async function editSandbox(
  store: Store,
  edit: Partial<SandboxConfig>,
  askTimeoutMs: number | undefined,
): Promise<SandboxConfig> {
  for (;;) {
    const kept = await store.get('clotho.sandbox', KEY)
    const after = { ...sandboxIn(kept), ...edit }
    if (!(await store.swap({ kind: 'clotho.sandbox', key: KEY, body: after }, kept))) continue
    await writePolicy(store, askTimeoutMs)
    return after
  }
}
