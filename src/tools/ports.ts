/** What the tools need of a sandbox: the files of a workspace, and a way to run commands in it. */

import type { ProcessMark } from '../kernel/event.ts'

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
 * inside it, or begin with `/workspace`. Every method throws a Fault for what can be expected.
 */
export interface Workspace {
  list(path: string): Promise<Entry[]>
  lines(
    path: string,
    options?: { from?: number; count?: number; maxBytes?: number },
  ): Promise<{ entry: Entry; from: number; lines: string[]; total: number | null }>
  write(path: string, data: string): Promise<{ entry: Entry; created: boolean }>
  edit(
    path: string,
    edit: { old: string; new: string; all?: boolean },
  ): Promise<{ entry: Entry; replaced: number; line: number }>
  glob(
    pattern: string,
    options?: { path?: string; limit?: number; signal?: AbortSignal },
  ): Promise<{ paths: string[]; partial: boolean }>
  grep(
    pattern: string,
    options?: {
      path?: string
      glob?: string
      ignoreCase?: boolean
      limit?: number
      signal?: AbortSignal
    },
  ): Promise<{
    hits: { path: string; line: number; text: string }[]
    files: number
    skipped: number
    partial: boolean
  }>
}

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

export interface Exit {
  /** `failed`: it could not be started; `problem` says why. */
  cause: 'exited' | 'timeout' | 'aborted' | 'failed'
  code: number | null
  signal: string | null
  /** Both outputs in the order they were written. */
  stdout: Captured
  durationMs: number
  problem: string | null
  isolation: Isolation
}

export type RunItem =
  /** First, where the system can tell. The command does nothing until the next item is asked for. */
  | { kind: 'process'; process: ProcessMark }
  | { kind: 'output'; stream: 'stdout' | 'stderr'; text: string }
  /** Last, always. */
  | { kind: 'exit'; exit: Exit }

export interface Runner {
  /** Never throws. Whoever stops asking for items ends the command. */
  run(spec: {
    root: string
    command: string | { file: string; args: readonly string[] }
    timeoutMs: number | null
    confinement?: { network: boolean; readOnly: boolean; memoryBytes: number | null }
    signal?: AbortSignal
  }): AsyncIterable<RunItem>
  /** Ends the process group if it is still the one that was marked. True when something was ended. */
  reap(mark: ProcessMark): boolean
}

export interface Sandbox {
  runner: Runner
  openWorkspace(path: string): Promise<Workspace>
}
