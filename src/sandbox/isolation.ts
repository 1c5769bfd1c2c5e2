/**
 * What walls there are around a command on this machine. Found out by trying, once: bubblewrap may be
 * installed and yet not be allowed to work.
 */

import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access, lstat, mkdtemp, readdir, readlink, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { promisify } from 'node:util'
import type { Isolation } from '../kernel/workspace.ts'
import type { RunnerSettings } from './ports.ts'

/** What the probe found; enough to wrap any command. */
export interface Walls extends Isolation {
  /** Null: this machine cannot do what the settings demand. */
  usable: boolean
  bwrap: string | null
  prlimit: string | null
  /** Arguments that are the same for every command, in their order. */
  system: string[]
}

export interface Wrapped {
  root: string
  cwd: string
  detached: boolean
  readOnly?: boolean
  /** The descriptor from which the walls are told more. */
  letter?: number
  argv: string[]
}

const run = promisify(execFile)

const SYSTEM = [
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib32',
  '/lib64',
  '/libx32',
  '/etc',
  '/opt',
  '/nix',
]
const TMP_BYTES = String(1024 * 1024 * 1024)

export async function probe(settings: RunnerSettings, path: string): Promise<Walls> {
  const prlimit = await worksPrlimit(await find('prlimit', path))
  const plain: Walls = {
    mode: 'plain',
    isolated: false,
    network: true,
    notice: null,
    usable: true,
    bwrap: null,
    prlimit,
    system: [],
  }
  const notice = (why: string): string =>
    `Commands run without a sandbox (${why}): they can read and change whatever the server's user can, and use the network.`
  if (settings.mode === 'plain') return { ...plain, notice: notice('as configured') }
  const bwrap = await find('bwrap', path)
  const problem = bwrap === null ? 'bubblewrap is not installed' : null
  const walls = bwrap
    ? await tryBubblewrap(settings, { ...plain, bwrap }).catch((error: Error) => error.message)
    : null
  if (walls && typeof walls !== 'string') return walls
  const why = problem ?? `bubblewrap does not work here: ${walls}`
  const usable = settings.mode !== 'bubblewrap'
  return { ...plain, usable, notice: usable ? notice(why) : `No command can run: ${why}.` }
}

