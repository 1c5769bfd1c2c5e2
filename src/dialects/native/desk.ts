/**
 * What every native handler needs before it can act: who owns a thread, which agent is meant, and
 * whether this request was made before.
 */

import { createHash } from 'node:crypto'
import type { Agent } from '../../kernel/agent.ts'
import { Fault } from '../../kernel/fault.ts'
import { isUuid } from '../../kernel/id.ts'
import type {
  Engine,
  Idempotency,
  NewThread,
  Principal,
  Receipt,
  Request,
} from '../../kernel/ports.ts'
import type { RunRow, ThreadRow } from '../../kernel/rows.ts'
import type { Call, Reply } from '../../wire/dialect.ts'

type Asking = Pick<Call, 'headers' | 'principal' | 'method' | 'url' | 'body'>

/** The account whose things are listed. Nobody reaches across accounts, the machine's owner neither. */
export const accountOf = ({ account }: Principal): { account: string } => ({ account })

export const mayUse = (principal: Principal, account: string): boolean =>
  principal.account === account

/** What is of the whole machine is the business of its owner. */
export function ownerOnly({ account }: Principal, what: string): void {
  if (account === 'local') return
  throw new Fault('forbidden', `Only the owner of the server may ${what}.`)
}

/** A thread that the caller may know of. */
export async function threadOf(
  engine: Engine,
  { principal }: Pick<Asking, 'principal'>,
  id: string,
): Promise<ThreadRow> {
  const row = isUuid(id) ? await engine.store.thread(id) : null
  if (row && mayUse(principal, row.account)) return row
  throw new Fault('not_found', `There is no thread ${id}.`)
}

export async function runOf(engine: Engine, { principal }: Asking, id: string): Promise<RunRow> {
  const run = isUuid(id) ? await engine.store.run(id) : null
  if (run && mayUse(principal, run.account)) return run
  throw new Fault('not_found', `There is no run ${id}.`)
}

/** The agent of that name. */
export function theAgent({ catalog }: Engine, name: string): Agent {
  const agent = catalog.agent(name)
  if (agent) return agent
  throw new Fault('not_found', `There is no agent ${name}.`)
}

/** The agent that is meant, or the one that is there for those who name none. */
export function agentOf(engine: Engine, name: string | undefined): string {
  const { catalog } = engine
  const found =
    name === undefined ? (catalog.agent('assistant') ?? catalog.agents()[0]) : catalog.agent(name)
  if (found) return found.name
  const known = catalog.agents().map((a) => a.name)
  throw new Fault(
    'unknown_agent',
    name === undefined
      ? 'There is no agent. Add one to the agents folder.'
      : `There is no agent ${name}. There are: ${known.join(', ') || 'none'}.`,
  )
}

/** Refuses a model that could not be called, before anything is written. */
export async function checkModel(engine: Engine, model: string | null | undefined): Promise<void> {
  const fault = model ? await engine.models.check(model) : null
  if (fault) throw fault
}

/** For the API document: what the header means on every command. */
export const KEY = {
  'Idempotency-Key': 'Names the request: sent again, it does nothing and is answered as before.',
}

/** The key a client names its request with, so that asking again is no second request. */
export function idempotencyOf(asking: Asking): { idempotency?: Idempotency } {
  const key = asking.headers['idempotency-key']
  if (key === undefined) return {}
  if (!/^[\x21-\x7e]{1,255}$/.test(key))
    throw new Fault('invalid', 'An Idempotency-Key has 1 to 255 visible ASCII characters.')
  const { method, url, body, principal } = asking
  const said = JSON.stringify([method, url, body ?? null])
  return {
    idempotency: {
      key: `native:${principal.id}:${key}`,
      hash: createHash('sha256').update(said).digest('hex'),
    },
  }
}

/** The earlier answer to the same request: nothing is checked again, for it has happened. */
export async function earlierOf(engine: Engine, asking: Asking): Promise<Receipt | null> {
  const { idempotency } = idempotencyOf(asking)
  return idempotency ? engine.recall(idempotency) : null
}

/** Says that this is the answer to an earlier request, when it is. */
export const replayed = (receipt: Receipt | undefined): Record<string, string> =>
  receipt?.replayed ? { 'idempotency-replayed': 'true' } : {}

export const receipt = (receipt: Receipt, status = 202): Reply => ({
  status,
  headers: replayed(receipt),
  json: receipt,
})

/** For what has no receipt: a key that nobody keeps would promise what is not so. */
export function refuseKey({ headers }: Pick<Asking, 'headers'>, why: string): void {
  if (headers['idempotency-key'] === undefined) return
  throw new Fault('invalid', `This request takes no Idempotency-Key. ${why}`)
}

/** Sends a command to a thread that the caller may use. */
export async function send(
  engine: Engine,
  asking: Asking,
  thread: string,
  request: Request,
  remember = false,
): Promise<Reply> {
  const options = { ...idempotencyOf(asking), ...(remember ? { remember } : {}) }
  return receipt(await engine.submit(thread, request, options))
}

export async function begin(
  engine: Engine,
  asking: Asking,
  thread: NewThread,
  request: Extract<Request, { do: 'submit' }>,
): Promise<Receipt> {
  return engine.begin(thread, request, idempotencyOf(asking))
}

export const pageOf = <T, V>(
  { items, total }: { items: T[]; total: number },
  offset: number,
  view: (item: T) => V,
) => {
  const end = offset + items.length
  return { items: items.map(view), total, next: end < total && items.length > 0 ? end : null }
}
