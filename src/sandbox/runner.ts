/**
 * Runs commands in a workspace, behind the best walls this machine has. Nothing that a command started
 * outlives it, and nothing of the server's environment reaches it.
 */

import { constants } from 'node:fs'
import { open, realpath } from 'node:fs/promises'
import type { ProcessMark } from '../kernel/event.ts'
import { Fault } from '../kernel/fault.ts'
import type {
  Exit,
  Isolation,
  LaunchSpec,
  RunItem,
  Runner,
  RunSpec,
  Talk,
  TalkSpec,
} from '../kernel/workspace.ts'
import { createEnding } from './ending.ts'
import { type Gated, LETTER, outputsOf, startGated } from './gate.ts'
import { probe, settingOf, type Walls, wrap } from './isolation.ts'
import { openRoot } from './place.ts'
import type { RunnerSettings } from './ports.ts'
import { reap, signalGroup } from './process.ts'
import { createSink } from './sink.ts'
import { createTalk } from './talk.ts'

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const DEFAULT_OUTPUT_BYTES = 256 * 1024

export function createRunner(settings: RunnerSettings = {}): Runner {
  const path = settings.path ?? DEFAULT_PATH
  const found = new Map<boolean, Promise<Walls>>()
  const setup: Setup = {
    settings,
    path,
    walls: (network = settings.network ?? false) => {
      const known = found.get(network)
      if (known) return known
      const walls = hiddenReal(settings).then((s) => probe({ ...s, network }, path))
      found.set(network, walls)
      return walls
    },
  }
  return {
    run: (spec) => run(setup, spec),
    launch: (spec) => launch(setup, spec),
    talk: (spec) => talk(setup, spec),
    reap,
    describe: async () => isolationOf(await setup.walls()),
  }
}

interface Setup {
  settings: RunnerSettings
  path: string
  /** With or without a network; default as the settings say. */
  walls(network?: boolean): Promise<Walls>
}

async function hiddenReal(settings: RunnerSettings): Promise<RunnerSettings> {
  const hidden = (settings.hidden ?? []).map((folder) => realpath(folder).catch(() => null))
  return { ...settings, hidden: (await Promise.all(hidden)).filter((f) => f !== null) }
}

async function* run(setup: Setup, spec: RunSpec): AsyncGenerator<RunItem, void> {
  const begun = Date.now()
  const walls = await setup.walls(spec.confinement?.network)
  const sink = createSink(spec.maxOutputBytes ?? DEFAULT_OUTPUT_BYTES)
  const exit = (facts: Partial<Exit>): RunItem => ({
    kind: 'exit',
    exit: {
      cause: 'exited',
      code: null,
      signal: null,
      ...sink.captured(),
      durationMs: Date.now() - begun,
      problem: null,
      isolation: isolationOf(walls),
      ...facts,
    },
  })
  if (spec.signal?.aborted) return yield exit({ cause: 'aborted' })
  let gated: Gated
  try {
    const stdin = spec.stdin === undefined ? 'none' : 'pipe'
    gated = await start(setup, walls, { ...spec, stdin, detached: false })
  } catch (error) {
    return yield exit({ cause: 'failed', problem: reasonOf(error) })
  }
  const ending = createEnding(gated, walls, spec.signal)
  try {
    for (const [i, stream] of outputsOf(gated.child).entries())
      stream.on('data', (chunk: Buffer) => sink.add(i === 0 ? 'stdout' : 'stderr', chunk))
    if (gated.mark) yield { kind: 'process', process: gated.mark }
    if (!ending.cause()) {
      gated.open()
      if (spec.stdin !== undefined) gated.child.stdin?.end(spec.stdin)
      ending.limit(spec.timeoutMs)
    }
    void ending.gone.then(() => ending.clear()).then(sink.finish, sink.finish)
    for (let text = await sink.next(); text !== null; text = await sink.next()) yield* text
    const { code, signal } = await ending.gone
    yield exit({ cause: ending.cause() ?? 'exited', code, signal })
  } finally {
    ending.kill()
    await ending.gone
    await ending.clear()
  }
}

