/**
 * What an agent may do without asking, from what its file says. Ownware sorts calls into zones by
 * what they can reach; ours go by the tool's kind of access, so each kind gets the highest zone that
 * a call of its kind can reach. Where the two cannot be brought together, a person is asked.
 */

import {
  ASK_BEFORE_CHANGES,
  globMatches,
  type Permissions,
  type Rule,
  type Verdict,
} from '../kernel/policy.ts'
import type { AgentFile } from './agent-file.ts'
import { regexGlobs } from './regex-glob.ts'
import { toolGlobs } from './tool-name.ts'

const ZONES = ['safe', 'workspace', 'build', 'network', 'external', 'machine', 'never'] as const
type Zone = (typeof ZONES)[number]
type Security = NonNullable<AgentFile['security']>

/** The highest zone that runs unasked. */
const AUTO_ZONE: Record<NonNullable<Security['level']>, Zone> = {
  permissive: 'network',
  standard: 'workspace',
  strict: 'safe',
  paranoid: 'safe',
}

const levelOf = (zone: Zone): number => ZONES.indexOf(zone)

export function permissionsOf(file: AgentFile): { permissions: Permissions; problems: string[] } {
  const judged = judgedBySecurity(file)
  const otherwise = { ...judged.otherwise, ...defined(file.permissions?.otherwise) }
  const problems: string[] = []
  const hooks = approvalHooks(file)
  const through = (tool: string): Verdict =>
    hooks.some((h) => globMatches(h.tool, tool)) ? 'ask' : otherwise.execute
  const rules = [
    ...(file.policies ?? []).flatMap((p) => policyRules(p, through, problems)),
    ...hooks,
    ...(file.permissions?.rules ?? []).flatMap((rule) =>
      toolGlobs(rule.tool).map((tool): Rule => ({ ...rule, tool })),
    ),
    ...judged.rules,
  ]
  return { permissions: { rules, otherwise }, problems }
}

function judgedBySecurity(file: AgentFile): Permissions {
  const { level, zones, permissionMode: mode = 'ask' } = file.security ?? {}
  const isZoned = zones?.enabled !== false
  const judged = isZoned ? byZone(level ?? 'standard', zones) : byMode(mode)
  if (mode !== 'deny' && mode !== 'allowlist') return judged
  const allowed = mode === 'allowlist' ? (file.tools?.allow ?? []).flatMap(toolGlobs) : []
  return {
    rules: [
      ...allowed.map((tool): Rule => ({ tool, verdict: 'allow' })),
      ...judged.rules.map((r) => ({ ...r, verdict: neverAsk(r.verdict) })),
    ],
    otherwise: mapVerdicts(judged.otherwise, neverAsk),
  }
}

/** Nobody is to be asked, so what would be asked about is refused. */
const neverAsk = (verdict: Verdict): Verdict => (verdict === 'ask' ? 'deny' : verdict)

function byZone(level: NonNullable<Security['level']>, zones: Security['zones']): Permissions {
  const auto = levelOf(zones?.maxAutoZone ?? AUTO_ZONE[level])
  const upTo = (zone: Zone): Verdict =>
    zone !== 'never' && levelOf(zone) <= auto ? 'allow' : 'ask'
  return {
    rules: (zones?.overrides ?? []).flatMap(({ tool, zone }) =>
      toolGlobs(tool).map((t): Rule => ({ tool: t, verdict: upTo(zone) })),
    ),
    otherwise: {
      read: level === 'paranoid' ? 'ask' : 'allow',
      write: upTo('build'),
      // A command line can reach all that the machine holds.
      execute: upTo('machine'),
      network: upTo('network'),
      agent: upTo('workspace'),
      none: 'allow',
    },
  }
}

function byMode(mode: NonNullable<Security['permissionMode']>): Permissions {
  if (mode !== 'auto') return ASK_BEFORE_CHANGES
  return { rules: [], otherwise: mapVerdicts(ASK_BEFORE_CHANGES.otherwise, () => 'allow') }
}

function mapVerdicts(
  otherwise: Permissions['otherwise'],
  change: (verdict: Verdict) => Verdict,
): Permissions['otherwise'] {
  const { read, write, execute, network, agent, none } = otherwise
  return {
    read: change(read),
    write: change(write),
    execute: change(execute),
    network: change(network),
    agent: change(agent),
    none: change(none),
  }
}

/** Only what a policy lets through is looked at further; the rest is refused without asking. */
function policyRules(
  policy: NonNullable<AgentFile['policies']>[number],
  through: (tool: string) => Verdict,
  problems: string[],
): Rule[] {
  const denied: string[] = []
  let isUnsure = false
  for (const source of policy.denyPatterns ?? []) {
    const globs = regexGlobs(source)
    if (globs) denied.push(...globs)
    else {
      isUnsure = true
      problems.push(
        `policies: the denyPatterns entry ${JSON.stringify(source)} cannot be followed; every call of ${policy.tool} is asked about instead`,
      )
    }
  }
  const prefixes = (policy.allowPrefixes ?? []).flatMap(prefixGlobs)
  return toolGlobs(policy.tool).flatMap((tool): Rule[] => {
    const verdict = isUnsure ? 'ask' : through(tool)
    const rest: Rule[] = isUnsure ? [{ tool, verdict: 'ask' }] : []
    return [
      ...denied.map((pattern): Rule => ({ tool, pattern, verdict: 'deny' })),
      ...prefixes.map((pattern): Rule => ({ tool, pattern, verdict })),
      ...(prefixes.length > 0 ? [{ tool, verdict: 'deny' as const }] : rest),
    ]
  })
}

/** `git` means the command, not every word that begins like it. */
function prefixGlobs(prefix: string): string[] {
  const text = prefix.trimEnd()
  return /[\w]$/.test(text) ? [text, `${text} *`] : [`${text}*`]
}

/** Ownware's `approve` hooks: these calls always wait for a person. */
function approvalHooks(file: AgentFile): Rule[] {
  const hooks = Array.isArray(file.hooks) ? undefined : file.hooks
  return (hooks?.onToolCall ?? [])
    .filter((hook) => hook.action === 'approve')
    .flatMap((hook) => (hook.tools && hook.tools.length > 0 ? hook.tools : ['*']))
    .flatMap(toolGlobs)
    .map((tool): Rule => ({ tool, verdict: 'ask' }))
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

const defined = <T extends object>(value: T | undefined): Defined<T> =>
  Object.fromEntries(Object.entries(value ?? {}).filter(([, v]) => v !== undefined)) as Defined<T>
