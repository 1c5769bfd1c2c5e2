/** Frames of a socket as kernel commands. Pure; what cannot be a command is said in words. */

import type { CommandOf } from '../../kernel/command.ts'
import type { AskBody, Origin } from '../../kernel/event.ts'
import type { InputPart, Json } from '../../kernel/part.ts'
import type { Request } from '../../kernel/ports.ts'
import type { Thread } from '../../kernel/thread.ts'
import type { Issue, z } from '../../wire/schema.ts'
import { frameIssue } from './issues.ts'
import { ApprovalData, type Block, Blocks, RunData, UserMessage, Verdicts } from './schema.ts'

export type Verdict = { all: boolean } | { each: Record<string, string> }

export type Frame =
  | { do: 'say'; input: InputPart[]; isStreamed: boolean }
  | { do: 'rule'; verdict: Verdict }
  | { do: 'cancel' }
  | { do: 'panic' }
  /** Told to the sender alone; the socket stays open. */
  | { do: 'complain'; code: 'invalid_event' | 'internal_error'; message: string }

const complaint = (message: string): Frame => ({ do: 'complain', code: 'invalid_event', message })

/** What a message of the socket wants; null is a binary one. Never throws. */
export function frameOf(text: string | null): Frame {
  if (text === null) return complaint('Events are JSON text; binary messages are not understood.')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return complaint('The event is not valid JSON.')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return complaint('The event must be a JSON object.')
  try {
    return eventOf(value as Record<string, unknown>)
  } catch (error) {
    // What JSON.parse can read may be nested deeper than anything that walks through it can go.
    if (error instanceof RangeError) return complaint('The event is nested too deeply.')
    throw error
  }
}

function eventOf(event: Record<string, unknown>): Frame {
  switch (event.type) {
    case 'run':
      return runOf(event.data === undefined ? {} : event.data)
    case 'user_message':
      return check('UserMessage', UserMessage, event, ({ content, stream }) =>
        typeof content === 'string' ? say(content, stream) : sayBlocks(content, stream, ''),
      )
    case 'tool_approval':
      return approvalOf(event)
    case 'cancel':
      return { do: 'cancel' }
    case 'panic':
      return { do: 'panic' }
    default:
      return complaint(`Unknown client event type: ${shown(event.type)}`)
  }
}

/** As the real gateway prints it, and never at length. */
function shown(type: unknown): string {
  if (type === undefined || type === null) return 'None'
  const text = typeof type === 'string' ? type : JSON.stringify(type)
  return text.length > 100 ? `${text.slice(0, 100)}...` : text
}

const runOf = (data: unknown): Frame =>
  check('RunData', RunData, data, ({ message, stream, content }) =>
    content && content.length > 0 ? sayBlocks(content, stream, message) : say(message, stream),
  )

/** The page's form has a verdict for each call; the real clients' form one answer for all. */
function approvalOf(event: Record<string, unknown>): Frame {
  if ('verdicts' in event) return verdictsOf(event)
  const data = event.data === undefined ? {} : event.data
  if (typeof data === 'object' && data !== null && 'verdicts' in data) return verdictsOf(data)
  return check('ToolApprovalData', ApprovalData, data, ({ approved }) => ({
    do: 'rule',
    verdict: { all: approved },
  }))
}

const verdictsOf = (holder: object): Frame =>
  check('ToolApprovalData', Verdicts, holder, ({ verdicts }) => ({
    do: 'rule',
    verdict: { each: verdicts },
  }))

function check<S extends z.ZodType>(
  model: string,
  schema: S,
  value: unknown,
  then: (checked: z.infer<S>) => Frame,
): Frame {
  const result = schema.safeParse(value)
  if (result.success) return then(result.data)
  return complaint(frameIssue(model, result.error.issues as Issue[], value))
}

function say(text: string, isStreamed: boolean): Frame {
  if (text === '') return complaint('The message is empty.')
  return { do: 'say', input: [{ kind: 'text', text: text.toWellFormed() }], isStreamed }
}

function sayBlocks(content: unknown[], isStreamed: boolean, message: string): Frame {
  if (content.length === 0) return say(message, isStreamed)
  const result = Blocks.safeParse(content)
  if (result.success) return { do: 'say', input: result.data.map(partOf), isStreamed }
  const text = frameIssue('Content', result.error.issues as Issue[], content)
  return { do: 'complain', code: 'internal_error', message: text }
}

