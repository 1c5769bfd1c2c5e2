/** What a thread works on and with: the files of its workspace, and the commands that run in it. */

export type { RunnerSettings } from './ports.ts'
export { createRunner } from './runner.ts'
export { openWorkspace, type WorkspaceOptions } from './workspace.ts'
