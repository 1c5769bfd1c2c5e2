/**
 * `npm test`: installs when packages are missing, checks types and style, builds, runs every test,
 * and closes with one line that says how it went. Arguments are vitest's. The exit code is 0 only
 * when nothing failed and at least one test passed.
 */

import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from './build.mjs'
import { install, requireNode, root, say } from './install.mjs'

requireNode()
install()

const folder = mkdtempSync(join(tmpdir(), 'manifold-test-'))
const report = join(folder, 'report.json')
const checks = [
  run('types', 'typescript/bin/tsc', ['--noEmit']),
  run('types of the console', 'typescript/bin/tsc', ['-p', 'web']),
  run('style', '@biomejs/biome/bin/biome', ['check', '.']),
]
// Servers that are killed and started again are the built ones: what is shipped, and quick to start.
// What does not compile has failed the check of types, and the sources themselves are run instead.
if (build() === null) process.env.MANIFOLD_TEST_BUILT = '1'
const tests = run('tests', 'vitest/vitest.mjs', [
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
  ...process.argv.slice(2),
])
const count = tally(existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : null)
rmSync(folder, { recursive: true, force: true })

// Whatever went wrong is in the closing line: a check that fails counts as one failure, and so
// does a test run that ends badly without a failed test (an unhandled error, a crash).
let failed = count.failed + checks.filter((ok) => !ok).length
if (!tests && count.failed === 0) failed++
if (count.passed === 0) say('no test passed; was a file name misspelled?')
console.log(`\n${count.passed} passed, ${failed} failed, ${count.skipped} skipped`)
process.exitCode = failed === 0 && count.passed > 0 ? 0 : 1

/** Runs one tool of the project; true when it found nothing wrong. */
function run(what, tool, args) {
  const done = spawnSync(process.execPath, [join(root, 'node_modules', tool), ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (done.error) say(`${what}: could not be started: ${done.error.message}`)
  else say(`${what}: ${done.status === 0 ? 'ok' : 'FAILED'}`)
  return done.status === 0
}

/** Sums vitest's report. A file that could not be loaded has no tests and is one failure. */
function tally(json) {
  const total = { passed: 0, failed: 0, skipped: 0 }
  for (const file of json?.testResults ?? []) {
    const states = file.assertionResults.map((test) => test.status)
    const failures = states.filter((state) => state === 'failed').length
    total.passed += states.filter((state) => state === 'passed').length
    total.skipped += states.filter((s) => s !== 'passed' && s !== 'failed').length
    total.failed += failures === 0 && file.status === 'failed' ? 1 : failures
  }
  return total
}
