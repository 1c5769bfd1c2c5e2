/** The answer to whoever has signed in: the access token in the body, the refresh token in a cookie. */

import type { Session } from '../../kernel/accounts.ts'
import type { Reply } from '../../wire/dialect.ts'
import { cookiesFor } from './cookie.ts'
import { json } from './row.ts'

export function signedIn(
  base: string,
  session: Session,
  more: Record<string, unknown> = {},
  status = 200,
): Reply {
  const { access, refresh, refreshMaxAgeS } = session
  const reply = json({ ...more, access_token: access, token_type: 'bearer' }, status)
  const set = cookiesFor(base, refresh, refreshMaxAgeS)
  return { ...reply, headers: { ...reply.headers, 'set-cookie': set, 'cache-control': 'no-store' } }
}
