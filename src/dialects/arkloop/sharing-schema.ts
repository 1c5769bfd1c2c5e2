/** What requests about projects, shared threads and reports look like. */

import { z } from '../../wire/schema.ts'
import { custom, limitOf, trimmed, within } from './schema.ts'

export const ProjectBody = z.looseObject({
  name: trimmed.pipe(z.string().min(1).max(200)),
  description: z.string().max(4000).nullish(),
  visibility: z.enum(['private', 'team', 'org']).nullish(),
})

export const ShareBody = z
  .looseObject({
    access_type: z.enum(['public', 'password']),
    password: z.string().max(200).nullish(),
    live_update: z.boolean().nullish(),
  })
  .refine(
    ({ access_type, password }) => access_type === 'public' || (password ?? '').trim() !== '',
    custom('password is required'),
  )

export const ShareDropQuery = z.looseObject({ id: z.string() })
export const ShareReadQuery = z.looseObject({ session_token: z.string().optional() })
export const ShareOpenBody = z.looseObject({ password: z.string() })

const opinion = z
  .string()
  .refine((t) => t.trim() !== '', custom('feedback must not be empty'))
  .refine((t) => [...t].length <= 2000, custom('feedback must be at most 2000 characters'))

export const FeedbackBody = z.looseObject({ feedback: opinion })

export const ReportBody = z.looseObject({
  categories: z.array(z.string().min(1).max(100)).min(1).max(20),
  feedback: opinion.nullish(),
})

export const PageQuery = z.looseObject({
  limit: limitOf(50),
  offset: within('offset', 0, null, undefined),
})
