/** The account one belongs to: what it is, who is in it, and the code that lets others in. */

import type { Actor } from '../../kernel/accounts.ts'
import type { Context } from './context.ts'
import { accountId, iso } from './id.ts'
import { ANYTHING, type ArkRoute, ark, json } from './row.ts'

export const accountRoutes = ({ accounts }: Context): ArkRoute[] => {
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
