/**
 * A route of this dialect, with the rule that says who may use it: no row without one. Refusals come
 * in the order of the real system: credential, permission, form, object, owner, state.
 */

import type { Actor, Permission } from '../../kernel/accounts.ts'
import { isActor } from '../../kernel/accounts.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Principal } from '../../kernel/ports.ts'
import type { Call, Method, Reply, Route } from '../../wire/dialect.ts'
import { z } from '../../wire/schema.ts'
import type { Asked } from './context.ts'
import { refusal } from './faults.ts'
import { traceOf } from './trace.ts'

/** Whose the thing is that the path names. */
export type Subject =
  /** Nothing of anybody's: lists and new things are the caller's own. */
  | 'none'
  /** Only its maker's; colleagues are refused, others do not learn of it. */
  | 'thread'
  /** As a thread, but a platform's admin may see those of the own account. */
  | 'run'
  /** Only its maker's, or with the permission the account's. */
  | 'key'
  /** The account's. */
  | 'provider'
  | 'persona'
  | 'project'
  | 'account'

/** `public` needs no credential, null any, `session` any but an API key; else the permission. */
export interface Rule {
  may: 'public' | 'session' | Permission | null
  about: Subject
}

export interface ArkRoute {
  method: Method
  path: string
  summary: string
  rule: Rule
  query?: z.ZodType
  body?: z.ZodType
  bodyLimit?: number
  /** The handler reads the body itself. */
  rawBody?: boolean
  /** As for a route. */
  isAlwaysLetIn?: boolean
  /** Status of the answer when all is well; for the API document. */
  answers?: number
  // biome-ignore lint/suspicious/noExplicitAny: the schemas of the same row give the types.
  handle(asked: Asked<any, any>): Promise<Reply> | Reply
}

/** A row whose handler is typed by its own schemas. */
export const ark = <Q extends z.ZodType, B extends z.ZodType>(
  row: Omit<ArkRoute, 'handle' | 'query' | 'body'> & {
    query?: Q
    body?: B
    handle(asked: Asked<z.infer<Q>, z.infer<B>>): Promise<Reply> | Reply
  },
): ArkRoute => row

const BODY_LIMIT = 1_048_576

export const ANYTHING = z.unknown()

export function toRoute(row: ArkRoute): Route {
  const { method, path, summary, rule, body, query, handle } = row
  return {
    method,
    path,
    summary,
    tag: path.split('/')[2] ?? 'server',
    answers: { [row.answers ?? 200]: { about: summary } },
    isPublic: rule.may === 'public',
    ...(body ? { body: ANYTHING, bodyOptional: true } : {}),
    ...(row.rawBody ? { rawBody: true } : {}),
    ...(row.isAlwaysLetIn ? { isAlwaysLetIn: true } : {}),
    bodyLimit: row.bodyLimit ?? BODY_LIMIT,
    handle: async (call: Call) => {
      const actor = actorOf(call.principal, rule)
      const { headers } = call
      return await handle({
        path: call.path,
        query: query ? formOf(query, call.query, 'query') : call.query,
        body: body ? formOf(body, call.body, 'body') : undefined,
        headers,
        method: call.method,
        url: call.url,
        base: call.base,
        peer: call.peer,
        actor,
        trace: traceOf(headers),
        get raw() {
          return call.raw
        },
        get signal() {
          return call.signal
        },
      })
    },
  }
}

/** A public row has no actor, and does not ask for one. */
function actorOf(principal: Principal, { may }: Rule): Actor {
  if (may === 'public') return principal as Actor
  if (!isActor(principal))
    throw new Fault('unauthenticated', 'token invalid', { reason: 'invalid' })
  if (may === 'session') {
    if (principal.by === 'key') throw refusal('forbidden', 'auth.forbidden', 'access denied')
  } else if (may !== null) demand(principal, may)
  return principal
}

export function demand(actor: Actor, permission: Permission): void {
  if (!actor.permissions.has(permission))
    throw refusal('forbidden', 'auth.forbidden', 'access denied')
}

/** The value as the schema has it; its first refusal in words of its own, else the usual ones. */
export function formOf<T>(schema: z.ZodType<T>, value: unknown, where: 'query' | 'body'): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const { issues } = parsed.error
  const own = issues.find((i) => i.code === 'custom')
  if (own) throw refusal('invalid', 'validation.error', own.message)
  throw new Fault('invalid', 'request validation failed', { where, issues })
}

export const json = (value: unknown, status = 200): Reply => ({
  status,
  headers: { 'content-type': 'application/json; charset=utf-8' },
  json: value,
})

export const nothing: Reply = { status: 204, empty: true }
