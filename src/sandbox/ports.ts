/** How the runner is set up; what it does is the kernel's port. */

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
