/**
 * A chat message becomes a run. Everything that can be wrong is found before anything is written, so
 * that a refused message leaves no thread behind and no stream hanging.
 */

import { createHash } from 'node:crypto'
import type { Event } from '../../kernel/event.ts'
import type { Json } from '../../kernel/part.ts'
import type {
  Engine,
  Idempotency,
  NewThread,
  Principal,
  Receipt,
  Request,
} from '../../kernel/ports.ts'
import type { Call } from '../../wire/dialect.ts'
import { type Context, type InputHints, originOf, POLICY, type ThreadHints } from './context.ts'
import { detail } from './faults.ts'
import { resolveModel } from './model.ts'
import { fromInput, inputOf, type Part, partsOf } from './parts.ts'
import type { ChatRequest, RunMessage } from './schema.ts'
import { type FoundThread, threadIfAny } from './scope.ts'
import { originOfKind } from './telling.ts'

type Asking = Call<Record<string, string>, unknown, ChatRequest>
type Peer = NonNullable<ThreadHints['peer']>

export async function startChat(context: Context, { body, principal }: Asking): Promise<Receipt> {
  const { engine } = context
  const parts = partsOf(checkRole(body.message, 'chat message role must be user').parts)
  const peer = body.peer ? peerOf(body.peer) : null
  const thread = await chatThread(context, principal, body, peer)
  const idempotency = idempotencyOf(principal, body.request_id, thread?.row.id ?? 'new', body)
  const earlier = idempotency ? await engine.recall(idempotency) : null
  if (earlier) return earlier
  const model = body.model ? await resolveModel(engine.models, body.model) : null
  const request: Extract<Request, { do: 'submit' }> = {
    do: 'submit',
    busy: 'queue',
    ...said(context, principal, parts, {
      ...(body.request_id ? { requestId: body.request_id } : {}),
      ...metaOf(body.message.meta),
    }),
    ...(model === null ? {} : { model }),
  }
  const options = idempotency ? { idempotency } : {}
  if (thread) return engine.submit(thread.row.id, request, options)
  const hints = { client: body.client, ...(peer ? { peer } : {}) }
  return engine.begin(newThread(context, principal, hints), request, options)
}

/** A thread of this agent, on the files of whoever opens it. */
export function newThread(context: Context, who: Principal, hints: ThreadHints): NewThread {
  const { account } = who
  return {
    agent: agentOf(context),
    origin: originOf(who, hints),
    account,
    policy: POLICY,
    workspace: context.settings.workspaceFor(account),
  }
}

/** The agent this API speaks for. */
export function agentOf({ engine, settings }: Context): string {
  const { catalog } = engine
  const agent = catalog.agent(settings.agent ?? 'assistant') ?? catalog.agents()[0]
  if (agent) return agent.name
  throw detail('unknown_agent', 'There is no agent. Add one to the agents folder.')
}

const ROLES = ['user', 'assistant', 'tool']

export function checkRole<T extends { role: string }>(message: T, refusal: string): T {
  if (message.role === 'user') return message
  if (ROLES.includes(message.role)) throw detail('invalid', refusal)
  throw detail('invalid', `unsupported message role: ${message.role}`)
}

export function peerOf(given: NonNullable<ChatRequest['peer']>): Peer {
  const { type, name, thread } = given
  if (type !== 'user' && type !== 'agent')
    throw detail('invalid', `unsupported thread peer type: ${type}`)
  if (type === 'agent' && name === undefined)
    throw detail('invalid', 'agent thread peer requires name')
  return { type, name: name ?? 'user', thread: thread ?? null }
}

async function chatThread(
  context: Context,
  who: Principal,
  { thread: id }: ChatRequest,
  peer: Peer | null,
): Promise<FoundThread | null> {
  if (id === undefined || id === null) return null
  const found = await threadIfAny(context, who, id)
  if (!found || originOfKind(found.at.kind) !== 'chat')
    throw detail('not_found', `chat thread not found: ${id}`)
  const own = found.at.peer
  const isSame =
    peer === null ||
    (peer.type === own.type && peer.name === own.name && peer.thread === own.thread)
  if (!isSame) throw detail('conflict', `chat thread peer mismatch: ${id}`)
  return found
}

/** The name a client gives its request, so that asking again is no second request. */
export function idempotencyOf(
  { id }: Principal,
  requestId: string | null | undefined,
  about: string,
  body: unknown,
): Idempotency | null {
  if (requestId === undefined || requestId === null || requestId === '') return null
  const hash = createHash('sha256').update(JSON.stringify(body)).digest('hex')
  return { key: `toolang:${id}:${about}:${requestId}`, hash }
}

const metaOf = (meta: Record<string, unknown>): Pick<InputHints, 'meta'> =>
  Object.keys(meta).length > 0 ? { meta: meta as { [key: string]: Json } } : {}

/** What the model reads, and what is to be remembered of what was written. */
export function said(
  context: Context,
  principal: Principal,
  parts: readonly Part[],
  hints: InputHints,
) {
  const expanded = expand(context, parts)
  const input = inputOf(expanded)
  const isPlain = expanded === parts && sameParts(fromInput(input), parts)
  const kept = isPlain ? hints : { ...hints, parts: [...parts] }
  return { input, origin: originOf(principal, kept) }
}

const sameParts = (a: readonly Part[], b: readonly Part[]): boolean =>
  JSON.stringify(a) === JSON.stringify(b)

/** A message that begins with `/name` is the prompt of that name with what follows put in. */
function expand(context: Context, parts: readonly Part[]): readonly Part[] {
  const at = parts.findIndex((p) => p.type === 'text' && String(p.text).trim() !== '')
  const first = parts[at]
  if (!first) return parts
  const text = context.settings.caps.expand(agentOf(context), String(first.text))
  return text === null ? parts : parts.toSpliced(at, 1, { type: 'text', text })
}

/** A message for a run that is going on, or instead of one that was. */
export function messageParts(message: RunMessage): {
  parts: Part[]
  meta: Pick<InputHints, 'meta'>
} {
  checkRole(message, 'run input message role must be user')
  return { parts: partsOf(message.parts), meta: metaOf(message.meta) }
}

/** Resolves with the last seq of the run; rejects when nobody waits any more. */
export function runEnded(
  engine: Pick<Engine, 'follow'>,
  { thread, run, seq }: Receipt,
  signal: AbortSignal,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const give = (message: string) => {
      reader.close()
      reject(detail('unavailable', message))
    }
    const gone = () => give('The client went away. The run goes on.')
    const reader = engine.follow({
      thread,
      after: Math.max(0, seq - 1),
      tell(events) {
        const end = events.find((e) => isEnd(e, run))
        if (!end) return
        signal.removeEventListener('abort', gone)
        reader.close()
        resolve(end.seq)
      },
      ended: () => give('The server is stopping. The run goes on when it is back.'),
    })
    signal.addEventListener('abort', gone, { once: true })
    if (signal.aborted) gone()
  })
}

const isEnd = ({ type, run }: Event, wanted: string | null): boolean =>
  type === 'run.ended' && run === wanted
