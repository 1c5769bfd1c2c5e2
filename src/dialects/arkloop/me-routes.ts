/** The one who asks: profile, credits, invites, keys, members; and what web pages ask for at their start. */

import type { Actor, ApiKey } from '../../kernel/accounts.ts'
import { isFault } from '../../kernel/fault.ts'
import type { Context } from './context.ts'
import { notFound } from './faults.ts'
import { accountId, iso, LOCAL_USER_ID } from './id.ts'
import { selectable } from './persona.ts'
import { ANYTHING, type ArkRoute, ark, json, nothing } from './row.ts'
import { creditsOf } from './run-view.ts'
import { KeyBody, MePatch, PeriodQuery } from './schema.ts'
import { idIn, makerOf } from './scope.ts'
import { dayIn } from './usage.ts'

const ANYONE = { may: null, about: 'none' } as const

export const meRoutes = (context: Context): ArkRoute[] => {
  const { accounts } = context
  return [
    ark({
      method: 'GET',
      path: '/v1/me',
      summary: 'Who one is',
      rule: ANYONE,
      handle: async ({ actor }) => json(await me(context, actor)),
    }),
    ark({
      method: 'PATCH',
      path: '/v1/me',
      summary: 'Another name, another time zone',
      rule: { may: 'session', about: 'none' },
      body: MePatch,
      handle: async ({ actor, body }) => {
        const { user } = await accounts.profile(actor)
        if (!user) throw notFound('users.not_found', 'user')
        const zone = body.timezone === undefined ? undefined : body.timezone?.trim() || null
        const changed = await accounts.edit(user.id, {
          ...(body.username === undefined ? {} : { username: body.username }),
          ...(zone === undefined ? {} : { timezone: zone }),
        })
        const { username, timezone } = changed
        return json({ username, ...(timezone === null ? {} : { timezone }) })
      },
    }),
    ark({
      method: 'GET',
      path: '/v1/me/credits',
      summary: 'What was used. Credits are counted here, and never run out',
      rule: { may: 'data.runs.read', about: 'none' },
      query: PeriodQuery,
      handle: async ({ actor, query }) =>
        json({
          balance: GRANTED,
          transactions: await transactions(context, actor, query.from, query.to),
        }),
    }),
    ark({
      method: 'GET',
      path: '/v1/me/selectable-personas',
      summary: 'Personas to choose from',
      rule: { may: 'data.personas.read', about: 'none' },
      handle: ({ actor }) => json(selectable(context.engine.catalog, actor.account)),
    }),
    ...inviteRoutes(context),
    ...keyRoutes(context),
    ark({
      method: 'GET',
      path: '/v1/notifications',
      summary: 'News for the user; there are none',
      rule: ANYONE,
      handle: () => json({ data: [] }),
    }),
    ark({
      method: 'PATCH',
      path: '/v1/notifications',
      summary: 'Marks all as read',
      rule: ANYONE,
      body: ANYTHING,
      handle: () => json({ ok: true, count: 0 }),
    }),
  ]
}

async function me({ accounts }: Context, actor: Actor) {
  const { user, account, role, permissions } = await accounts.profile(actor)
  return {
    id: user?.id ?? LOCAL_USER_ID,
    username: user?.username ?? 'local',
    ...(user?.email ? { email: user.email } : {}),
    email_verified: false,
    email_verification_required: false,
    work_enabled: true,
    ...(user?.timezone ? { timezone: user.timezone } : {}),
    created_at: iso(user?.createdAt ?? 0),
    account_id: accountId(actor.account),
    account_name: account?.name ?? 'local',
    role,
    permissions,
  }
}

// ---- credits ------------------------------------------------------------------------------------

const GRANTED = 1000
const MAX_TRANSACTIONS = 100

async function transactions(context: Context, actor: Actor, from?: string, to?: string) {
  const { store } = context.engine
  const { items } = await store.runs({
    account: actor.account,
    status: ['completed', 'failed', 'cancelled'],
    ...dayIn('since', from, 0),
    ...dayIn('until', to, 1),
    limit: MAX_TRANSACTIONS,
    offset: 0,
  })
  const own = []
  for (const run of items) {
    const amount = creditsOf(run.usage)
    if (amount === 0 || (await makerOf(context, run)) !== actor.id) continue
    own.push({
      id: run.id,
      account_id: accountId(run.account),
      amount: -amount,
      type: 'consumption',
      reference_type: 'run',
      reference_id: run.id,
      created_at: iso(run.endedAt ?? run.createdAt),
    })
  }
  return own
}

// ---- invites and members ------------------------------------------------------------------------

const inviteRoutes = ({ accounts }: Context): ArkRoute[] => {
  const rule = { may: 'org.members.invite', about: 'none' } as const
  const view = async (actor: Actor, isFresh: boolean) => {
    const { code, createdAt } = await accounts.invite(actor.account, isFresh)
    return { code, account_id: accountId(actor.account), created_at: iso(createdAt) }
  }
  return [
    ark({
      method: 'GET',
      path: '/v1/me/invite-code',
      summary: 'Whoever registers with this code joins the account',
      rule,
      handle: async ({ actor }) => json(await view(actor, false)),
    }),
    ark({
      method: 'POST',
      path: '/v1/me/invite-code/reset',
      summary: 'Another code; the old one opens nothing any more',
      rule,
      body: ANYTHING,
      handle: async ({ actor }) => json(await view(actor, true)),
    }),
    ark({
      method: 'GET',
      path: '/v1/accounts/me',
      summary: 'The account one belongs to',
      rule: { may: null, about: 'none' },
      handle: async ({ actor }) => {
        const { account, role } = await accounts.profile(actor)
        return json({
          id: accountId(actor.account),
          org_id: accountId(actor.account),
          name: account?.name ?? 'local',
          owner_user_id: account?.owner ?? null,
          role,
          created_at: iso(account?.createdAt ?? 0),
        })
      },
    }),
    ark({
      method: 'GET',
      path: '/v1/accounts/me/members',
      summary: 'Who belongs to the account',
      rule: { may: 'org.members.list', about: 'none' },
      handle: async ({ actor }) => {
        const members = await accounts.members(actor.account)
        const users = await accounts.users(members.map((m) => m.user))
        return json(
          members.map(({ user, role, joinedAt }) => ({
            user_id: user,
            username: users.get(user)?.username ?? null,
            email: users.get(user)?.email || null,
            role,
            joined_at: iso(joinedAt),
          })),
        )
      },
    }),
  ]
}

// ---- API keys -----------------------------------------------------------------------------------

const keyRoutes = ({ accounts }: Context): ArkRoute[] => [
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
