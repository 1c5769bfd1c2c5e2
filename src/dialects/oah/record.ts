/** What a session's resources are made of: messages, runs and their steps, as the log left them. */

import type { RunKind } from '../../kernel/event.ts'
import type { Json } from '../../kernel/part.ts'
import type { ActionHint } from './action.ts'
import type { Content } from './content.ts'

export interface MessageRecord {
  id: string
  run: string | null
  role: 'system' | 'user' | 'assistant' | 'tool'
  content: Content
  metadata?: { [key: string]: Json }
  at: number
}

export interface RunRecord {
  id: string
  kind: RunKind
  status: 'queued' | 'running' | 'waiting_tool' | 'completed' | 'failed' | 'cancelled' | 'timed_out'
  principal: string
  hints: { [key: string]: Json }
  /** Who began it, and who goes on with it now. */
  first: string | null
  agent: string | null
  /** Who will, from the next turn on. */
  successor: string | null
  switches: number
  action: ActionHint | null
  /** What the tool of an action told of itself. */
  result: { [key: string]: Json } | null
  model: string | null
  createdAt: number
  startedAt: number | null
  /** Of the last thing that it did. */
  heartbeatAt: number | null
  endedAt: number | null
  cancelRequestedAt: number | null
  errorCode: string | null
  errorMessage: string | null
  steps: StepRecord[]
  /** What it waits for: asks of its own and of its children. */
  asks: Set<string>
  children: { [key: string]: Json }[]
  compaction: { boundary: string; summary: string; count: number } | { reason: string } | null
}

export interface StepRecord {
  seq: number
  type: 'model_call' | 'tool_call' | 'agent_switch' | 'agent_delegate' | 'hook' | 'system'
  name: string
  agent: string
  status: 'running' | 'completed' | 'failed' | 'cancelled'
  input: { [key: string]: Json } | null
  output: { [key: string]: Json } | null
  startedAt: number
  endedAt: number | null
  /** Of a model call: the hash of its instructions, and how many messages there were. */
  prompt: { instructions: string; messages: number } | null
}
