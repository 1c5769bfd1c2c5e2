/**
 * What there is of a sandbox: the files of one workspace, and a way to run commands in it. Types
 * only; the sandbox implements them, tools and dialects use them.
 */

import type { ProcessMark } from './event.ts'
import type { Confinement } from './policy.ts'

// ---- files --------------------------------------------------------------------------------

export interface Entry {
  /** Relative to the root; `.` is the root. */
  path: string
  name: string
  kind: 'file' | 'directory' | 'link' | 'other'
  size: number
  mtimeMs: number
  birthtimeMs: number
  mode: number
  /** Weak: changes with size, time of change, or when the file is replaced. */
  etag: string
  /** Where a link points, as written. */
  target?: string
}

/**
 * The files of one workspace and nothing else of the machine. Paths are relative to the root, absolute
 * inside it, or begin with `/workspace`. Changes of one workspace are made one after another.
 *
 * Every method throws a Fault for what can be expected: `forbidden` (outside, or not allowed),
 * `not_found`, `conflict`, `stale`, `invalid`, `unsupported` (a device, a binary), `too_large`;
 * `details.reason` says more.
 */
export interface Workspace {
  /** Absolute, without symlinks. */
  root: string
  stat(path: string): Promise<Entry>
  list(path: string): Promise<Entry[]>
  read(path: string, options?: { offset?: number; maxBytes?: number }): Promise<Piece>
  lines(path: string, options?: LineOptions): Promise<Lines>
  /** Whoever opens it reads it to its end or destroys it. */
  stream(path: string, options?: { offset?: number }): Promise<{ entry: Entry; body: ByteStream }>
  /** Replaces the file whole or not at all. Of a stream nothing is seen before its end. */
  write(
    path: string,
    data: string | Uint8Array | AsyncIterable<Uint8Array>,
    options?: WriteOptions,
  ): Promise<{ entry: Entry; created: boolean }>
  append(path: string, data: string | Uint8Array): Promise<Entry>
  edit(path: string, edit: Edit): Promise<Edited>
  glob(pattern: string, options?: GlobOptions): Promise<Found>
  grep(pattern: string, options?: GrepOptions): Promise<Grepped>
  mkdir(path: string, options?: { parents?: boolean }): Promise<Entry>
  /** Without `overwrite` a Fault `conflict` (`exists`) when something is at the target. */
  move(from: string, to: string, options?: { overwrite?: boolean }): Promise<Entry>
  /** Without `recursive` a Fault `conflict` (`not_empty`) for a folder that has anything in it. */
  remove(path: string, options?: { recursive?: boolean; ifMatch?: string }): Promise<Entry>
}

export type ByteStream = AsyncIterable<Uint8Array> & { destroy(): unknown }

export interface Piece {
  entry: Entry
  bytes: Uint8Array
  /** The file goes on after these bytes. */
  truncated: boolean
}

export interface WriteOptions {
  /** Default true; false: Fault `conflict` (`exists`) when there is something already. */
  overwrite?: boolean
  /** Fault `stale` when the file is not there or has another etag. */
  ifMatch?: string
  /** Set as the time of the last change. */
  mtimeMs?: number
}

export interface LineOptions {
  /** First line, from 1. */
  from?: number
  count?: number
  /** Of the lines together; at least one line is given, cut if need be. */
  maxBytes?: number
}

export interface Lines {
  entry: Entry
  from: number
  lines: string[]
  /** How many lines the file has; null when it is too large to count. */
  total: number | null
}

export interface Edit {
  old: string
  new: string
  /** Replace every occurrence; otherwise there must be exactly one. */
  all?: boolean
  ifMatch?: string
}

export interface Edited {
  entry: Entry
  replaced: number
  /** Where the first change begins, counted from 1. */
  line: number
}

export interface GlobOptions {
  path?: string
  limit?: number
  signal?: AbortSignal
}

export interface Found {
  /** Folders end in `/`. */
  paths: string[]
  partial: boolean
}

export interface GrepOptions extends GlobOptions {
  /** Only files whose path (with a `/`) or name (without) matches. */
  glob?: string
  ignoreCase?: boolean
  /** For the whole search. */
  timeoutMs?: number
}

export interface Grepped {
  hits: { path: string; line: number; text: string }[]
  files: number
  /** Files that are too large or not text. */
  skipped: number
  partial: boolean
}

// ---- commands -----------------------------------------------------------------------------

export interface Captured {
  text: string
  /** Of the whole output. */
  bytes: number
  truncated: boolean
}

export interface Isolation {
  mode: 'bubblewrap' | 'plain'
  /** Only the workspace can be written, and nothing of the server can be seen. */
  isolated: boolean
  network: boolean
  /** For people: what is not protected, and why. Null when all is well. */
  notice: string | null
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
  /** Absent: the runner's own walls. With it a command that cannot be kept apart is refused. */
  confinement?: Omit<Confinement, 'timeoutMs'>
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

/** A command that somebody speaks with: line by line into it, and whatever it writes out of it. */
export interface Talk {
  /** Rejects when the command has ended. */
  say(text: string): Promise<void>
  /** Told of everything that it writes, from the beginning on; to be called once. */
  hear(on: { stdout(chunk: Uint8Array): void; stderr(chunk: Uint8Array): void }): void
  /** It has ended, by itself or by `end`. Never rejects. */
  gone: Promise<void>
  /** Lets it leave by closing its input, and ends it with all that it started when it does not. */
  end(): Promise<void>
}

export type TalkSpec = Pick<RunSpec, 'root' | 'command' | 'cwd' | 'env'>

export interface Runner {
  /** Never throws. Whoever stops asking for items ends the command. */
  run(spec: RunSpec): AsyncIterable<RunItem>
  /** Starts a command that goes on after this server. Fault when it cannot be started. */
  launch(spec: LaunchSpec): Promise<{ pid: number; process: ProcessMark | null }>
  /** Starts a command that is spoken with. Fault when it cannot be started. */
  talk(spec: TalkSpec): Promise<Talk>
  /** Ends the process group if it is still the one that was marked. True when something was ended. */
  reap(mark: ProcessMark): boolean
  /** What walls there are. Tried out the first time it is needed. */
  describe(): Promise<Isolation>
}

export interface Sandbox {
  runner: Runner
  /** The folder must exist. Nothing is held open between calls. */
  openWorkspace(path: string): Promise<Workspace>
}
