/**
 * Run one of the actions that the agent's workspace declares: a named command with an input that is
 * checked. It runs behind the same walls as any other command of the workspace.
 */

import { join } from 'node:path'
import { z } from 'zod'
import type { Agent } from '../kernel/agent.ts'
import { Fault } from '../kernel/fault.ts'
import { dress } from '../kernel/id.ts'
import type { Json } from '../kernel/part.ts'
import type { Tool, ToolContext, ToolItem } from '../kernel/ports.ts'
import type { Exit, Sandbox } from '../kernel/workspace.ts'
import { inputProblem } from './action-input.ts'
import { bounded, CANCELLED, defineTool, done, failed } from './define.ts'

const MAX_TIMEOUT_MS = 600_000

const Action = z.object({
  name: z.string(),
  about: z.string(),
  retryPolicy: z.enum(['manual', 'safe']).nullable(),
  inputSchema: z.json().nullable(),
  command: z.string(),
  environment: z.record(z.string(), z.string()),
  cwd: z.string().nullable(),
  timeoutMs: z.number().nullable(),
})

type Action = z.infer<typeof Action>

/** Those that its workspace lets models run. */
export function actionsOf(agent: Agent): Action[] {
  const parsed = z.array(Action).safeParse(agent.extra.actions)
  return parsed.success ? parsed.data : []
}

const Input = z.strictObject({
  name: z.string().min(1).describe('The name of the action.'),
  input: z.json().optional().describe('What the action is told; it says which form this has.'),
})

export const createRunAction = (agent: Agent, sandbox: Sandbox): Tool =>
  defineTool({
    name: 'run_action',
    about: `Run an action of this workspace.\n${actionsOf(agent).map(line).join('\n')}`,
    input: Input,
    access: 'execute',
    replayable: actionsOf(agent).every(({ retryPolicy }) => retryPolicy === 'safe'),
    subject: ({ name }) => name,
    run: (input, context) => run(sandbox, actionsOf(agent), input, context),
  })

const line = ({ name, about, inputSchema }: Action): string =>
  `- ${name}${about === '' ? '' : `: ${about}`}${
    inputSchema === null ? '' : ` Input: ${JSON.stringify(inputSchema)}`
  }`

async function* run(
  sandbox: Sandbox,
  actions: Action[],
  { name, input = null }: z.infer<typeof Input>,
  context: ToolContext,
): AsyncGenerator<ToolItem, void> {
  const action = actions.find((a) => a.name === name)
  if (!action) throw new Fault('not_found', `There is no action ${JSON.stringify(name)}.`)
  const problem = await inputProblem(action.inputSchema, input)
  if (problem !== null)
    throw new Fault('invalid', `Input for action ${name} is invalid: ${problem}`)
  const { workspace: root, signal, confinement } = context
  const longest = Math.min(action.timeoutMs ?? MAX_TIMEOUT_MS, MAX_TIMEOUT_MS)
  const timeoutMs = Math.min(longest, confinement?.timeoutMs ?? longest)
  const spec = {
    root,
    command: action.command,
    cwd: await folderOf(sandbox, root, action.cwd),
    env: environment(action, input, context),
    stdin: JSON.stringify(input),
    timeoutMs,
    streams: 'apart' as const,
    signal,
    ...(confinement ? { confinement } : {}),
  }
  for await (const item of sandbox.runner.run(spec)) {
    if (item.kind === 'process') yield item
    else if (item.kind === 'output') yield { kind: 'progress', text: item.text }
    else return yield result(item.exit, timeoutMs)
  }
}

/** A folder that is really inside: the declaration may have been written by whoever asks. */
async function folderOf(sandbox: Sandbox, root: string, cwd: string | null): Promise<string> {
  const files = await sandbox.openWorkspace(root)
  const entry = await files.stat(cwd ?? '')
  if (entry.kind !== 'directory') throw new Fault('invalid', 'The action has no folder to run in.')
  return join(files.root, entry.path)
}

const environment = (action: Action, input: Json, context: ToolContext) => ({
  ...action.environment,
  OPENHARNESS_WORKSPACE_ROOT: context.workspace,
  OPENHARNESS_ACTION_NAME: action.name,
  OPENHARNESS_RUN_ID: dress('run_', context.run),
  OPENHARNESS_ACTION_INPUT: JSON.stringify(input),
})

function result(exit: Exit, timeoutMs: number): ToolItem {
  const [out, err] = [exit.stdout.text, exit.stderr.text]
  const text = [out.trimEnd(), err.trimEnd()].filter((t) => t !== '').join('\n')
  const meta = {
    exitCode: exit.code,
    durationMs: exit.durationMs,
    stdout: bounded(out, MAX_META_BYTES).text,
    stderr: bounded(err, MAX_META_BYTES).text,
  }
  const said = (last: string): string => (text ? `${text}\n${last}` : last)
  if (exit.cause === 'failed') return failed(exit.problem ?? 'It could not be started.', meta)
  if (exit.cause === 'aborted') return failed(said(`[${CANCELLED}]`), meta)
  if (exit.cause === 'timeout') return failed(said(`[Ended after ${timeoutMs} ms.]`), meta)
  if (exit.code !== 0) return failed(said(`[exit ${exit.code ?? exit.signal}]`), meta)
  return done(text || '[The action printed nothing.]', meta)
}

/** Of what clients are told apart from the result. */
const MAX_META_BYTES = 64 * 1024
