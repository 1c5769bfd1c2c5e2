/**
 * Brings node_modules to what package-lock.json says, and does nothing when it is there already.
 * Plain JavaScript without dependencies: it runs before anything is installed.
 */

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

const OLDEST_NODE = [20, 19]

/** Ends the process with a plain sentence when this Node cannot run the project. */
export function requireNode(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number)
  const [wantMajor, wantMinor] = OLDEST_NODE
  if (major > wantMajor || (major === wantMajor && minor >= wantMinor)) return
  stop(
    `Manifold needs Node ${OLDEST_NODE.join('.')} or newer; this is Node ${version}. ` +
      'Install a newer Node from https://nodejs.org and try again.',
  )
}

/** Runs `npm ci` unless the installed packages are those of the lock file. */
export function install() {
  const lockFile = join(root, 'package-lock.json')
  const stampFile = join(root, 'node_modules', '.manifold-lock')
  const lock = readFileSync(lockFile)
  const stamp = createHash('sha256').update(lock).digest('hex')
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return
  if (!isInstalled(JSON.parse(lock.toString()))) {
    say('installing packages (once, this can take a minute)')
    const done = npm(['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'])
    if (done !== 0) stop('npm ci did not succeed; its own message is above.', done)
  }
  writeFileSync(stampFile, stamp)
}

/** Whether somebody already ran npm here: what npm noted as installed is what the lock names. */
function isInstalled(lock) {
  const noted = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(noted)) return false
  const installed = JSON.parse(readFileSync(noted, 'utf8')).packages ?? {}
  return Object.entries(lock.packages).every(
    ([path, entry]) =>
      path === '' || entry.optional === true || installed[path]?.version === entry.version,
  )
}

/** Settings of an outer npm that would make an inner one install elsewhere, or less. */
const MISLEADING =
  /^npm_config_(global|location|prefix|local_prefix|workspaces?|include_workspace_root|omit|production|only|dry_run|package_lock_only)$/i

/** Runs npm in the project, the same npm that started us when there is one. */
function npm(args) {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !MISLEADING.test(name)),
  )
  const outer = process.env.npm_execpath
  const options = { cwd: root, env, stdio: ['ignore', 2, 2] }
  const done =
    outer && basename(outer) === 'npm-cli.js' && existsSync(outer)
      ? spawnSync(process.execPath, [outer, ...args], options)
      : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' })
  if (done.error) stop(`npm could not be started: ${done.error.message}`)
  return done.status ?? 1
}

/** Progress goes to stderr: stdout belongs to what is being started. */
export function say(text) {
  process.stderr.write(`manifold: ${text}\n`)
}

export function stop(text, code = 1) {
  say(text)
  process.exit(code || 1)
}
