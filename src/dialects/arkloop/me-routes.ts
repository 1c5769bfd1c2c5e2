/** The one who asks: profile and credits; and what web pages ask for at their start. */

import type { Actor } from '../../kernel/accounts.ts'
import type { Context } from './context.ts'
import { notFound } from './faults.ts'
import { accountId, iso, LOCAL_USER_ID } from './id.ts'
import { MePatch, PeriodQuery } from './people-schema.ts'
import { selectable } from './persona.ts'
import { ANYTHING, type ArkRoute, ark, json } from './row.ts'
import { creditsOf } from './run-view.ts'
import { makerIn } from './scope.ts'
import { boundIn } from './usage.ts'

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
  const { account } = actor
  const owner = await context.accounts.ownerOf(account)
  const { items } = await context.engine.store.runs({
    account,
    // What was made without a user is the owner's.
    ...(owner === actor.id ? {} : { principal: actor.id }),
    status: ['completed', 'failed', 'cancelled'],
    ...boundIn('since', from, 0),
    ...boundIn('until', to, 1),
    limit: MAX_TRANSACTIONS,
    offset: 0,
  })
  const own = items.filter((run) => makerIn(run, owner) === actor.id && creditsOf(run.usage) > 0)
  return own.map((run) => ({
    id: run.id,
    account_id: accountId(run.account),
    amount: -creditsOf(run.usage),
    type: 'consumption',
    reference_type: 'run',
    reference_id: run.id,
    created_at: iso(run.endedAt ?? run.createdAt),
  }))
}
