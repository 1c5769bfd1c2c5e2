/**
 * The first user of a server, by a token that is good for half an hour. It is given to who sits at
 * the machine, or holds the server's own token; never to whoever happens to come first.
 */

import { isFault } from '../../kernel/fault.ts'
import type { Asked, Context } from './context.ts'
import { refusal } from './faults.ts'
import { iso } from './id.ts'
import { SetupBody } from './people-schema.ts'
import { ANYTHING, type ArkRoute, ark, json } from './row.ts'
import { signedIn } from './sign-in.ts'

const PUBLIC = { may: 'public', about: 'none' } as const

export const bootstrapRoutes = (context: Context): ArkRoute[] => {
  const { accounts } = context
  return [
    ark({
      method: 'POST',
      path: '/v1/bootstrap/init',
      summary: 'A token to set the server up with',
      rule: PUBLIC,
      body: ANYTHING,
      answers: 201,
      handle: async (asked) => {
        if (!(await mayClaim(context, asked)))
          throw refusal(
            'forbidden',
            'auth.forbidden',
            'send the token in the server’s file gateway-token as Bearer, or come from its own machine',
          )
        const { token, expiresAt } = await accounts.claimToken()
        const reply = json({ token, expires_at: iso(expiresAt) }, 201)
        return { ...reply, headers: { ...reply.headers, 'cache-control': 'no-store' } }
      },
    }),
    ark({
      method: 'GET',
      path: '/v1/bootstrap/verify/{token}',
      summary: 'Is the token still good',
      rule: PUBLIC,
      handle: async ({ path }) => {
        const expiresAt = await accounts.readClaim(path.token ?? '')
        return json(
          expiresAt === null ? { valid: false } : { valid: true, expires_at: iso(expiresAt) },
        )
      },
    }),
    ark({
      method: 'POST',
      path: '/v1/bootstrap/setup',
      summary: 'Make the user who administers the server',
      rule: PUBLIC,
      body: SetupBody,
      answers: 201,
      handle: async ({ body, peer, base }) => {
        const { token, username, password, email } = body
        if ((await accounts.readClaim(token)) === null)
          throw refusal('invalid', 'bootstrap.invalid_token', 'bootstrap token invalid or expired')
        const given = email?.trim() ? email : null
        const session = await accounts.register({
          ...{ username, password, email: given, invite: token, peer },
        })
        return signedIn(base, session, { user_id: session.user }, 201)
      },
    }),
  ]
}

async function mayClaim({ accounts }: Context, { peer, headers }: Asked): Promise<boolean> {
  if (peer.isLoopback) return true
  if (headers.authorization === undefined) return false
  try {
    return (await accounts.admit(headers.authorization)).by === 'server'
  } catch (error) {
    if (isFault(error)) return false
    throw error
  }
}
