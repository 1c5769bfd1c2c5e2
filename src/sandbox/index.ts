/** What a thread works on and with: the files of its workspace, and the commands that run in it. */

export type { Entry } from './entry.ts'
export type {
  Exit,
  Isolation,
  LaunchSpec,
  RunItem,
  Runner,
  RunnerSettings,
  RunSpec,
} from './ports.ts'
export { createRunner } from './runner.ts'
export { openWorkspace, type Workspace, type WorkspaceOptions } from './workspace.ts'
