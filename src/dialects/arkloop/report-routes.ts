/** What people tell the operator: that a thread went wrong, or what they think. The operator reads it. */

import type { Json } from '../../kernel/part.ts'
import type { Asked, Context } from './context.ts'
import { accountId, iso } from './id.ts'
import { type ArkRoute, ark, json } from './row.ts'
import { idIn, threadOf } from './scope.ts'
import { FeedbackBody, PageQuery, ReportBody } from './sharing-schema.ts'

const KIND = 'arkloop.report'

interface Report {
  id: string
  account: string
  user: string
  thread: string | null
  categories: string[]
  feedback: string | null
  createdAt: number
}

export const reportRoutes = (context: Context): ArkRoute[] => [
  ark({
    method: 'POST',
    path: '/v1/threads/{thread}:report',
    summary: 'Report what a thread says',
    rule: { may: 'data.threads.write', about: 'thread' },
    body: ReportBody,
    answers: 201,
    handle: async ({ actor, path, body }) => {
      const { id } = await threadOf(context, actor, idIn(path, 'thread'), 'threads.report')
      const { categories, feedback } = body
      return kept(context, actor, { thread: id, categories, feedback: feedback ?? null })
    },
  }),
  ark({
    method: 'POST',
    path: '/v1/me/feedback',
    summary: 'Tell the operator what one thinks',
    rule: { may: 'session', about: 'none' },
    body: FeedbackBody,
    answers: 201,
    handle: ({ actor, body }) =>
      kept(context, actor, { thread: null, categories: [], feedback: body.feedback }),
  }),
  ark({
    method: 'GET',
    path: '/v1/admin/reports',
    summary: 'Reports and feedback of all accounts, newest first',
    rule: { may: 'platform.admin', about: 'none' },
    query: PageQuery,
    handle: async ({ query }) => {
      const { engine, accounts } = context
      const all = (await engine.store.list(KIND))
        .map((d) => d.body as unknown as Report)
        .sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1))
      const from = query.offset ?? 0
      const page = all.slice(from, from + (query.limit ?? 50))
      const users = await accounts.users(page.map((r) => r.user))
      const data = page.map((r) => ({
        ...view(r),
        reporter_email: users.get(r.user)?.email || null,
      }))
      return json({ data, total: all.length })
    },
  }),
]

async function kept(
  { engine, settings }: Context,
  actor: Asked['actor'],
  said: Pick<Report, 'thread' | 'categories' | 'feedback'>,
) {
  const report: Report = {
    id: settings.newId(),
    account: actor.account,
    user: actor.id,
    ...said,
    createdAt: settings.now(),
  }
  const key = `${report.account}/${report.id}`
  await engine.store.put({ kind: KIND, key, body: report as unknown as Json })
  return json(view(report), 201)
}

const view = (report: Report) => ({
  id: report.id,
  account_id: accountId(report.account),
  reporter_id: report.user,
  thread_id: report.thread,
  categories: report.categories,
  feedback: report.feedback,
  created_at: iso(report.createdAt),
})