interface StartSpec {
  root: string
  command: RunSpec['command']
  cwd?: string
  env?: Record<string, string>
  streams?: RunSpec['streams']
  confinement?: RunSpec['confinement']
  stdin: 'none' | 'pipe'
  detached: boolean
  outputFile?: number
}

async function start(setup: Setup, walls: Walls, spec: StartSpec): Promise<Gated> {
  if (!walls.usable) throw new Fault('unavailable', walls.notice ?? 'No command can run.')
  if (spec.confinement && !walls.isolated) throw new Fault('unavailable', NO_WALLS)
  const settings = confined(await hiddenReal(setup.settings), spec.confinement)
  const root = (await openRoot(spec.root, [])).path
  const cwd = await realpath(spec.cwd ?? root).catch(() => {
    throw new Fault('not_found', 'The folder to run the command in does not exist.')
  })
  if (cwd !== root && !cwd.startsWith(`${root}/`))
    throw new Fault('forbidden', 'The folder to run the command in is outside the workspace.')
  const { command } = spec
  const argv =
    typeof command === 'string' ? ['/bin/sh', '-c', command] : [command.file, ...command.args]
  if (argv.some((word) => word.includes('\0')))
    throw new Fault('invalid', 'A command cannot contain a NUL character.')
  const own = environment(setup, root)
  const given = checked(spec.env ?? {})
  return startGated({
    argv: wrap(walls, settings, {
      ...{ root, cwd, argv },
      detached: spec.detached,
      readOnly: spec.confinement?.readOnly ?? false,
      letter: LETTER,
    }),
    cwd,
    // A variable such as LD_PRELOAD would have its way before the walls are there.
    ...(walls.bwrap ? { env: own, letter: settingOf(given) } : { env: { ...own, ...given } }),
    merged: spec.streams !== 'apart' && spec.outputFile === undefined,
    stdin: spec.stdin,
    output: spec.outputFile,
  })
}

const NO_WALLS =
  'Commands may only run in a sandbox here, and this machine has none that works. Install bubblewrap, or turn the sandbox off.'

function confined(settings: RunnerSettings, walls: RunSpec['confinement']): RunnerSettings {
  if (!walls || walls.memoryBytes === null) return settings
  return { ...settings, limits: { ...settings.limits, memoryBytes: walls.memoryBytes } }
}

function environment(setup: Setup, root: string): Record<string, string> {
  return {
    PATH: setup.path,
    HOME: root,
    LANG: 'C.UTF-8',
    TERM: 'dumb',
    ...setup.settings.env,
  }
}

/** A NUL would end one argument of the walls and begin another. */
function checked(env: Record<string, string>): Record<string, string> {
  for (const [name, value] of Object.entries(env))
    if (!/^[^=\0]+$/.test(name) || value.includes('\0'))
      throw new Fault('invalid', 'A variable needs a name without =, and neither may contain NUL.')
  return env
}

async function launch(
  setup: Setup,
  spec: LaunchSpec,
): Promise<{ pid: number; process: ProcessMark | null }> {
  const walls = await setup.walls()
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW
  const file = await open(spec.output, flags, 0o600)
  try {
    const detached = { stdin: 'none', detached: true, outputFile: file.fd } as const
    const gated = await start(setup, walls, { ...spec, ...detached })
    try {
      if (gated.mark) await spec.onMark?.(gated.mark)
    } catch (error) {
      signalGroup(gated.pid, 'SIGKILL')
      throw error
    }
    gated.open()
    gated.child.unref()
    return { pid: gated.pid, process: gated.mark }
  } finally {
    await file.close()
  }
}

async function talk(setup: Setup, spec: TalkSpec): Promise<Talk> {
  const walls = await setup.walls()
  const { root, command, cwd, env } = spec
  const place = { root, command, ...(cwd === undefined ? {} : { cwd }), ...(env ? { env } : {}) }
  const gated = await start(setup, walls, {
    ...place,
    streams: 'apart',
    stdin: 'pipe',
    detached: false,
  })
  gated.open()
  return createTalk(gated, createEnding(gated, walls, undefined))
}

const isolationOf = ({ mode, isolated, network, notice }: Walls): Isolation => ({
  mode,
  isolated,
  network,
  notice,
})

const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)
