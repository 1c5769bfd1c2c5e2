/** Rulings, questions, limits and recoveries: whatever a person decides, and what follows from it. */

import { type AskBody, type AskedCall, type Draft, draft } from '../../kernel/event.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Json } from '../../kernel/part.ts'
import type { Run } from '../../kernel/run.ts'
import type { Call } from '../../kernel/turn.ts'
import { endCall } from '../../kernel/unwind.ts'
import { activeRun, type Context, unlessCancelled, type Work } from '../context.ts'
import { reapCalls } from './tools.ts'

/** Refused calls get their result at once; the others are put before a person together. */
export async function performRule(
  context: Context,
  work: Work,
  step: { ask: string[]; deny: string[] },
): Promise<void> {
  const { run, turn, calls } = at(work)
  const denied = pick(calls, step.deny).map((c) => endCall(run.id, turn, c, 'denied', denial(c)))
  const asked = pick(calls, step.ask).map((c) =>
    askedCall(work, c, 'The agent must ask before it uses this tool.'),
  )
  const opened = asked.length === 0 ? [] : [open(context, work, { kind: 'approval', calls: asked })]
  await work.live.commit(
    unlessCancelled(() => [...denied, ...opened]),
    { isDriver: true },
  )
}

function denial(call: Call): string {
  const { ruling, blocked } = call
  if (blocked !== null)
    return `A hook of the agent does not let '${call.tool}' run.${blocked ? ` It says: ${blocked}` : ''}`
  if (!ruling) return `Tool '${call.tool}' is not permitted by the current permission policy.`
  if (ruling.by === 'expiry') return `Nobody answered in time whether '${call.tool}' may run.`
  const why = ruling.reason ? ` They said: ${ruling.reason}` : ' Try a different approach.'
  return `Tool '${call.tool}' denied by user.${why}`
}

/** A question that was answered becomes the result of its call; a new one is put to a person. */
export async function performQuestion(context: Context, work: Work, name: string): Promise<void> {
  const { run, turn, calls } = at(work)
  const call = pick(calls, [name])[0] as Call
  await work.live.commit(
    unlessCancelled(() => [answerOrAsk(context, work, { run, turn, call })]),
    { isDriver: true },
  )
}

function answerOrAsk(
  context: Context,
  work: Work,
  { run, turn, call }: { run: Run; turn: number; call: Call },
): Draft {
  const { answer } = call
  if (answer?.how === 'expired')
    return endCall(run.id, turn, call, 'failed', 'Nobody answered the question in time.')
  if (answer && answer.value === null)
    return endCall(run.id, turn, call, 'denied', 'The person declined to answer.')
  if (answer) return endCall(run.id, turn, call, 'ok', answerText(answer.value))
  const question = work.tools.get(call.tool)?.question?.(call.input)
  if (!question) return endCall(run.id, turn, call, 'failed', 'This tool asks nothing.')
  if (question instanceof Fault) return endCall(run.id, turn, call, 'failed', question.message)
  return open(context, work, { kind: 'question', call: call.call, question })
}

const answerText = (value: Json): string =>
  typeof value === 'string' ? value : JSON.stringify(value)

export async function performLimit(context: Context, work: Work, limitUsd: number): Promise<void> {
  const { spentUsd } = activeRun(work.live.state)
  const body: AskBody = { kind: 'limit', limitUsd, spentUsd }
  await work.live.commit(
    unlessCancelled(() => [open(context, work, body)]),
    { isDriver: true },
  )
}

/** Nobody knows what these tools did before the server died. Said so, or asked; never guessed. */
export async function performRecovery(
  context: Context,
  work: Work,
  step: { calls: string[]; how: 'tell' | 'ask' },
): Promise<void> {
  const { run, turn, calls } = at(work)
  const lost = pick(calls, step.calls)
  reapCalls(context, lost)
  const drafts =
    step.how === 'tell'
      ? lost.map((c) => endCall(run.id, turn, c, 'unknown', UNKNOWN))
      : [
          open(context, work, {
            kind: 'recovery',
            calls: lost.map((c) => askedCall(work, c, AGAIN)),
          }),
        ]
  await work.live.commit(
    unlessCancelled(() => drafts),
    { isDriver: true },
  )
}

const UNKNOWN =
  'The server stopped while this tool was at work. Whether it did its work is not known. Check before doing it again.'
const AGAIN =
  'The server stopped while this tool was at work, and whether it did its work is not known. Allow it to run once more?'

function at(work: Work): { run: Run; turn: number; calls: Call[] } {
  const run = activeRun(work.live.state)
  return { run, turn: run.turn?.index ?? 0, calls: run.turn?.calls ?? [] }
}

const pick = (calls: Call[], names: string[]): Call[] => calls.filter((c) => names.includes(c.call))

function askedCall({ live, tools }: Work, call: Call, reason: string): AskedCall {
  const { workspace } = live.state
  const tool = tools.get(call.tool)
  const grant = tool?.grant(call.input, workspace) ?? null
  return {
    call: call.call,
    tool: call.tool,
    input: call.input,
    subject: tool?.subject(call.input, workspace) ?? '',
    reason,
    ...(grant === NOTHING ? {} : { grant }),
  }
}

/** The pattern of tools that have nothing to remember: it covers no call. */
const NOTHING = '\0'

function open(context: Context, work: Work, body: AskBody): Draft {
  const { run, turn } = at(work)
  const timeout = work.policy ? work.policy.askTimeoutMs : work.agent.askTimeoutMs
  const expiresAt = timeout === null ? null : context.clock() + timeout
  return draft('ask.opened', run.id, { ask: context.newId(), turn, body, expiresAt })
}
