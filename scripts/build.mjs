/** Brings dist to what src says, and does nothing when it is there already. Null, or why it failed. */

import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { copyAssets, fingerprint, isBuilt } from './assets.mjs'
import { root, say, stop } from './install.mjs'

export function build() {
  const stamp = fingerprint()
  if (isBuilt(stamp)) return null
  say('building')
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const done = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  if (done.error) return `The compiler could not be started: ${done.error.message}`
  if (done.status !== 0) return 'The sources do not compile; the reasons are above.'
  copyAssets(stamp)
  return null
}

/** Ends the process when there is nothing to go on with. */
export function mustBuild() {
  const trouble = build()
  if (trouble) stop(trouble)
}
