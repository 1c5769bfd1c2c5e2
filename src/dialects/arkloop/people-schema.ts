/** What requests about people, their keys and their use of the server look like. */

import { z } from '../../wire/schema.ts'
import { custom, trimmed, within } from './schema.ts'

export const RegisterBody = z.looseObject({
  login: z.string(),
  password: z.string(),
  email: z.string(),
  invite_code: z.string().nullish(),
})

export const LoginBody = z.looseObject({ login: z.string().min(1), password: z.string().min(1) })

export const ResolveBody = z.looseObject({
  identity: z.string().refine((t) => t.trim() !== '', custom('identity must not be empty')),
})

const required = (name: string) =>
  z.string().refine((t) => t.trim() !== '', custom(`${name} is required`))

export const FlowBody = z.looseObject({ flow_token: required('flow_token') })
export const FlowCodeBody = FlowBody.extend({ code: required('code') })
export const EmailBody = z.looseObject({ email: required('email') })
export const EmailCodeBody = EmailBody.extend({ code: required('code') })
export const MailTokenBody = z.looseObject({ token: required('token') })

export const SetupBody = z.looseObject({
  token: z.string(),
  username: z.string(),
  password: z.string(),
  email: z.string().nullish(),
})

const isZone = (zone: string): boolean => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return true
  } catch {
    return false
  }
}

export const MePatch = z
  .looseObject({
    username: z.string().optional(),
    timezone: z
      .string()
      .refine((t) => t.trim() === '' || isZone(t.trim()), custom('invalid timezone'))
      .nullish(),
  })
  .refine((b) => b.username !== undefined || b.timezone !== undefined, custom('nothing to change'))

export const KeyBody = z.looseObject({
  name: trimmed.pipe(z.string().min(1).max(200)),
  scopes: z.array(z.string()).nullish(),
})

export const PeriodQuery = z.looseObject({
  year: within('year', 1970, 9999, undefined),
  month: within('month', 1, 12, undefined),
  start: z.string().optional(),
  end: z.string().optional(),
  from: z.string().optional(),
  to: z.string().optional(),
})
export type PeriodQuery = z.infer<typeof PeriodQuery>
