/**
 * `npm run crash`: installs when packages are missing, builds when sources changed, and kills the
 * built server at random until somebody is satisfied. Arguments after `--` are the campaign's;
 * `--help` lists them.
 */

import { mustBuild } from './build.mjs'
import { install, requireNode } from './install.mjs'

requireNode()
install()
const args = process.argv.slice(2)
if (!args.some((arg) => /^(--help|-h)$/.test(arg))) mustBuild()
process.env.MANIFOLD_TEST_BUILT = '1'

// The campaign is written in TypeScript; tsx is installed by now.
const { register } = await import('tsx/esm/api')
register()
const { main } = await import('../test/crash/main.ts')
process.exitCode = await main(args)
