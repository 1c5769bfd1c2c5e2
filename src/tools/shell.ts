/** Run a command in the workspace. Everything it started is gone when it ends. */

import { z } from 'zod'
import type { Json } from '../kernel/part.ts'
import type { Tool, ToolContext, ToolItem } from '../kernel/ports.ts'
import type { Exit, Isolation, Sandbox } from '../kernel/workspace.ts'
import { CANCELLED, defineTool, done, failed, NO_SUBJECT } from './define.ts'

const DEFAULT_TIMEOUT_MS = 120_000
const MAX_TIMEOUT_MS = 600_000

const Input = z.strictObject({
  command: z.string().min(1).describe('For /bin/sh, run in the root of the workspace.'),
  timeoutMs: z
    .number()
    .int()
    .min(1)
    .max(MAX_TIMEOUT_MS)
    .optional()
    .describe(`Default ${DEFAULT_TIMEOUT_MS}, at most ${MAX_TIMEOUT_MS}.`),
})

export const createShell = (sandbox: Sandbox): Tool =>
  defineTool({
    name: 'shell',
    about:
      'Run a shell command in the workspace and return what it printed. Each command starts afresh; background processes end with it, and /tmp is not kept.',
    input: Input,
    access: 'execute',
    subject: ({ command }) => command.trim(),
    grant: ({ command }) => commandGrant(command.trim()),
    run: (input, context) => run(sandbox, input, context),
  })

async function* run(
  { runner }: Sandbox,
  input: z.infer<typeof Input>,
  context: ToolContext,
): AsyncGenerator<ToolItem, void> {
  const { command } = input
  const { workspace: root, signal, confinement } = context
  const wanted = input.timeoutMs ?? DEFAULT_TIMEOUT_MS
  const timeoutMs = Math.min(wanted, confinement?.timeoutMs ?? wanted)
  const walls = confinement ? { confinement } : {}
  for await (const item of runner.run({ root, command, timeoutMs, signal, ...walls })) {
    if (item.kind === 'process') yield item
    else if (item.kind === 'output') yield { kind: 'progress', text: item.text }
    else return yield await result(item.exit, timeoutMs, context)
  }
}

async function result(exit: Exit, timeoutMs: number, context: ToolContext): Promise<ToolItem> {
  const text = exit.stdout.text.trimEnd()
  const meta: Record<string, Json> = {
    exitCode: exit.code,
    signal: exit.signal,
    durationMs: exit.durationMs,
    rawBytes: exit.stdout.bytes,
    truncated: exit.stdout.truncated,
    sandbox: exit.isolation.mode,
    ...(await firstNotice(exit.isolation, context)),
  }
  const said = (last: string): string => (text ? `${text}\n${last}` : last)
  switch (exit.cause) {
    case 'failed':
      return failed(exit.problem ?? 'The command could not be started.', meta)
    case 'aborted':
      return failed(said(`[${CANCELLED}]`), meta)
    case 'timeout':
      return failed(said(`[Ended after ${timeoutMs} ms: the time limit was reached.]`), meta)
    default:
      if (exit.code === 0) return done(text || '[The command printed nothing.]', meta)
      return failed(
        said(exit.code === null ? `[signal ${exit.signal}]` : `[exit ${exit.code}]`),
        meta,
      )
  }
}

/** Whoever reads the thread is told once that there are no walls. */
async function firstNotice(
  { notice }: Isolation,
  { memory }: ToolContext,
): Promise<Record<string, Json>> {
  if (notice === null || (await memory.get('noticed'))) return {}
  await memory.put('noticed', true)
  return { notice }
}

/** What runs whatever it is given: an "always" for these would be an "always" for everything. */
const LAUNCHERS = new Set(
  `sh bash zsh dash ksh fish csh tcsh busybox sudo su doas env xargs nohup time timeout nice ionice
  setsid stdbuf command exec eval builtin source . watch strace parallel ssh find awk gawk sed
  python python2 python3 node deno bun perl ruby php lua tclsh npx bunx uvx pipx docker podman`.split(
    /\s+/,
  ),
)

/** `git status` -> `git *`. What cannot be widened safely covers only the very same command. */
export function commandGrant(command: string): string {
  const [first = '', ...rest] = command.split(/[ \t]+/)
  const name = first.slice(first.lastIndexOf('/') + 1)
  const isCompound = /[;&|`<>\n\r]|\$\(|\$\{/.test(command)
  const isPlain = /^[A-Za-z0-9_./+-]+$/.test(first)
  if (!isCompound && isPlain && rest.length > 0 && !LAUNCHERS.has(name)) return `${first} *`
  return !isCompound && command.includes('*') ? NO_SUBJECT : command
}
