/** What a thread works on and with: the files of its workspace, and the commands that run in it. */

export type { Entry } from './entry.ts'
export type { Isolation } from './isolation.ts'
export {
  createRunner,
  type Exit,
  type LaunchSpec,
  type RunItem,
  type Runner,
  type RunnerSettings,
  type RunSpec,
} from './runner.ts'
export { openWorkspace, type Workspace, type WorkspaceOptions } from './workspace.ts'
