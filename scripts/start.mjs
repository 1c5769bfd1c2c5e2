/**
 * `npm start`: installs when packages are missing, builds when sources changed, then becomes the
 * server. The server runs in this very process, so a signal or an exit code needs no passing on.
 */

import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { copyAssets, fingerprint, isBuilt } from './assets.mjs'
import { install, requireNode, root, say, stop } from './install.mjs'

requireNode()
install()
build()
if (process.env.npm_lifecycle_event) endWithParent()

const main = join(root, 'dist', 'main.js')
process.argv = [process.execPath, main, 'serve', ...process.argv.slice(2)]
await import(pathToFileURL(main).href)

function build() {
  const stamp = fingerprint()
  if (isBuilt(stamp)) return
  say('building')
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const done = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  if (done.error) stop(`The compiler could not be started: ${done.error.message}`)
  if (done.status !== 0) stop('The sources do not compile; the reasons are above.', done.status)
  copyAssets(stamp)
}

/**
 * npm passes a signal to the shell it started, and many shells die of it without telling us. When
 * the parent is gone nobody can stop the server from where it was started, so it stops by itself.
 */
function endWithParent() {
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    process.kill(process.pid, 'SIGTERM')
  }, 250)
  watch.unref()
}
