/**
 * What the ref of a wired capability means: a path in the workspace, a place on GitHub, or an address
 * that nothing is fetched from. Pure.
 */

import { fileURLToPath } from 'node:url'
import type { CapKind } from '../kernel/caps.ts'
import { Fault } from '../kernel/fault.ts'

export type Ref =
  | { at: 'local'; path: string }
  | { at: 'github'; owner: string; repo: string; paths: string[]; rev: string | null }
  /** An address that is understood, and that nothing is fetched from. */
  | { at: 'web'; url: string }

/** What the ref means; the Fault `invalid` when it means nothing, or another name. */
export function refOf(kind: CapKind, name: string, ref: string): Ref {
  const found = parseRef(kind, ref.trim())
  if (!found)
    throw new Fault('invalid', `Wired ${kind} ref '${ref}' is neither a path nor a GitHub ref.`)
  if (stemOf(kind, ref.trim()) !== name)
    throw new Fault(
      'invalid',
      `Wired ${kind} ref '${ref}' does not match requested name '${name}'.`,
    )
  return found
}

/** The name at the end of a ref: the file without its ending, or the skill's folder. */
function stemOf(kind: CapKind, ref: string): string {
  const path = ref
    .replace(/[?#].*$/, '')
    .replace(/@[^/]*$/, '')
    .replace(/\/+$/, '')
  const parts = path.split('/')
  const last = parts.pop() ?? ''
  if (kind === 'skill' && /^skill\.md$/i.test(last)) return parts.pop() ?? ''
  return last.replace(/\.md$/i, '')
}

export function parseRef(kind: CapKind, ref: string): Ref | null {
  if (ref.startsWith('file://')) return { at: 'local', path: fileURLToPath(ref) }
  if (ref.startsWith('/') || ref.startsWith('./')) return { at: 'local', path: ref }
  const scheme = /^github:\/\/([\w.-]+)\/([\w.-]+)\/([^@]+)(?:@([\w./-]+))?$/.exec(ref)
  if (scheme) {
    const [, owner = '', repo = '', path = '', rev] = scheme
    return { at: 'github', owner, repo, paths: fileAt(kind, path), rev: rev ?? null }
  }
  const page =
    /^https:\/\/github\.com\/([\w.-]+)\/([\w.-]+)\/(?:blob|tree)\/([^/]+)\/(.+)$/.exec(ref) ??
    /^https:\/\/raw\.githubusercontent\.com\/([\w.-]+)\/([\w.-]+)\/([^/]+)\/(.+)$/.exec(ref)
  if (page) {
    const [, owner = '', repo = '', rev = '', path = ''] = page
    return { at: 'github', owner, repo, paths: fileAt(kind, path), rev }
  }
  if (/^https?:\/\//.test(ref)) return { at: 'web', url: ref }
  return shorthand(kind, ref)
}

/** `owner/name` is a repository of that name, `owner/repo/name` one of several in it. */
function shorthand(kind: CapKind, ref: string): Ref | null {
  const found = /^([\w.-]+)\/([\w.-]+)(?:\/([\w.-]+))?(?:@([\w./-]+))?$/.exec(ref)
  if (!found || ref.split(/[/@]/).some((part) => part === '..' || part === '.')) return null
  const [, owner = '', repo = '', name, rev] = found
  const stem = name ?? repo
  const own = kind === 'skill' ? ['SKILL.md'] : [`${stem}.md`]
  const inside =
    kind === 'skill'
      ? [`skills/${stem}/SKILL.md`, `${stem}/SKILL.md`]
      : [`${kind}s/${stem}.md`, `${stem}.md`]
  const paths = name === undefined ? [...inside, ...own] : inside
  return { at: 'github', owner, repo, paths: [...new Set(paths)], rev: rev ?? null }
}

const fileAt = (kind: CapKind, path: string): string[] => {
  const bare = path.replace(/\/+$/, '')
  if (/\.md$/i.test(bare)) return [bare]
  return kind === 'skill' ? [`${bare}/SKILL.md`] : [`${bare}.md`]
}
