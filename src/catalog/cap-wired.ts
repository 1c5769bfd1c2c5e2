/**
 * Capabilities that are wired: named here, written elsewhere. A local path is read where it is, within
 * the workspace only; a GitHub ref is fetched once, at a commit that is kept with it, and its text
 * stays here. What cannot be fetched says why.
 */

import { mkdir, rm } from 'node:fs/promises'
import { isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CAP_KINDS, CAP_NAME, type CapKind } from '../kernel/caps.ts'
import { Fault } from '../kernel/fault.ts'
import type { Folder } from './folder.ts'
import { replaceFile } from './folder-write.ts'

export const WIRED_FILE = 'wired.json'

export interface Wired {
  kind: CapKind
  name: string
  ref: string
  /** The commit that a fetched text is of. */
  revision: string | null
  /** Why it could not be fetched. */
  problem: string | null
}

type Entries = Record<string, Record<string, { ref: string; revision?: string; problem?: string }>>

/** All refs of a folder; a file that is no JSON names none. */
export async function readWired(folder: Folder): Promise<Wired[]> {
  const text = await folder.text(WIRED_FILE)
  const entries = typeof text === 'string' ? parsed(text) : {}
  return CAP_KINDS.flatMap((kind) =>
    Object.entries(entries[`${kind}s`] ?? {})
      .filter(([name, entry]) => CAP_NAME.test(name) && typeof entry?.ref === 'string')
      .map(([name, { ref, revision, problem }]) => ({
        ...{ kind, name, ref },
        revision: revision ?? null,
        problem: problem ?? null,
      })),
  )
}

function parsed(text: string): Entries {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Entries) : {}
  } catch {
    return {}
  }
}

/** Writes the refs of a folder, in the order of their names. */
export async function writeWired(path: string, wired: readonly Wired[]): Promise<void> {
  const entries: Entries = {}
  for (const { kind, name, ref, revision, problem } of [...wired].sort(byName)) {
    entries[`${kind}s`] ??= {}
    ;(entries[`${kind}s`] as Entries[string])[name] = {
      ref,
      ...(revision === null ? {} : { revision }),
      ...(problem === null ? {} : { problem }),
    }
  }
  await mkdir(path, { recursive: true, mode: 0o700 })
  await replaceFile(join(path, WIRED_FILE), `${JSON.stringify(entries, null, 2)}\n`)
}

const byName = (a: Wired, b: Wired): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)

// ---- refs ---------------------------------------------------------------------------------------

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

function parseRef(kind: CapKind, ref: string): Ref | null {
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

// ---- texts --------------------------------------------------------------------------------------

const keptAt = ({ kind, name }: Pick<Wired, 'kind' | 'name'>): string =>
  join('.caps', 'wired', `${kind}s`, kind === 'skill' ? join(name, 'SKILL.md') : `${name}.md`)

export async function wiredText(
  folder: Folder,
  local: Folder,
  wired: Wired,
): Promise<{ text: string; file: string } | { problem: string }> {
  const ref = parseRef(wired.kind, wired.ref)
  if (ref?.at === 'local') return localText(local, wired.kind, ref.path)
  const text = await folder.text(keptAt(wired))
  if (typeof text === 'string') return { text, file: join(folder.path, keptAt(wired)) }
  return { problem: wired.problem ?? text?.problem ?? 'has not been fetched yet' }
}

async function localText(local: Folder, kind: CapKind, path: string) {
  const whole = isAbsolute(path) ? path : resolve(local.path, path)
  const places = /\.md$/i.test(whole)
    ? [whole]
    : kind === 'skill'
      ? [join(whole, 'SKILL.md')]
      : [`${whole}.md`]
  for (const place of places) {
    const text = await local.text(place)
    if (typeof text === 'string') return { text, file: place }
    if (text !== null) return { problem: `${path} ${text.problem}; paths lie in the workspace` }
  }
  return { problem: `there is nothing at ${path}` }
}

// ---- fetching -----------------------------------------------------------------------------------

/** Where GitHub is. */
export interface GitHub {
  api: string
  raw: string
}

export const GITHUB: GitHub = {
  api: 'https://api.github.com',
  raw: 'https://raw.githubusercontent.com',
}

const FETCH_MS = 10_000
const MOST_BYTES = 1_048_576

/** What was fetched: a text at a commit, or why there is none. */
export interface Fetched {
  text: string | null
  revision: string | null
  problem: string | null
}

/** Never rejects for what the network does. */
export async function fetchWired(
  wired: Pick<Wired, 'kind' | 'name' | 'ref'>,
  ref: Ref,
  github: GitHub,
): Promise<Fetched> {
  const none = { text: null, revision: null }
  if (ref.at === 'local') return { ...none, problem: null }
  if (ref.at === 'web')
    return { ...none, problem: 'only GitHub refs and paths in the workspace are fetched' }
  try {
    return { ...(await fromGitHub(ref, github)), problem: null }
  } catch (error) {
    return { ...none, problem: `${wired.ref} could not be fetched: ${tell(error)}` }
  }
}

/** Keeps the text of a ref in place of what was kept before; null: nothing any more. */
export async function keepWired(
  path: string,
  wired: Pick<Wired, 'kind' | 'name'>,
  text: string | null,
): Promise<void> {
  const file = join(path, keptAt(wired))
  if (text === null) return await rm(file, { force: true })
  await mkdir(join(file, '..'), { recursive: true, mode: 0o700 })
  await replaceFile(file, text)
}

function tell(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  const { cause } = error as { cause?: { code?: string } }
  if (error.name === 'TimeoutError') return `no answer within ${FETCH_MS / 1000} seconds`
  return cause?.code ? `${error.message} (${cause.code})` : error.message
}

async function fromGitHub(
  { owner, repo, paths, rev }: Extract<Ref, { at: 'github' }>,
  { api, raw }: GitHub,
): Promise<{ revision: string; text: string }> {
  const revision = await commitOf(`${api}/repos/${owner}/${repo}/commits/${rev ?? 'HEAD'}`)
  for (const path of paths) {
    const answer = await get(`${raw}/${owner}/${repo}/${revision}/${path}`, '*/*')
    if (answer.status === 404) continue
    if (!answer.ok) throw new Error(`GitHub answers ${answer.status} for ${path}`)
    return { revision, text: await bounded(answer) }
  }
  throw new Error(`${owner}/${repo} has none of ${paths.join(', ')} at ${revision.slice(0, 12)}`)
}

async function commitOf(url: string): Promise<string> {
  const answer = await get(url, 'application/vnd.github.sha')
  if (!answer.ok) throw new Error(`GitHub answers ${answer.status} for the revision`)
  const sha = (await answer.text()).trim()
  if (!/^[0-9a-f]{40}$/.test(sha)) throw new Error('GitHub names no commit')
  return sha
}

const get = (url: string, accept: string): Promise<Response> =>
  fetch(url, {
    headers: { accept, 'user-agent': 'manifold' },
    redirect: 'error',
    signal: AbortSignal.timeout(FETCH_MS),
  })

async function bounded(answer: Response): Promise<string> {
  const length = Number(answer.headers.get('content-length') ?? 0)
  if (length > MOST_BYTES) throw new Error(`it is larger than ${MOST_BYTES} bytes`)
  const bytes = Buffer.from(await answer.arrayBuffer())
  if (bytes.length > MOST_BYTES) throw new Error(`it is larger than ${MOST_BYTES} bytes`)
  return bytes.toString('utf8')
}
