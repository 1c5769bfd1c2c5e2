/**
 * Runs commands in a workspace, behind the best walls this machine has. Nothing that a command started
 * outlives it, and nothing of the server's environment reaches it.
 */

import { constants } from 'node:fs'
import { open, realpath } from 'node:fs/promises'
import { StringDecoder } from 'node:string_decoder'
import type { ProcessMark } from '../kernel/event.ts'
import { Fault } from '../kernel/fault.ts'
import { type Captured, createCapture } from './capture.ts'
import { type Gated, outputsOf, startGated } from './gate.ts'
import { type Isolation, probe, type Walls, wrap } from './isolation.ts'
import { openRoot } from './place.ts'
import { descendants, reap, signal, signalGroup, sweep } from './process.ts'

export interface RunnerSettings {
  /** `auto`: bubblewrap where it works. `bubblewrap`: nothing runs where it does not. */
  mode?: 'auto' | 'bubblewrap' | 'plain'
  /** May sandboxed commands use the network? Default false. */
  network?: boolean
  /** Where commands are looked for. */
  path?: string
  /** What every command's environment has besides the minimum. */
  env?: Record<string, string>
  /** Folders of the server that no command may see. */
  hidden?: readonly string[]
  /** More folders that sandboxed commands may read. */
  readable?: readonly string[]
  limits?: { openFiles?: number; fileBytes?: number; processes?: number; memoryBytes?: number }
}

export interface RunSpec {
  /** The workspace: absolute, exists. */
  root: string
  /** For the shell, or an executable and its arguments. */
  command: string | { file: string; args: readonly string[] }
  /** Inside the root; default the root. Absolute. */
  cwd?: string
  env?: Record<string, string>
  stdin?: string
  /** Null: no limit. */
  timeoutMs: number | null
  /** What is kept of the output; default 256 KiB. */
  maxOutputBytes?: number
  /** `apart` tells the two outputs apart; `merged` keeps the order they were written in. */
  streams?: 'merged' | 'apart'
  signal?: AbortSignal
}

export type RunItem =
  /** First, where the system can tell. The command does nothing until the next item is asked for. */
  | { kind: 'process'; process: ProcessMark }
  /** What was written since the last item; stops when as much was told as is kept. */
  | { kind: 'output'; stream: 'stdout' | 'stderr'; text: string }
  /** Last, always. */
  | { kind: 'exit'; exit: Exit }

export interface Exit {
  /** `failed`: it could not be started; `problem` says why. */
  cause: 'exited' | 'timeout' | 'aborted' | 'failed'
  code: number | null
  signal: string | null
  /** Everything when the streams are merged. */
  stdout: Captured
  stderr: Captured
  durationMs: number
  problem: string | null
  isolation: Isolation
}

export interface LaunchSpec
  extends Omit<RunSpec, 'timeoutMs' | 'maxOutputBytes' | 'signal' | 'stdin'> {
  /** Absolute; both outputs are appended to it. */
  output: string
  /** Called before the command does anything. */
  onMark?(mark: ProcessMark): Promise<void>
}

