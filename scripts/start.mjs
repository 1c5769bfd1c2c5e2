/**
 * `npm start`: installs when packages are missing, builds when sources changed, then becomes the
 * server. The server runs in this very process, so a signal or an exit code needs no passing on.
 */

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { mustBuild } from './build.mjs'
import { install, requireNode, root } from './install.mjs'

requireNode()
install()
mustBuild()
if (process.env.npm_lifecycle_event) endWithParent()

const main = join(root, 'dist', 'main.js')
process.argv = [process.execPath, main, 'serve', ...process.argv.slice(2)]
await import(pathToFileURL(main).href)

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
