/** API keys: made, listed, revoked. What a key is, is shown once. */

import type { Actor, ApiKey } from '../../kernel/accounts.ts'
import { isFault } from '../../kernel/fault.ts'
import type { Context } from './context.ts'
import { notFound } from './faults.ts'
import { accountId, iso } from './id.ts'
import { KeyBody } from './people-schema.ts'
import { type ArkRoute, ark, json, nothing } from './row.ts'
import { idIn } from './scope.ts'

export const keyRoutes = ({ accounts }: Context): ArkRoute[] => [
  ark({
    method: 'POST',
    path: '/v1/api-keys',
    summary: 'Make a key; it is shown this once',
    rule: { may: 'data.api_keys.manage', about: 'none' },
    body: KeyBody,
    answers: 201,
    handle: async ({ actor, body }) => {
      const wanted = { name: body.name, scopes: body.scopes ?? [] }
      const { key, secret } = await accounts.createKey(actor, wanted)
      const reply = json({ ...keyView(key), key: secret }, 201)
      return { ...reply, headers: { ...reply.headers, 'cache-control': 'no-store' } }
    },
  }),
  ark({
    method: 'GET',
    path: '/v1/api-keys',
    summary: 'One’s keys; for who administers the account, all of it',
    rule: { may: 'data.api_keys.manage', about: 'none' },
    handle: async ({ actor }) =>
      json((await accounts.keys(actor.account, holder(actor))).map(keyView)),
  }),
  ark({
    method: 'DELETE',
    path: '/v1/api-keys/{key}',
    summary: 'Revoke a key',
    rule: { may: 'data.api_keys.manage', about: 'key' },
    answers: 204,
    handle: async ({ actor, path }) => {
      try {
        await accounts.revokeKey(actor.account, holder(actor), idIn(path, 'key'))
      } catch (error) {
        if (isFault(error) && error.code === 'not_found')
          throw notFound('api_keys.not_found', 'api key')
        throw error
      }
      return nothing
    },
  }),
]

/** Whose keys somebody may see: null for all of the account. */
const holder = (actor: Actor): string | null => (actor.role === 'account_member' ? actor.id : null)

const second = (at: number): string => `${iso(at).slice(0, 19)}Z`

const keyView = (key: ApiKey) => ({
  id: key.id,
  account_id: accountId(key.account),
  user_id: key.user,
  name: key.name,
  key_prefix: key.prefix,
  scopes: key.scopes,
  ...(key.revokedAt === null ? {} : { revoked_at: second(key.revokedAt) }),
  ...(key.lastUsedAt === null ? {} : { last_used_at: second(key.lastUsedAt) }),
  created_at: second(key.createdAt),
})
