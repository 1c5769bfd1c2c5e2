/**
 * `npm run bench`: installs when packages are missing, builds when sources changed, and measures the
 * build. Arguments after `--` are the benchmark's; `--help` lists them.
 */

import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { copyAssets, fingerprint, isBuilt } from './assets.mjs'
import { install, requireNode, root, say, stop } from './install.mjs'

requireNode()
install()
const args = process.argv.slice(2)
if (!args.some((arg) => /^--(help|server)\b|^-h$/.test(arg))) build()

// The benchmark is written in TypeScript; tsx is installed by now.
const { register } = await import('tsx/esm/api')
register()
const { main } = await import('../bench/main.ts')
process.exitCode = await main(args)

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
  if (done.status !== 0) stop('The sources do not compile; the reasons are above.', done.status)
  copyAssets(stamp)
}
