/** Threads and messages as resources: pure views of the kernel's fold and rows. */

import type { AnswerPart, Message, ResultPart } from '../../kernel/part.ts'
import type { RunRow, ThreadRow } from '../../kernel/rows.ts'
import type { Thread } from '../../kernel/thread.ts'
import { totalTokens } from '../../kernel/usage.ts'
import { type Attachment, saidIn, tokensOf } from './frame.ts'
import { threadId } from './id.ts'

export type ThreadStatus = 'active' | 'completed' | 'error'

export const iso = (ms: number): string => new Date(ms).toISOString()

/** `lastModel` answered last; it is told where no other was chosen. */
export const threadResource = (row: ThreadRow, status: ThreadStatus, lastModel: string | null) => ({
  id: threadId(row.id),
  profileId: row.agent,
  workspaceId: null,
  title: row.title,
  status,
  messageCount: row.messages,
  totalTokens: totalTokens(row.usage),
  totalCost: row.usage.costUsd ?? 0,
  model: row.model ?? lastModel,
  lastMessagePreview: row.preview,
  createdAt: iso(row.openedAt),
  updatedAt: iso(row.updatedAt),
})
export type ThreadResource = ReturnType<typeof threadResource>

/** What the log says. `patched` is what a client set since the last run began. */
export function threadStatus(
  row: ThreadRow,
  last: 'completed' | 'failed' | 'cancelled' | null,
  patched: { status: ThreadStatus; runs: number } | null,
): ThreadStatus {
  if (row.status !== 'idle') return 'active'
  if (patched && patched.runs === row.runs) return patched.status
  if (last === null) return 'active'
  return last === 'failed' ? 'error' : 'completed'
}

interface ToolUse {
  toolCallId: string
  name: string
  input: unknown
  output?: string
  isError: boolean
}

type UiPart = { kind: 'text' | 'thinking'; text: string } | { kind: 'tool'; toolCallId: string }

export interface UiMessage {
  id: string
  role: 'user' | 'assistant'
  content: string
  attachments?: Attachment[]
  tools?: ToolUse[]
  thinking?: string
  usage?: ReturnType<typeof tokensOf>
  timestamp: string
  parts?: UiPart[]
  model?: string
}

/**
 * The transcript as a client shows it: what an agent says and does in one go, results included, is
 * one message. `runs` gives models and figures.
 */
export function messagesOf(thread: Thread, runs: ReadonlyMap<string, RunRow>): UiMessage[] {
  const shown: UiMessage[] = []
  let group: Message[] = []
  const flush = (): void => {
    const first = group[0]
    if (first) shown.push(assistantMessage(group, first, runs.get(first.run)))
    group = []
  }
  for (const message of thread.messages) {
    const isUser = message.role === 'user'
    if (isUser || (group[0] && group[0].run !== message.run)) flush()
    if (isUser) shown.push(userMessage(message))
    else group.push(message)
  }
  flush()
  return shown
}

/** `<run>:<index>` of a message as an id that is safe in a path. */
const messageId = (message: Message): string =>
  `msg_${message.id.replaceAll('-', '').replaceAll(':', '_')}`

function userMessage(message: Message): UiMessage {
  const { text, attachments } = saidIn(
    message.parts.filter((p) => p.kind !== 'thinking' && p.kind !== 'call' && p.kind !== 'result'),
  )
  return {
    id: messageId(message),
    role: 'user',
    content: text,
    ...(attachments ? { attachments } : {}),
    timestamp: iso(message.at),
  }
}

function assistantMessage(
  group: readonly Message[],
  first: Message,
  run: RunRow | undefined,
): UiMessage {
  const all = group.flatMap((m) => m.parts)
  const said = all.filter((p): p is AnswerPart => isAnswer(p.kind))
  const results = new Map(
    all.filter((p): p is ResultPart => p.kind === 'result').map((r) => [r.call, r]),
  )
  const tools = said.flatMap((p) => (p.kind === 'call' ? [toolUse(p, results.get(p.call))] : []))
  const thinking = said.map((p) => (p.kind === 'thinking' ? p.text : '')).join('')
  return {
    id: messageId(first),
    role: 'assistant',
    content: said.map((p) => (p.kind === 'text' ? p.text : '')).join(''),
    ...(tools.length > 0 ? { tools } : {}),
    ...(thinking === '' ? {} : { thinking }),
    ...(run ? { usage: tokensOf(run.usage) } : {}),
    timestamp: iso(group.at(-1)?.at ?? first.at),
    parts: said.map(uiPart),
    ...(run?.model ? { model: run.model } : {}),
  }
}

const isAnswer = (kind: string): boolean =>
  kind === 'text' || kind === 'thinking' || kind === 'call'

const toolUse = (call: AnswerPart & { kind: 'call' }, result: ResultPart | undefined): ToolUse => ({
  toolCallId: call.call,
  name: call.tool,
  input: call.input,
  ...(result ? { output: result.output } : {}),
  isError: result !== undefined && result.outcome !== 'ok',
})

const uiPart = (part: AnswerPart): UiPart =>
  part.kind === 'call'
    ? { kind: 'tool', toolCallId: part.call }
    : { kind: part.kind, text: part.text }

/** The whole conversation as a text to keep. */
export function markdownOf(thread: ThreadResource, messages: readonly UiMessage[]): string {
  const head = [
    `# ${thread.title ?? thread.id}`,
    `**Profile:** ${thread.profileId}  \n**Created:** ${thread.createdAt}  \n**Messages:** ${messages.length}`,
  ]
  const body = messages.map((m) => {
    const title = m.role === 'user' ? '## User' : '## Assistant'
    const tools = (m.tools ?? []).map((t) =>
      [
        fenced(`tool: ${t.name}`, JSON.stringify(t.input, null, 2)),
        ...(t.output ? [fenced('output', t.output)] : []),
      ].join('\n\n'),
    )
    return [title, m.content, ...tools].filter((t) => t !== '').join('\n\n')
  })
  return `${[...head, ...body].join('\n\n---\n\n')}\n`
}

/** A fence that is longer than any in the text. */
function fenced(label: string, text: string): string {
  const runs = text.match(/`{3,}/g) ?? []
  const fence = '`'.repeat(Math.max(3, ...runs.map((r) => r.length + 1)))
  return `${fence}${label}\n${text}\n${fence}`
}
