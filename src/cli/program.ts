/**
 * The `manifold` command: words to commands, failures to one clear line and an exit code. Nothing
 * heavy is loaded before a command needs it, so `--version` and `--help` answer at once.
 */

import { Command, CommanderError, Option } from 'commander'
import { isFault } from '../kernel/fault.ts'
import { type Client, createClient } from './client.ts'
import { answerAsk, cancelRun, printEvents } from './commands/act.ts'
import { chat } from './commands/chat.ts'
import { listAsks, listRuns, listThreads } from './commands/list.ts'
import {
  addClientFlags,
  addServerFlags,
  type ClientConfig,
  type Config,
  readClientConfig,
  readConfig,
  type ServerFlags,
} from './config.ts'
import { redactText } from './redact.ts'
import { count, type Env } from './setting.ts'
import { createPaint } from './terminal.ts'
import { version } from './version.ts'

/** What only the composition root can do. */
export interface ServerCommands {
  /** Resolves when the server has stopped. */
  serve(config: Config): Promise<void>
  /** Resolves with the exit code. */
  doctor(config: Config, options: { rebuild: boolean }): Promise<number>
}

type ClientFlags = { url?: string; token?: string } & Record<string, unknown>

/** Resolves with the exit code. `argv` is without node and script. */
export async function runCli(
  argv: readonly string[],
  env: Env,
  commands: ServerCommands,
): Promise<number> {
  let exitCode = 0
  const program = new Command('manifold')
    .description('One self-hosted agent server that speaks several agent APIs.')
    .version(version(), '-v, --version')
    .showHelpAfterError('(--help lists the flags)')
    .exitOverride()
  const finish = (code: number): void => {
    exitCode = code
  }
  addServerCommands(program, env, commands, finish)
  addChat(program, env, finish)
  addLists(program, env)
  addEvents(program, env)
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return exitCode
  } catch (error) {
    return report(error)
  }
}

function addServerCommands(
  program: Command,
  env: Env,
  commands: ServerCommands,
  finish: (code: number) => void,
): void {
  addServerFlags(program.command('serve').description('start the server')).action(
    async (flags: ServerFlags) => await commands.serve(readConfig(flags, env)),
  )
  addServerFlags(program.command('doctor').description('check store, sandbox, models and ports'))
    .option('--rebuild', 'compute all index rows again from the log')
    .action(async (flags: ServerFlags & { rebuild?: boolean }) =>
      finish(await commands.doctor(readConfig(flags, env), { rebuild: flags.rebuild ?? false })),
    )
}

function addChat(program: Command, env: Env, finish: (code: number) => void): void {
  addClientFlags(program.command('chat').description('talk to an agent of a running server'))
    .option('--thread <id>', 'go on with this thread')
    .option('--agent <name>', 'who answers')
    .option('--model <provider:model>', 'another model than the agent’s own')
    .option('--yes', 'approve everything that is asked, when the input is a pipe')
    .action(async (flags: ClientFlags & Record<'thread' | 'agent' | 'model', string>) => {
      const { config, client, style } = connect(flags, env)
      const code = await chat({
        client,
        style,
        terminal: { input: process.stdin, output: process.stdout },
        isTerminal: config.isTerminal,
        thread: flags.thread ?? null,
        agent: flags.agent ?? null,
        model: flags.model ?? null,
        yes: flags.yes === true,
        ...(config.isTerminal ? {} : { onInterrupt: onSignal }),
      })
      process.stdin.unref?.()
      finish(code)
    })
}

function addLists(program: Command, env: Env): void {
  const paged = (command: Command): Command =>
    addClientFlags(command)
      .option('--json', 'the server’s JSON')
      .addOption(new Option('--limit <n>', 'at most so many rows').argParser(count).default(20))
      .addOption(new Option('--offset <n>', 'leave out the first rows').argParser(count))
  const list = (show: typeof listThreads, fields: readonly string[]) => {
    return async (flags: ClientFlags) => {
      const { config, client } = connect(flags, env)
      const names = [...fields, 'limit', 'offset']
      const query = Object.fromEntries(names.map((name) => [name, flags[name] as string]))
      await show({ client, write, columns: config.columns, json: flags.json === true, query })
    }
  }

  paged(program.command('threads').description('list threads'))
    .option('--agent <name>', 'only of this agent')
    .option('--status <status>', 'idle, running, waiting, ...')
    .addOption(
      new Option('--parent <id>', 'children of this thread').default('none', 'threads of people'),
    )
    .option('--search <words>', 'only where the title or the last words have them')
    .action(list(listThreads, ['agent', 'status', 'parent', 'search']))

  const runs = program.command('runs').description('list runs, or cancel one')
  paged(runs.command('list', { isDefault: true }).description('list runs'))
    .option('--thread <id>', 'only of this thread')
    .option('--agent <name>', 'only of this agent')
    .option('--status <status>', 'running, waiting, completed, failed, ...')
    .action(list(listRuns, ['thread', 'agent', 'status']))
  addClientFlags(runs.command('cancel <run>').description('end a run')).action(
    async (run: string, flags: ClientFlags) =>
      await cancelRun({ client: connect(flags, env).client, write }, run),
  )

  const asks = program.command('asks').description('list what waits for a person, or answer it')
  paged(asks.command('list', { isDefault: true }).description('list asks'))
    .option('--thread <id>', 'only of this thread')
    .action(list(listAsks, ['thread']))
  addClientFlags(
    asks.command('answer <ask> <answer...>').description('yes, no, always, or words'),
  ).action(
    async (ask: string, words: string[], flags: ClientFlags) =>
      await answerAsk({ client: connect(flags, env).client, write }, ask, words.join(' ')),
  )
}

function addEvents(program: Command, env: Env): void {
  addClientFlags(program.command('events <thread>').description('print the log of a thread'))
    .option('--follow', 'and what happens from now on')
    .addOption(new Option('--after <seq>', 'only what comes after it').argParser(count).default(0))
    .option('--json', 'one JSON object a line')
    .action(async (thread: string, flags: ClientFlags & { after: number }) => {
      const { config, client } = connect(flags, env)
      const stop = new AbortController()
      const unlisten = onSignal(() => stop.abort())
      await printEvents({
        client,
        write,
        thread,
        after: flags.after,
        follow: flags.follow === true,
        json: flags.json === true,
        columns: config.columns,
        signal: stop.signal,
      })
      unlisten()
    })
}

function connect(
  flags: ClientFlags,
  env: Env,
): {
  config: ClientConfig
  client: Client
  style: { paint: ReturnType<typeof createPaint>; columns: number }
} {
  const config = readClientConfig(flags, env)
  const style = { paint: createPaint(config.colour), columns: config.columns }
  return { config, client: createClient(config), style }
}

const write = (text: string): void => {
  process.stdout.write(text)
}

function onSignal(listener: () => void): () => void {
  process.on('SIGINT', listener)
  return () => process.off('SIGINT', listener)
}

/** One line for what was expected, everything for a bug. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode
  if (error instanceof Error && error.name === 'AbortError') return 130
  const text = isFault(error) || !(error instanceof Error) ? String(errorText(error)) : error.stack
  process.stderr.write(`manifold: ${redactText(text ?? '')}\n`)
  return 1
}

const errorText = (error: unknown): unknown => (error instanceof Error ? error.message : error)
