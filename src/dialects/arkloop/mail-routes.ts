/**
 * What the real system does by mail: codes to sign in with, and proofs of an address. This server
 * sends none, and says so; what a request must hold is checked all the same.
 */

import type { Context } from './context.ts'
import { refusal } from './faults.ts'
import { EmailBody, EmailCodeBody, FlowBody, FlowCodeBody, MailTokenBody } from './people-schema.ts'
import { ANYTHING, type ArkRoute, ark } from './row.ts'

const PUBLIC = { may: 'public', about: 'none' } as const

const unavailable = () =>
  refusal(
    'invalid',
    'auth.otp_unavailable',
    'this server sends no mail: sign in with your password',
  )

export const mailRoutes = ({ accounts }: Context): ArkRoute[] => {
  const inFlow = async (token: string): Promise<never> => {
    if ((await accounts.readFlow(token)) !== null) throw unavailable()
    throw refusal('unauthenticated', 'auth.flow_token_invalid', 'flow token invalid or expired')
  }
  return [
    ark({
      method: 'POST',
      path: '/v1/auth/resolve/otp/send',
      summary: 'A code for a sign-in that was begun; there is no mail',
      rule: PUBLIC,
      body: FlowBody,
      handle: ({ body }) => inFlow(body.flow_token),
    }),
    ark({
      method: 'POST',
      path: '/v1/auth/resolve/otp/verify',
      summary: 'Sign in with such a code',
      rule: PUBLIC,
      body: FlowCodeBody,
      handle: ({ body }) => inFlow(body.flow_token),
    }),
    ...(
      [
        ['/v1/auth/email/otp/send', EmailBody],
        ['/v1/auth/email/otp/verify', EmailCodeBody],
        ['/v1/auth/email/verify/confirm', MailTokenBody],
      ] as const
    ).map(([path, body]) =>
      ark({
        method: 'POST',
        path,
        summary: 'Codes by mail; this server sends none',
        rule: PUBLIC,
        body,
        handle: () => {
          throw unavailable()
        },
      }),
    ),
    ark({
      method: 'POST',
      path: '/v1/auth/email/verify/send',
      summary: 'Proof of one’s address; there is no mail',
      rule: { may: 'session', about: 'none' },
      body: ANYTHING,
      handle: () => {
        throw unavailable()
      },
    }),
  ]
}
