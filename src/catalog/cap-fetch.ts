/**
 * Fetches capabilities from GitHub, each at a commit that is named with it. What cannot be fetched
 * says why; nothing here rejects for what the network does.
 */

import { posix } from 'node:path'
import type { CapKind } from '../kernel/caps.ts'
import type { Ref } from './cap-ref.ts'

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
/** Of a skill's folder; of a larger one only the instructions are fetched. */
const MOST_FILES = 50

/** What was fetched: a text at a commit, or why there is none. */
export interface Fetched {
  text: string | null
  /** What lies beside a skill's text, by its path from there. */
  files: Map<string, Buffer>
  revision: string | null
  problem: string | null
}

type OnGitHub = Extract<Ref, { at: 'github' }>

export async function fetchCap(
  { kind, ref: name }: { kind: CapKind; ref: string },
  ref: Ref,
  github: GitHub,
): Promise<Fetched> {
  const none = { text: null, revision: null, files: new Map<string, Buffer>() }
  if (ref.at === 'local') return { ...none, problem: null }
  if (ref.at === 'web')
    return { ...none, problem: 'only GitHub refs and paths in the workspace are fetched' }
  try {
    const found = await fromGitHub(ref, github)
    const files = kind === 'skill' ? await besides(ref, found, github) : none.files
    return { text: found.text, revision: found.revision, files, problem: null }
  } catch (error) {
    return { ...none, problem: `${name} could not be fetched: ${tell(error)}` }
  }
}

function tell(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  const { cause } = error as { cause?: { code?: string } }
  if (error.name === 'TimeoutError') return `no answer within ${FETCH_MS / 1000} seconds`
  return cause?.code ? `${error.message} (${cause.code})` : error.message
}

interface Found {
  revision: string
  path: string
  text: string
}

async function fromGitHub(
  { owner, repo, paths, rev }: OnGitHub,
  { api, raw }: GitHub,
): Promise<Found> {
  const revision = await commitOf(`${api}/repos/${owner}/${repo}/commits/${rev ?? 'HEAD'}`)
  for (const path of paths) {
    const answer = await get(`${raw}/${owner}/${repo}/${revision}/${path}`, '*/*')
    if (answer.status === 404) continue
    if (!answer.ok) throw new Error(`GitHub answers ${answer.status} for ${path}`)
    return { revision, path, text: (await bounded(answer)).toString('utf8') }
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

/** The other files of a skill's folder, at the same commit. */
async function besides(
  { owner, repo }: OnGitHub,
  { revision, path }: Found,
  { api, raw }: GitHub,
): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  const folder = posix.dirname(path) === '.' ? '' : `${posix.dirname(path)}/`
  const url = `${api}/repos/${owner}/${repo}/git/trees/${revision}?recursive=1`
  const answer = await get(url, 'application/vnd.github+json')
  if (!answer.ok) throw new Error(`GitHub answers ${answer.status} for the skill's folder`)
  const names = namesIn(await answer.json()).filter((n) => n.startsWith(folder) && n !== path)
  if (names.length > MOST_FILES) return files
  for (const name of names) {
    const place = name.split('/').map(encodeURIComponent).join('/')
    const file = await get(`${raw}/${owner}/${repo}/${revision}/${place}`, '*/*')
    if (!file.ok) throw new Error(`GitHub answers ${file.status} for ${name}`)
    files.set(name.slice(folder.length), await bounded(file))
  }
  return files
}

/** The files of a tree, without hidden ones and without any that would lead elsewhere. */
function namesIn(answer: unknown): string[] {
  const { tree } = (answer ?? {}) as { tree?: { path?: unknown; type?: unknown }[] }
  if (!Array.isArray(tree)) return []
  return tree.flatMap(({ path, type }) => {
    if (type !== 'blob' || typeof path !== 'string') return []
    const parts = path.split('/')
    return parts.every((p) => p !== '' && !p.startsWith('.') && !/[\\\0]/.test(p)) ? [path] : []
  })
}

const get = (url: string, accept: string): Promise<Response> =>
  fetch(url, {
    headers: { accept, 'user-agent': 'manifold' },
    redirect: 'error',
    signal: AbortSignal.timeout(FETCH_MS),
  })

/** Never more than the limit is held: packed, a small answer may become a large one. */
async function bounded(answer: Response): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of (answer.body ?? []) as AsyncIterable<Uint8Array>) {
    size += piece.length
    if (size > MOST_BYTES) throw new Error(`it is larger than ${MOST_BYTES} bytes`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}
