#!/usr/bin/env node
/**
 * The program. What only a server needs is loaded when a server is asked for, so that the commands
 * that talk to one, `--help` and `--version` answer at once.
 */

import { processInput } from './cli/config.ts'
import { runCli } from './cli/program.ts'

const { argv, env } = processInput()
process.exitCode = await runCli(argv, env, {
  serve: async (config) => (await import('./serve.ts')).serve(config),
  doctor: async (config, options) => (await import('./examine.ts')).doctor(config, options),
})
