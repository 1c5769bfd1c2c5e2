/** How commands are run in a workspace: what is asked, what is told, what is promised. */

import type { ProcessMark } from '../kernel/event.ts'
import type { Confinement } from '../kernel/policy.ts'
import type { Captured } from './capture.ts'

export interface Isolation {
  mode: 'bubblewrap' | 'plain'
  /** Only the workspace can be written, and nothing of the server can be seen. */
  isolated: boolean
  network: boolean
  /** For people: what is not protected, and why. Null when all is well. */
  notice: string | null
}

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
