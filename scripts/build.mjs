/**
 * Brings dist to what src and web say, and does nothing when it is there already. The server and the
 * console are built by themselves: a change of one does not cost the other.
 */

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { argv } from 'node:process'
import { fileURLToPath } from 'node:url'
import { CONSOLE, copyAssets, fingerprint, isBuilt, note, SERVER } from './assets.mjs'
import { root, say, stop } from './install.mjs'

/** Null, or why it failed. */
export const build = () => buildServer() ?? buildConsole()

function buildServer() {
  const stamp = fingerprint(SERVER)
  if (isBuilt(SERVER, stamp)) return null
  say('building the server')
  clear()
  const trouble = run('typescript/bin/tsc', ['-p', 'tsconfig.build.json'])
  if (trouble) return `The sources do not compile: ${trouble}`
  copyAssets()
  const tangle = runScript(join(root, 'scripts', 'bundle.mjs'), [])
  if (tangle) return `The server cannot be put together: ${tangle}`
  note(SERVER, stamp)
  return null
}

function buildConsole() {
  const stamp = fingerprint(CONSOLE)
  if (isBuilt(CONSOLE, stamp) && existsSync(join(root, 'dist', 'web', 'index.html'))) return null
  say('building the console')
  const trouble = run('vite/bin/vite.js', ['build', 'web', '--logLevel', 'warn'])
  if (trouble) return `The console cannot be built: ${trouble}`
  note(CONSOLE, stamp)
  return null
}

/** Empties dist but for the console: a file that was renamed must not live on. */
function clear() {
  const dist = join(root, 'dist')
  if (!existsSync(dist)) return
  for (const name of readdirSync(dist))
    if (name !== 'web' && name !== '.built-web') rmSync(join(dist, name), { recursive: true })
}

const run = (tool, args) => runScript(join(root, 'node_modules', tool), args)

function runScript(script, args) {
  const done = spawnSync(process.execPath, [script, ...args], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  if (done.error) return done.error.message
  return done.status === 0 ? null : 'the reasons are above.'
}

/** Ends the process when there is nothing to go on with. */
export function mustBuild() {
  const trouble = build()
  if (trouble) stop(trouble)
}

if (argv[1] === fileURLToPath(import.meta.url)) mustBuild()
