/**
 * `POST /api/v1/run`: everything that can be wrong is found before a thread exists, so that a refused
 * run leaves nothing behind.
 */

import type { Agent } from '../../kernel/agent.ts'
import type { Event } from '../../kernel/event.ts'
import { Fault } from '../../kernel/fault.ts'
import { isUuid } from '../../kernel/id.ts'
import type { Engine, Idempotency, Principal, Receipt } from '../../kernel/ports.ts'
import type { Thread } from '../../kernel/thread.ts'
import type { Call, Reply } from '../../wire/dialect.ts'
import { hashOf } from './canonical.ts'
import { resolveModel } from './catalog.ts'
import { attachmentFault, submitOf } from './commands.ts'
import { type Context, originOf } from './context.ts'
import { refusal } from './faults.ts'
import { attachmentsIn } from './frame.ts'
import { ROOT, threadId } from './id.ts'
import type { RunBody } from './schema.ts'
import { noProfile, threadOf } from './scope.ts'

/** What the answer says beside the ids. Kept with the run, so that a repetition gets the same. */
interface Hints {
  profileId: string
  model: string
  timeoutMs: number
}

export async function startRun(
  context: Context,
  call: Call<Record<string, string>, unknown, RunBody>,
): Promise<Reply> {
  const { engine } = context
  const { body, principal } = call
  const fault = attachmentFault(body.attachments ?? [])
  if (fault) throw fault
  const idempotency = idempotencyOf(call.headers['idempotency-key'], principal, body)
  const earlier = idempotency ? await engine.recall(idempotency) : null
  if (earlier) return await replay(engine, earlier)
  if (body.workspaceId !== undefined)
    throw new Fault('not_found', `Workspace "${body.workspaceId}" not found`)
  const thread =
    body.threadId === undefined ? null : await idleThread(engine, principal, body.threadId)
  const agent = agentFor(engine, thread?.agent ?? body.profileId)
  const model = await modelFor(engine, body.model ?? thread?.model ?? null, agent)
  const hints = { profileId: agent.name, model, timeoutMs: agent.limits.wallMs }
  const submit = submitOf(body, originOf(principal, hints), model)
  const options = idempotency ? { idempotency } : {}
  const receipt = thread
    ? await engine.submit(thread.id, submit, options)
    : await engine.begin(newThread(principal, agent, body.model ? model : null), submit, options)
  if (receipt.replayed) return await replay(engine, receipt)
  if (thread && body.model !== undefined && thread.model !== model)
    await engine.submit(thread.id, { do: 'change', model, origin: originOf(principal) })
  const attachments = idempotency ? [] : attachmentsIn(submit.input)
  return accepted(receipt, hints, attachments.length > 0 ? { attachments } : {})
}

const newThread = (principal: Principal, agent: Agent, model: string | null) => ({
  agent: agent.name,
  model,
  origin: originOf(principal),
  account: principal.account,
})

const accepted = (
  { thread, run }: Receipt,
  { profileId, model, timeoutMs }: Hints,
  more: Record<string, unknown> = {},
): Reply => ({
  status: 200,
  json: {
    runId: run,
    threadId: threadId(thread),
    agentId: ROOT,
    profileId,
    candidateId: null,
    model,
    status: 'running',
    timeoutMs,
    ...more,
  },
})

function idempotencyOf(
  key: string | undefined,
  principal: Principal,
  body: RunBody,
): Idempotency | null {
  if (key === undefined) return null
  const uuid = key.toLowerCase()
  if (!isUuid(uuid))
    throw refusal('invalid', 'idempotency_key_invalid', 'Idempotency-Key must be a UUID')
  return { key: `ownware:${principal.id}:${uuid}`, hash: hashOf(body) }
}

/** The first answer again, word for word, from what was kept with the run. */
async function replay(engine: Engine, receipt: Receipt): Promise<Reply> {
  const run = receipt.run === null ? null : await engine.store.run(receipt.run)
  const events = run ? await engine.store.read(run.thread, run.firstSeq - 1, 1) : []
  const created: Event | undefined = events[0]
  if (created?.type !== 'run.created')
    throw refusal('conflict', 'idempotency_expired', 'The run of this Idempotency-Key is gone.')
  const reply = accepted(receipt, created.data.origin.hints as unknown as Hints)
  return { ...reply, headers: { 'Idempotency-Replayed': 'true' } }
}

async function idleThread(engine: Engine, principal: Principal, id: string): Promise<Thread> {
  const thread = await threadOf(engine, principal, id)
  if (thread.active || thread.queue.length > 0)
    throw new Fault('busy', 'Thread already has an active run. Abort it first.')
  return thread
}

/** Without a name the real default, if somebody made one, else the agent that is always there. */
export function agentFor(engine: Engine, name: string | undefined): Agent {
  if (name !== undefined) {
    const agent = engine.catalog.agent(name)
    if (!agent) throw noProfile(name)
    return agent
  }
  const agent = engine.catalog.agent('example') ?? engine.catalog.agent('assistant')
  if (!agent) throw noProfile('example')
  return agent
}

/** A model that was chosen is used or refused; an agent's own gives way to one that can answer. */
async function modelFor(engine: Engine, chosen: string | null, agent: Agent): Promise<string> {
  if (chosen !== null) return chosenModel(engine, chosen)
  const { models } = engine
  const own = agent.model === null ? null : await fullName(engine, agent.model)
  const fault = own === null ? null : await models.check(own)
  if (own !== null && !fault) return own
  const preferred = await models.preferred()
  const none = await models.check(preferred)
  if (none) throw fault ?? none
  return preferred
}

export async function chosenModel(engine: Engine, name: string): Promise<string> {
  const model = await fullName(engine, name)
  const fault = await engine.models.check(model)
  if (fault) throw fault
  return model
}

async function fullName(engine: Engine, name: string): Promise<string> {
  return name.includes(':') ? name : resolveModel(await engine.models.list(), name)
}