async function tryBubblewrap(settings: RunnerSettings, base: Walls): Promise<Walls | string> {
  const root = await mkdtemp(join(await realpath(tmpdir()), 'manifold-probe-'))
  let problem = ''
  try {
    for (const variant of variants()) {
      const system = await systemArguments(settings, variant)
      const network = settings.network ?? false
      const walls: Walls = { ...base, mode: 'bubblewrap', isolated: true, network, system }
      const argv = ['/bin/sh', '-c', 'echo ok > probe && cat probe']
      const [file, ...args] = wrap(walls, settings, { root, cwd: root, detached: false, argv })
      try {
        const { stdout } = await run(file as string, args, { timeout: 10_000, env: {} })
        if (stdout.trim() === 'ok') return walls
        problem = 'it runs nothing'
      } catch (error) {
        const { stderr, message } = error as { stderr?: string; message: string }
        problem = (stderr || message).trim().split('\n')[0]?.slice(0, 200) ?? ''
      }
    }
    return problem
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

interface Variant {
  /** Root without a user namespace may still change files of other owners in the workspace. */
  isRoot: boolean
  /** Whether this bubblewrap can bound a tmpfs. */
  hasSize: boolean
}

/** What to try, best first. */
const variants = (): Variant[] =>
  [true, false].flatMap((isRoot) =>
    isRoot && !runsAsRoot() ? [] : [true, false].map((hasSize) => ({ isRoot, hasSize })),
  )

const runsAsRoot = (): boolean => process.getuid?.() === 0

function namespaces(isRoot: boolean, network: boolean): string[] {
  if (!isRoot) return ['--unshare-all', ...(network ? ['--share-net'] : [])]
  const own = ['--unshare-ipc', '--unshare-pid', '--unshare-uts', '--unshare-cgroup-try']
  const caps = ['DAC_OVERRIDE', 'FOWNER', 'CHOWN'].flatMap((cap) => ['--cap-add', `CAP_${cap}`])
  return [...own, ...(network ? [] : ['--unshare-net']), '--cap-drop', 'ALL', ...caps]
}

/** The command line that runs `argv` behind the walls. */
export function wrap(walls: Walls, settings: RunnerSettings, wrapped: Wrapped): string[] {
  const argv = [...limits(walls, settings), ...wrapped.argv]
  if (!walls.bwrap || walls.mode === 'plain') return argv
  const { root, cwd } = wrapped
  const hidden = settings.hidden ?? []
  const alias = root.startsWith('/workspace') ? [] : ['--symlink', root, '/workspace']
  return [
    walls.bwrap,
    ...(wrapped.detached ? [] : ['--die-with-parent']),
    '--new-session',
    ...walls.system,
    ...cover(hidden.filter((folder) => !isInside(root, folder) && isVisible(folder, settings))),
    wrapped.readOnly ? '--ro-bind' : '--bind',
    root,
    root,
    ...alias,
    ...cover(hidden.filter((folder) => isInside(root, folder) && folder !== root)),
    '--chdir',
    cwd,
    ...(wrapped.letter === undefined ? [] : ['--args', String(wrapped.letter)]),
    '--',
    ...argv,
  ]
}

/** Tells the walls which variables the command has; in a letter, since others can read a command line. */
export const settingOf = (env: Record<string, string>): string =>
  Object.entries(env)
    .map(([name, value]) => `--setenv\0${name}\0${value}\0`)
    .join('')

const cover = (folders: string[]): string[] => folders.flatMap((folder) => ['--tmpfs', folder])

const isInside = (root: string, path: string): boolean =>
  path === root || path.startsWith(`${root}/`)

const isVisible = (folder: string, settings: RunnerSettings): boolean =>
  [...SYSTEM, ...(settings.readable ?? [])].some((shown) => isInside(shown, folder))

async function systemArguments(
  settings: RunnerSettings,
  { isRoot, hasSize }: Variant,
): Promise<string[]> {
  const args = namespaces(isRoot, settings.network ?? false)
  for (const path of SYSTEM) {
    const stats = await lstat(path).catch(() => null)
    if (stats?.isSymbolicLink()) args.push('--symlink', await readlink(path), path)
    else if (stats) args.push('--ro-bind', path, path)
  }
  args.push('--proc', '/proc', '--dev', '/dev')
  args.push(...(hasSize ? ['--size', TMP_BYTES] : []), '--tmpfs', '/tmp')
  args.push('--tmpfs', '/run', '--dir', '/var/tmp', '--symlink', '/run', '/var/run')
  args.push('--ro-bind-try', '/run/current-system', '/run/current-system')
  const resolver = await realpath('/etc/resolv.conf').catch(() => null)
  if (settings.network && resolver?.startsWith('/run/'))
    args.push('--ro-bind-try', resolver, resolver)
  for (const path of settings.readable ?? []) args.push('--ro-bind-try', path, path)
  if (runsAsRoot()) args.push(...KERNEL_FILES, ...(await masks('/etc', 3)))
  return args
}

/**
 * What the kernel lets its root change by writing to a file, without any further right: one of these
 * names a program that it runs outside of all walls. bubblewrap looks at the folders only.
 */
const KERNEL_FILES = ['sys', 'sysrq-trigger', 'fs', 'acpi', 'scsi', 'mtrr']
  .map((name) => `/proc/${name}`)
  .flatMap((path) => ['--ro-bind-try', path, path])

/** What only root may read stays unread, although the command runs as root. */
async function masks(folder: string, depth: number): Promise<string[]> {
  const args: string[] = []
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name)
    const stats = await lstat(path).catch(() => null)
    if (!stats || stats.isSymbolicLink()) continue
    if (stats.isDirectory() && (stats.mode & 0o005) !== 0o005) args.push('--tmpfs', path)
    else if (stats.isDirectory() && depth > 0) args.push(...(await masks(path, depth - 1)))
    else if (stats.isFile() && (stats.mode & 0o004) === 0) args.push('--ro-bind', '/dev/null', path)
  }
  return args
}

function limits(walls: Walls, settings: RunnerSettings): string[] {
  if (!walls.prlimit) return []
  const { openFiles = 4096, fileBytes, processes, memoryBytes } = settings.limits ?? {}
  const args = ['--core=0', `--nofile=${openFiles}`]
  if (fileBytes) args.push(`--fsize=${fileBytes}`)
  if (memoryBytes) args.push(`--data=${memoryBytes}`)
  // Outside a namespace of its own the count would include everything else that the user runs.
  if (walls.mode === 'bubblewrap') args.push(`--nproc=${processes ?? 1024}`)
  return [walls.prlimit, ...args, '--']
}

async function worksPrlimit(prlimit: string | null): Promise<string | null> {
  if (!prlimit) return null
  try {
    await run(prlimit, ['--core=0', '--nofile=64', '--nproc=1024', '--', '/bin/sh', '-c', ':'])
    return prlimit
  } catch {
    return null
  }
}

async function find(name: string, path: string): Promise<string | null> {
  for (const folder of path.split(':').filter(isAbsolute)) {
    const file = join(folder, name)
    if (
      await access(file, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return file
  }
  return null
}
