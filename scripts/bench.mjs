/**
 * `npm run bench`: installs when packages are missing, builds when sources changed, and measures the
 * build. Arguments after `--` are the benchmark's; `--help` lists them.
 */

import { mustBuild } from './build.mjs'
import { install, requireNode } from './install.mjs'

requireNode()
install()
const args = process.argv.slice(2)
if (!args.some((arg) => /^--(help|server)\b|^-h$/.test(arg))) mustBuild()

// The benchmark is written in TypeScript; tsx is installed by now.
const { register } = await import('tsx/esm/api')
register()
const { main } = await import('../bench/main.ts')
process.exitCode = await main(args)
