/**
 * How hooks of a workspace are spoken with: an envelope of facts on their input, an exit code and a
 * JSON object from them. Pure.
 */

import type { HookExit, HookForm, HookMoment, HookSaying, Occasion } from '../../kernel/hook.ts'
import type { Json } from '../../kernel/part.ts'
import { runId, sessionId } from './id.ts'
import { agentName, insideInput, toolInput, toolName } from './tool.ts'

const EVENTS: Record<string, string> = {
  'tool.before': 'before_tool_dispatch',
  'tool.after': 'after_tool_dispatch',
  'model.before': 'before_model_call',
  'model.after': 'after_model_call',
  'compaction.before': 'before_context_compact',
  'compaction.after': 'after_context_compact',
  'run.completed': 'run_completed',
  'run.failed': 'run_failed',
}

export const hookEvent = (moment: HookMoment): string => EVENTS[moment] ?? moment

const TRIGGERS: Record<string, string> = { message: 'message', call: 'api_action' }
const STATES: Partial<Record<HookMoment, string>> = {
  'run.completed': 'completed',
  'run.failed': 'failed',
}

/** Exit 2 blocks; any other but 0 is a failure of the hook, which stops nothing. */
const BLOCKS = 2

/** `mayRewrite`: whether the input of a tool is what such a hook says it is to be. */
export function hookForm({
  idOf,
  mayRewrite,
}: {
  /** The id of the workspace in a folder. */
  idOf(root: string): string
  mayRewrite: boolean
}): HookForm {
  return {
    stdin: (occasion) => envelope(occasion, idOf(occasion.workspace)),
    env: ({ workspace, run }) => ({
      OPENHARNESS_WORKSPACE_ROOT: workspace,
      OPENHARNESS_RUN_ID: runId(run),
    }),
    read(exit, occasion) {
      const said = saying(exit)
      if (mayRewrite || said.input === undefined) return toOurs(said, occasion)
      const { input: _, ...rest } = said
      return rest
    },
  }
}

function envelope(occasion: Occasion, workspace: string): { [key: string]: Json } {
  const { call, moment } = occasion
  const agent = agentName(occasion.agent)
  const facts = {
    workspace_id: workspace,
    session_id: sessionId(occasion.thread),
    run_id: runId(occasion.run),
    cwd: occasion.workspace,
    hook_event_name: hookEvent(moment),
    agent_name: agent,
    effective_agent_name: agent,
    trigger_type: TRIGGERS[occasion.kind] ?? 'system',
    run_status: STATES[moment] ?? 'running',
  }
  if (call === null) return facts
  return {
    ...facts,
    tool_name: toolName(call.tool),
    tool_input: toolInput(call.tool, call.input),
    tool_call_id: call.call,
    ...(call.result ? { tool_output: call.result.output } : {}),
  }
}

type Fields = { [key: string]: Json }

function saying({ code, stdout, stderr }: HookExit): HookSaying {
  const words = stderr.trim() || stdout.trim()
  if (code === BLOCKS) return { outcome: 'blocked', reason: words || 'The hook blocked it.' }
  if (code !== 0) {
    const how = `The command of the hook ended with exit code ${code}.`
    return { outcome: 'failed', reason: words ? `${how} ${words}` : how }
  }
  const said = fieldsOf(stdout)
  if (said.continue === false) return blocked(said.stopReason ?? said.reason)
  if (said.decision === 'block') return blocked(said.reason)
  const specific = asFields(said.hookSpecificOutput)
  const input = asFields(specific.patch).tool_input
  const context = specific.additionalContext
  return {
    outcome: 'passed',
    ...(input === undefined ? {} : { input }),
    ...(typeof context === 'string' ? { context } : {}),
  }
}

const blocked = (reason: Json | undefined): HookSaying => ({
  outcome: 'blocked',
  reason: typeof reason === 'string' && reason !== '' ? reason : 'The hook blocked it.',
})

/** A patch speaks of the fields of a tool as OAH names them. */
function toOurs(said: HookSaying, { call }: Occasion): HookSaying {
  if (said.input === undefined || call === null) return said
  return { ...said, input: insideInput(call.tool, said.input) }
}

const asFields = (value: Json | undefined): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}

/** What is printed and is no JSON object is for people. */
function fieldsOf(text: string): Fields {
  try {
    return asFields(JSON.parse(text) as Json)
  } catch {
    return {}
  }
}