export interface Runner {
  /** Never throws. Whoever stops asking for items ends the command. */
  run(spec: RunSpec): AsyncIterable<RunItem>
  /** Starts a command that goes on after this server. Fault when it cannot be started. */
  launch(spec: LaunchSpec): Promise<{ pid: number; process: ProcessMark | null }>
  /** Ends the process group if it is still the one that was marked. True when something was ended. */
  reap(mark: ProcessMark): boolean
  /** What walls there are. Tried out the first time it is needed. */
  describe(): Promise<Isolation>
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const DEFAULT_OUTPUT_BYTES = 256 * 1024
const GRACE_MS = 2_000
/** A process that not even SIGKILL ends is stuck in the kernel. Nobody waits for it. */
const STUCK_MS = 5_000
const DRAIN_MS = 1_000

export function createRunner(settings: RunnerSettings = {}): Runner {
  const path = settings.path ?? DEFAULT_PATH
  let found: Promise<Walls> | null = null
  const setup: Setup = {
    settings,
    path,
    walls: () => {
      found ??= hiddenReal(settings).then((s) => probe(s, path))
      return found
    },
  }
  return {
    run: (spec) => run(setup, spec),
    launch: (spec) => launch(setup, spec),
    reap,
    describe: async () => isolationOf(await setup.walls()),
  }
}

interface Setup {
  settings: RunnerSettings
  path: string
  walls(): Promise<Walls>
}

async function hiddenReal(settings: RunnerSettings): Promise<RunnerSettings> {
  const hidden = (settings.hidden ?? []).map((folder) => realpath(folder).catch(() => null))
  return { ...settings, hidden: (await Promise.all(hidden)).filter((f) => f !== null) }
}

async function* run(setup: Setup, spec: RunSpec): AsyncGenerator<RunItem, void> {
  const begun = Date.now()
  const walls = await setup.walls()
  const sink = createSink(spec)
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
  stdin: 'none' | 'pipe'
  detached: boolean
  outputFile?: number
}

async function start(setup: Setup, walls: Walls, spec: StartSpec): Promise<Gated> {
  if (!walls.usable) throw new Fault('unavailable', walls.notice ?? 'No command can run.')
  const settings = await hiddenReal(setup.settings)
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
  return startGated({
    argv: wrap(walls, settings, { root, cwd, detached: spec.detached, argv }),
    cwd,
    env: environment(setup, root, spec.env),
    merged: spec.streams !== 'apart' && spec.outputFile === undefined,
    stdin: spec.stdin,
    output: spec.outputFile,
  })
}

function environment(
  setup: Setup,
  root: string,
  more: Record<string, string> = {},
): Record<string, string> {
  return {
    PATH: setup.path,
    HOME: root,
    LANG: 'C.UTF-8',
    TERM: 'dumb',
    ...setup.settings.env,
    ...more,
  }
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

interface Ending {
  /** Why the command was ended, if it was. */
  cause(): 'timeout' | 'aborted' | null
  limit(timeoutMs: number | null): void
  kill(): void
  /** The command itself has ended, or is stuck. */
  gone: Promise<{ code: number | null; signal: string | null }>
  /** Ends what the command left behind. Waits a moment for what was written, never for a process. */
  clear(): Promise<void>
}

function createEnding(gated: Gated, walls: Walls, abort: AbortSignal | undefined): Ending {
  let cause: 'timeout' | 'aborted' | null = null
  let isGone = false
  let giveUp: () => void = () => {}
  const timers = new Set<NodeJS.Timeout>()
  const later = (ms: number, act: () => void): unknown => timers.add(setTimeout(act, ms))
  const kill = (): void => {
    if (isGone) return
    signalGroup(gated.pid, 'SIGKILL')
    later(STUCK_MS, giveUp)
  }
  const onAbort = (): void => {
    cause ??= 'aborted'
    kill()
  }
  const onTimeout = (): void => {
    cause ??= 'timeout'
    void terminate(gated.pid, walls)
    later(GRACE_MS, kill)
  }
  const stuck = new Promise<{ code: null; signal: null }>((resolve) => {
    giveUp = () => resolve({ code: null, signal: null })
  })
  const gone = Promise.race([gated.ended, stuck]).then((how) => {
    isGone = true
    for (const timer of timers) clearTimeout(timer)
    abort?.removeEventListener('abort', onAbort)
    return how
  })
  abort?.addEventListener('abort', onAbort, { once: true })
  if (abort?.aborted) onAbort()
  let cleared: Promise<void> | null = null
  return {
    cause: () => cause,
    limit: (timeoutMs) => {
      if (timeoutMs !== null && !isGone) later(timeoutMs, onTimeout)
    },
    kill,
    gone,
    clear: () => {
      cleared ??= clear(gated, walls)
      return cleared
    },
  }
}

/** In a sandbox the group is only its walls: taking them down would end everything without a word. */
async function terminate(pid: number, walls: Walls): Promise<void> {
  if (walls.mode === 'plain') signalGroup(pid, 'SIGTERM')
  else for (const child of await descendants(pid)) signal(child, 'SIGTERM')
}

async function clear(gated: Gated, walls: Walls): Promise<void> {
  signalGroup(gated.pid, 'SIGKILL')
  if (walls.mode === 'plain' && gated.mark) await sweep(gated.mark)
  const streams = outputsOf(gated.child)
  const closed = Promise.all(
    streams.map((s) => (s.closed ? null : new Promise((resolve) => s.once('close', resolve)))),
  )
  let timer: NodeJS.Timeout | undefined
  const enough = new Promise((resolve) => {
    timer = setTimeout(resolve, DRAIN_MS)
  })
  await Promise.race([closed, enough])
  clearTimeout(timer)
  for (const stream of streams) stream.destroy()
}

type Output = Extract<RunItem, { kind: 'output' }>

/** Where output goes: bounded for the result, and in pieces for whoever watches. */
function createSink(spec: RunSpec) {
  const maxBytes = spec.maxOutputBytes ?? DEFAULT_OUTPUT_BYTES
  const captures = { stdout: createCapture(maxBytes), stderr: createCapture(maxBytes) }
  const decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') }
  let untold = maxBytes
  let pending: Output[] = []
  let finished = false
  let wake: () => void = () => {}
  const tell = (stream: 'stdout' | 'stderr', text: string): void => {
    const last = pending.at(-1)
    if (last?.stream === stream) last.text += text
    else pending.push({ kind: 'output', stream, text })
    wake()
  }
  return {
    captured: () => ({ stdout: captures.stdout.result(), stderr: captures.stderr.result() }),
    add(stream: 'stdout' | 'stderr', chunk: Buffer): void {
      captures[stream].add(chunk)
      if (untold <= 0) return
      const text = decoders[stream].write(chunk.subarray(0, untold))
      untold -= chunk.length
      if (text) tell(stream, text)
      if (untold <= 0) tell(stream, '\n[... the rest is not shown while it runs ...]\n')
    },
    finish(): void {
      finished = true
      wake()
    },
    /** What was written since the last time; null when there will be no more. */
    async next(): Promise<Output[] | null> {
      while (pending.length === 0 && !finished)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      if (pending.length === 0) return null
      const items = pending
      pending = []
      return items
    },
  }
}

const isolationOf = ({ mode, isolated, network, notice }: Walls): Isolation => ({
  mode,
  isolated,
  network,
  notice,
})

const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)
