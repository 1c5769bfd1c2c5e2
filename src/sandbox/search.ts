/** Finding files by name and by what is in them. Links are not followed, so a walk always ends. */

import type { Dirent } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { Fault } from '../kernel/fault.ts'
import type { Found, GlobOptions, GrepOptions, Grepped } from '../kernel/workspace.ts'
import { type Piece, readFile, readPlace } from './file.ts'
import { compileGlob, type Glob, type GlobState, globAccepts } from './glob.ts'
import { createMatcher, type Matcher } from './matcher.ts'
import { type Dir, holdChild, join, type Root } from './place.ts'
import { inFolder, statEntry } from './tree.ts'

const MAX_VISITED = 200_000
const MAX_DEPTH = 100
const MAX_FILE_BYTES = 8 * 1024 * 1024
const FILE_TIMEOUT_MS = 2_000
const SEARCH_TIMEOUT_MS = 20_000

/** Folders that hold what machines wrote; entered only when they are named. */
const SKIPPED = new Set(['.git', 'node_modules', '.hg', '.svn'])

interface Visit {
  dir: Dir
  name: string
  path: string
  isFolder: boolean
  isFile: boolean
}

interface Walk {
  root: Root
  glob: Glob
  /** A name in here is entered even though machines wrote it. */
  named: string
  signal: AbortSignal | undefined
  visited: number
}

export async function globFiles(
  root: Root,
  pattern: string,
  options: GlobOptions = {},
): Promise<Found> {
  const limit = options.limit ?? 1000
  const glob = compileGlob(pattern.startsWith('/') ? inside(root, pattern) : pattern)
  const walk: Walk = { root, glob, named: pattern, signal: options.signal, visited: 0 }
  const paths: string[] = []
  const whole = await inFolder(root, options.path ?? '', (dir) =>
    visit(walk, dir, glob.start, 0, async (found) => {
      paths.push(found.isFolder ? `${found.path}/` : found.path)
      return paths.length <= limit
    }),
  )
  return { paths: paths.slice(0, limit), partial: !whole || paths.length > limit }
}

/** An absolute pattern is meant from the root on. */
function inside(root: Root, pattern: string): string {
  for (const base of [root.path, root.given, '/workspace'])
    if (pattern.startsWith(`${base}/`)) return pattern.slice(base.length + 1)
  throw new Fault('forbidden', 'The glob is outside the workspace.', { reason: 'outside' })
}

export async function grepFiles(
  root: Root,
  pattern: string,
  options: GrepOptions = {},
): Promise<Grepped> {
  const { path = '', signal, limit = 500 } = options
  const endsAt = Date.now() + (options.timeoutMs ?? SEARCH_TIMEOUT_MS)
  const filter = options.glob === undefined ? null : fileFilter(options.glob)
  const ignoreCase = options.ignoreCase ?? false
  const matcher = createMatcher(pattern, { ignoreCase, timeoutMs: FILE_TIMEOUT_MS, signal })
  const result: Grepped = { hits: [], files: 0, skipped: 0, partial: false }
  const look = async (file: string, read: () => Promise<Piece>): Promise<boolean> => {
    if (filter && !filter(file)) return true
    await grepOne(read, matcher, { result, limit })
    if (result.hits.length <= limit && Date.now() < endsAt) return true
    result.partial = true
    return false
  }
  const most = { maxBytes: MAX_FILE_BYTES }
  try {
    const { kind, path: found } = await statEntry(root, path)
    if (kind === 'file') await look(found, () => readFile(root, path, most))
    else {
      const walk: Walk = { root, glob: compileGlob('**'), named: path, signal, visited: 0 }
      const lookAt = (v: Visit): Promise<boolean> =>
        look(v.path, async () => readPlace({ ...v, stats: await lstat(v.dir.at(v.name)) }, most))
      const isWhole = await inFolder(root, path, (dir) =>
        visit(walk, dir, walk.glob.start, 0, async (v) => (v.isFile ? lookAt(v) : true)),
      )
      if (!isWhole) result.partial = true
    }
  } finally {
    await matcher.close()
  }
  result.hits.splice(limit)
  return result
}

async function grepOne(
  read: () => Promise<Piece>,
  matcher: Matcher,
  { result, limit }: { result: Grepped; limit: number },
): Promise<void> {
  // What cannot be read, or went away meanwhile, is skipped like what is no text.
  const piece = await read().catch(() => null)
  if (!piece || piece.truncated || isBinary(piece.bytes)) {
    result.skipped++
    return
  }
  result.files++
  const hits = await matcher.hits(piece.bytes.toString('utf8'), limit + 1 - result.hits.length)
  for (const [line, text] of hits) result.hits.push({ path: piece.entry.path, line, text })
}

/** Bytes that no text has. */
export const isBinary = (bytes: Buffer): boolean => bytes.subarray(0, 8192).includes(0)

function fileFilter(pattern: string): (path: string) => boolean {
  const glob = compileGlob(pattern)
  if (pattern.includes('/')) return (path) => globAccepts(glob, path)
  return (path) => globAccepts(glob, path.slice(path.lastIndexOf('/') + 1))
}

/** Goes through a folder in the order of names. False when a limit or `tell` ended the walk. */
async function visit(
  walk: Walk,
  dir: Dir,
  state: GlobState,
  depth: number,
  tell: (found: Visit) => Promise<boolean>,
): Promise<boolean> {
  for (const child of await children(dir)) {
    if (walk.signal?.aborted) throw new Fault('conflict', 'Cancelled.')
    if (++walk.visited > MAX_VISITED) return false
    const next = walk.glob.step(state, child.name)
    if (next.length === 0) continue
    const isFolder = child.isDirectory()
    const skipped = SKIPPED.has(child.name) && !walk.named.includes(child.name)
    if (isFolder && (skipped || depth >= MAX_DEPTH)) continue
    const sub = isFolder ? await holdChild(walk.root, dir, child.name).catch(() => null) : null
    if (isFolder && !sub) continue
    try {
      const path = join(dir.path, child.name)
      const found = { dir, name: child.name, path, isFolder, isFile: child.isFile() }
      if (walk.glob.accepts(next) && !(await tell(found))) return false
      if (sub && !(await visit(walk, sub, next, depth + 1, tell))) return false
    } finally {
      await sub?.close()
    }
  }
  return true
}

async function children(dir: Dir): Promise<Dirent[]> {
  const list = await readdir(dir.self, { withFileTypes: true }).catch(() => [] as Dirent[])
  return list.sort((a, b) => (a.name < b.name ? -1 : 1))
}
