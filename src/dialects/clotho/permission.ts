/**
 * Clotho's permission document and what it means: one mode and overrides by tool name, for every
 * chat of this dialect. Pure; the kernel's shared policy is always the translation of the document.
 */

import type { Access, Confinement, Permissions, Verdict } from '../../kernel/policy.ts'
import type { SharedPolicy } from '../../kernel/ports.ts'
import { detail } from './faults.ts'
import type { SandboxConfig } from './schema.ts'
import { toKernel, toWire } from './tool-name.ts'

/** Under this name the threads of this dialect find their policy. */
export const POLICY = 'clotho'

export const MODES = ['interactive', 'autonomous', 'readonly'] as const
export type Mode = (typeof MODES)[number]

const LEVELS: readonly string[] = ['allow', 'ask', 'deny']

export interface PermissionDocument {
  mode: Mode
  tool_overrides: Record<string, Verdict>
}

export const DEFAULT_PERMISSIONS: PermissionDocument = { mode: 'interactive', tool_overrides: {} }

const all = (verdict: Verdict): Record<Access, Verdict> => ({
  read: verdict,
  write: verdict,
  execute: verdict,
  network: verdict,
  agent: verdict,
  none: 'allow',
})

/** A tool that touches nothing (a question, a list of steps) is never worth a question. */
const OTHERWISE: Record<Mode, Record<Access, Verdict>> = {
  interactive: all('ask'),
  autonomous: all('allow'),
  readonly: { ...all('deny'), read: 'allow' },
}

export const permissionsOf = ({ mode, tool_overrides }: PermissionDocument): Permissions => ({
  rules: Object.entries(tool_overrides).map(([tool, verdict]) => ({
    tool: toKernel(tool),
    verdict,
  })),
  otherwise: OTHERWISE[mode],
})

/** Share of the window at which a chat is compacted, and how many exchanges stay word for word. */
export const COMPACTION = { threshold: 0.75, keepExchanges: 4 }

export const policyOf = (
  document: PermissionDocument,
  sandbox: SandboxConfig,
  askTimeoutMs: number,
): SharedPolicy => ({
  permissions: permissionsOf(document),
  refusedTurns: 3,
  askTimeoutMs,
  compaction: COMPACTION,
  confinement: sandbox.enabled ? confinementOf(sandbox) : null,
})

/** A share of the processors cannot be kept to here, so `cpu_quota` is remembered and no more. */
const confinementOf = (sandbox: SandboxConfig): Confinement => ({
  network: sandbox.network_enabled,
  readOnly: sandbox.workspace_mode === 'ro',
  memoryBytes: bytesOf(sandbox.memory_limit),
  timeoutMs: sandbox.timeout_seconds * 1_000,
})

/** `512m` as Docker writes it; a number alone is bytes. */
function bytesOf(size: string): number {
  const unit = { b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[size.slice(-1).toLowerCase()]
  return Number.parseInt(size, 10) * (unit ?? 1)
}

export interface PermissionEdit {
  mode?: string | null | undefined
  tool_overrides?: Record<string, string> | null | undefined
}

/** The document after the edit; `known` are the kernel's names of all tools there are. */
export function edited(
  document: PermissionDocument,
  { mode, tool_overrides }: PermissionEdit,
  known: readonly string[],
): PermissionDocument {
  return {
    mode: mode === undefined || mode === null ? document.mode : modeOf(mode),
    tool_overrides:
      tool_overrides === undefined || tool_overrides === null
        ? document.tool_overrides
        : overridesOf(tool_overrides, known),
  }
}

function modeOf(text: string): Mode {
  const mode = MODES.find((m) => m === text)
  if (mode) return mode
  throw detail('invalid', `Invalid mode: ${text}. Must be one of: ${MODES.join(', ')}`)
}

function overridesOf(
  overrides: Record<string, string>,
  known: readonly string[],
): Record<string, Verdict> {
  for (const [tool, level] of Object.entries(overrides)) {
    if (!known.includes(toKernel(tool)))
      throw detail(
        'invalid',
        `Invalid tool name '${tool}'. Must be one of: ${wireNames(known).join(', ')}`,
      )
    if (!LEVELS.includes(level))
      throw detail(
        'invalid',
        `Invalid permission level '${level}' for tool '${tool}'. Must be: allow, ask, deny`,
      )
  }
  return overrides as Record<string, Verdict>
}

export const wireNames = (tools: readonly string[]): string[] => tools.map(toWire).sort()
