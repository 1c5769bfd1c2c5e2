/** Brings dist to what src says, and does nothing when it is there already. */

import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { copyAssets, fingerprint, isBuilt } from './assets.mjs'
import { root, say, stop } from './install.mjs'

export function build() {
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