/** Calls and results that a client quotes are words of the user's, and nothing that happened here. */
function partOf(block: Block): InputPart {
  switch (block.type) {
    case 'text':
      return { kind: 'text', text: block.text.toWellFormed() }
    case 'image': {
      const media = block.media_type ?? 'image/png'
      return block.source_type === 'url'
        ? { kind: 'image', media, url: block.data }
        : { kind: 'image', media, data: block.data }
    }
    case 'tool_use':
      return {
        kind: 'text',
        text: `[${block.name} ${JSON.stringify(block.arguments)}]`.toWellFormed(),
      }
    case 'tool_result':
      return { kind: 'text', text: `[${block.tool_name}: ${block.content}]`.toWellFormed() }
  }
}

// ---- requests -----------------------------------------------------------------------------------

/** Only a run that does not want to be streamed says so; runs of other dialects stream. */
export const hintsOf = (isStreamed: boolean): Json => (isStreamed ? {} : { stream: false })

/** A message while somebody waits for an answer in words is that answer; null: nobody does. */
export function answerRequest(
  pending: readonly Pending[],
  input: readonly InputPart[],
  origin: Origin,
): { thread: string; request: Request } | null {
  const question = pending.find((a) => a.body.kind === 'question')
  const answer = input.flatMap((p) => (p.kind === 'text' ? [p.text] : [])).join('\n')
  if (!question || answer === '') return null
  const { thread, ask } = question
  return { thread, request: { do: 'answer', ask, answer, origin } }
}

export const submitRequest = (input: InputPart[], origin: Origin): Request => ({
  do: 'submit',
  busy: 'queue',
  input,
  origin,
})

/** An ask, and the thread that has it: the chat's own, or one that an agent of it works in. */
export interface Pending {
  thread: string
  ask: string
  body: AskBody
  /** Calls that still wait. */
  open: string[]
}

export function pendingOf(thread: Thread): Pending[] {
  const { asks = [], childAsks = [] } = thread.active ?? {}
  return [
    ...asks.map(({ ask, body, open }) => ({ thread: thread.id, ask, body, open })),
    ...childAsks.map((a) => ({ ...a, open: idsOf(a) })),
  ]
}

/** The ids by which a client knows what it is asked. */
const idsOf = ({ ask, body }: { ask: string; body: AskBody }): string[] => {
  if (body.kind === 'question') return [body.call]
  return body.kind === 'limit' ? [ask] : body.calls.map((c) => c.call)
}

/**
 * One answer for all is for what the client has been asked. Verdicts are for the asks that they
 * name a call of - or for all, when they name none - and what they do not allow there is refused.
 */
export function ruleRequests(
  pending: readonly Pending[],
  verdict: Verdict,
  { asked, origin }: { asked: ReadonlySet<string>; origin: Origin },
): { thread: string; request: Request }[] {
  return meant(pending, verdict, asked).map((ask) => ({
    thread: ask.thread,
    request: { do: 'answer', ask: ask.ask, origin, ...rule(ask, verdict) },
  }))
}

function meant(
  pending: readonly Pending[],
  verdict: Verdict,
  asked: ReadonlySet<string>,
): readonly Pending[] {
  if ('all' in verdict) return pending.filter((a) => asked.has(a.ask))
  const named = pending.filter((a) => idsOf(a).some((id) => Object.hasOwn(verdict.each, id)))
  return named.length > 0 ? named : pending
}

type Ruling = Pick<CommandOf<'answer'>, 'allow' | 'rulings' | 'answer'>

function rule({ ask, body, open }: Pending, verdict: Verdict): Ruling {
  switch (body.kind) {
    case 'approval':
    case 'recovery':
      return 'all' in verdict ? { allow: verdict.all } : { rulings: rulingsOf(open, verdict.each) }
    case 'question':
      return allows(verdict, body.call) ? { answer: 'yes' } : { allow: false }
    case 'limit':
      return { allow: allows(verdict, ask) }
  }
}

const allows = (verdict: Verdict, id: string): boolean =>
  'all' in verdict ? verdict.all : isAllowed(verdict.each, id)

const isAllowed = (verdicts: Record<string, string>, id: string): boolean =>
  Object.hasOwn(verdicts, id) && verdicts[id] === 'allow'

const rulingsOf = (
  calls: readonly string[],
  verdicts: Record<string, string>,
): Record<string, { allow: boolean }> =>
  Object.fromEntries(calls.map((call) => [call, { allow: isAllowed(verdicts, call) }]))

export const cancelRequest = (queue: 'keep' | 'drop', origin: Origin): Request => ({
  do: 'cancel',
  reason: null,
  when: 'now',
  queue,
  origin,
})
