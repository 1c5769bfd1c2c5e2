/**
 * Whether a tool call may run, must be asked for, or is refused. Rules are tried in order and the
 * first that matches decides; without one, the kind of access does. A remembered grant turns an
 * `ask` into an `allow` and never overrides a `deny`.
 */

export type Verdict = 'allow' | 'ask' | 'deny'

/** What a tool touches. A permission is decided on this when no rule names the tool. */
export type Access = 'read' | 'write' | 'execute' | 'network' | 'agent' | 'none'

export interface Rule {
  /** Glob over tool names: `*` matches any run of characters. */
  tool: string
  /** Glob over the subject of the call (a path, a command line, an address). */
  pattern?: string
  verdict: Verdict
}

export interface Permissions {
  rules: Rule[]
  otherwise: Record<Access, Verdict>
}

/** A remembered "always": in which agent, for which tool, and for which subjects of it. */
export interface Grant {
  agent: string
  tool: string
  pattern: string | null
}

/** For tools that touch files: those right in the workspace, and in none of its folders. */
export const ROOT_FILES = './*'

/** What a permission is asked about. */
export interface Judged {
  tool: string
  access: Access
  /** The path, command line or address the call is about; '' when it has none. */
  subject: string
}

/** How commands are kept apart. Where the machine cannot do it, they are refused, not run without. */
export interface Confinement {
  network: boolean
  /** The workspace can be read and not changed. */
  readOnly: boolean
  memoryBytes: number | null
  /** Of one command; null: the tool's own limit. */
  timeoutMs: number | null
}

export const ASK_BEFORE_CHANGES: Permissions = {
  rules: [],
  otherwise: {
    read: 'allow',
    write: 'ask',
    execute: 'ask',
    network: 'ask',
    agent: 'allow',
    none: 'allow',
  },
}

export const ALLOW_ALL: Permissions = {
  rules: [],
  otherwise: {
    read: 'allow',
    write: 'allow',
    execute: 'allow',
    network: 'allow',
    agent: 'allow',
    none: 'allow',
  },
}

export const READ_ONLY: Permissions = {
  rules: [],
  otherwise: {
    read: 'allow',
    write: 'deny',
    execute: 'deny',
    network: 'deny',
    agent: 'deny',
    none: 'allow',
  },
}

/** Decides one call. Pure; the same facts give the same verdict at any time. */
export function judge(permissions: Permissions, grants: readonly Grant[], about: Judged): Verdict {
  const rule = permissions.rules.find((r) => ruleMatches(r, about))
  const verdict = rule?.verdict ?? permissions.otherwise[about.access]
  if (verdict !== 'ask') return verdict
  return grants.some((g) => grantMatches(g, about)) ? 'allow' : 'ask'
}

function ruleMatches(rule: Rule, about: Judged): boolean {
  if (!globMatches(rule.tool, about.tool)) return false
  return rule.pattern === undefined || patternMatches(rule.pattern, rule.verdict, about)
}

function grantMatches(grant: Grant, about: Judged): boolean {
  if (grant.tool !== about.tool) return false
  return grant.pattern === null || patternMatches(grant.pattern, 'allow', about)
}

/**
 * A pattern that allows must not be stretched by a shell: `git *` does not cover
 * `git status; rm -rf .`, because the second command was never thought of.
 */
function patternMatches(pattern: string, verdict: Verdict, about: Judged): boolean {
  if (pattern === ROOT_FILES && (about.access === 'read' || about.access === 'write'))
    return about.subject !== '' && !about.subject.includes('/')
  const compound = about.access === 'execute' && /[;&|`<>\n\r]|\$\(|\$\{/.test(about.subject)
  if (verdict === 'allow' && compound && pattern !== about.subject) return false
  return globMatches(pattern, about.subject)
}

/** `*` matches any run of characters, everything else itself. Linear in pattern times text. */
export function globMatches(pattern: string, text: string): boolean {
  let p = 0
  let t = 0
  let star = -1
  let mark = 0
  while (t < text.length) {
    if (p < pattern.length && pattern[p] === '*') {
      star = p++
      mark = t
    } else if (p < pattern.length && pattern[p] === text[t]) {
      p++
      t++
    } else if (star >= 0) {
      p = star + 1
      t = ++mark
    } else return false
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}
