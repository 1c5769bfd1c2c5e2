/** Signing in and out. The refresh token travels in a cookie that only these paths get. */

import type { Asked, Context } from './context.ts'
import { cookieIn, cookiesFor } from './cookie.ts'
import { invalid } from './faults.ts'
import { LoginBody, RegisterBody, ResolveBody } from './people-schema.ts'
import { ANYTHING, type ArkRoute, ark, json } from './row.ts'
import { signedIn } from './sign-in.ts'

const PUBLIC = { may: 'public', about: 'none' } as const

export const authRoutes = (context: Context): ArkRoute[] => {
  const { accounts } = context
  return [
    ark({
      method: 'GET',
      path: '/v1/auth/captcha-config',
      summary: 'Whether a riddle has to be solved; never',
      rule: PUBLIC,
      handle: () => json({ enabled: false, site_key: '' }),
    }),
    ark({
      method: 'GET',
      path: '/v1/auth/registration-mode',
      summary: 'Whether an invite is needed',
      rule: PUBLIC,
      handle: async ({ peer }) =>
        json({ mode: (await accounts.needsInvite(peer)) ? 'invite_only' : 'open' }),
    }),
    ark({
      method: 'POST',
      path: '/v1/auth/resolve',
      summary: 'What somebody of that name does next',
      rule: PUBLIC,
      body: ResolveBody,
      handle: async ({ body, peer }) => json(await resolve(context, body.identity.trim(), peer)),
    }),
    ark({
      method: 'POST',
      path: '/v1/auth/register',
      summary: 'Make a user',
      rule: PUBLIC,
      body: RegisterBody,
      answers: 201,
      handle: async ({ body, peer, base }) => {
        const { login: username, password, email, invite_code } = body
        const invite = invite_code ?? null
        const session = await accounts.register({ username, password, email, invite, peer })
        return signedIn(base, session, { user_id: session.user }, 201)
      },
    }),
    ark({
      method: 'POST',
      path: '/v1/auth/login',
      summary: 'Sign in',
      rule: PUBLIC,
      body: LoginBody,
      handle: async ({ body, peer, base }) =>
        signedIn(base, await accounts.login(body.login, body.password, peer.address)),
    }),
    ark({
      method: 'POST',
      path: '/v1/auth/refresh',
      summary: 'A new access token for the cookie',
      rule: PUBLIC,
      body: ANYTHING,
      handle: async ({ headers, base }) => {
        const token = cookieIn(headers.cookie)
        if (token === null) throw invalid('refresh_token is required')
        return signedIn(base, await accounts.refresh(token))
      },
    }),
    ark({
      method: 'POST',
      path: '/v1/auth/logout',
      summary: 'End all of one’s sign-ins',
      rule: { may: 'session', about: 'none' },
      body: ANYTHING,
      handle: async ({ actor, base }) => {
        if (actor.by !== 'server') await accounts.logout(actor.id)
        const reply = json({ ok: true })
        return { ...reply, headers: { ...reply.headers, 'set-cookie': cookiesFor(base, '', 0) } }
      },
    }),
  ]
}

async function resolve({ accounts }: Context, identity: string, peer: Asked['peer']) {
  const user = await accounts.find(identity)
  const isEmail = identity.includes('@')
  if (user)
    return {
      next_step: 'password',
      flow_token: await accounts.flowToken(user.id),
      ...(user.email === '' ? {} : { masked_email: masked(user.email) }),
      otp_available: false,
      invite_required: false,
      prefill: { login: user.username },
    }
  return {
    next_step: 'register',
    otp_available: false,
    invite_required: await accounts.needsInvite(peer),
    prefill: isEmail ? { email: identity } : { login: identity },
  }
}

/** `alice@example.com` -> `a***@example.com`. */
const masked = (email: string): string => email.replace(/^(.)[^@]*/, '$1***')
