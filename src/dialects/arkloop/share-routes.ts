/** Sharing a thread by link: made, listed and taken back by who owns it, read by who holds it. */

import { Fault } from '../../kernel/fault.ts'
import type { Context } from './context.ts'
import { notFound, refusal } from './faults.ts'
import { iso } from './id.ts'
import { messageView, transcriptOf } from './message.ts'
import { type ArkRoute, ark, json, nothing } from './row.ts'
import { idIn, threadIfAny, threadOf } from './scope.ts'
import {
  addShare,
  dropShare,
  isOpened,
  newToken,
  open,
  type Share,
  sealed,
  shareByToken,
  sharesOf,
  shareView,
} from './share.ts'
import { ShareBody, ShareDropQuery, ShareOpenBody, ShareReadQuery } from './sharing-schema.ts'

const PUBLIC = { may: 'public', about: 'none' } as const
const noShare = () => notFound('shares.not_found', 'share')

export const shareRoutes = (context: Context): ArkRoute[] => [
  ...ownerRoutes(context),
  ...readerRoutes(context),
]

const ownerRoutes = (context: Context): ArkRoute[] => [
  ark({
    method: 'POST',
    path: '/v1/threads/{thread}:share',
    summary: 'A link that shows a thread to whoever holds it',
    rule: { may: 'data.threads.write', about: 'thread' },
    body: ShareBody,
    answers: 201,
    handle: async ({ actor, path, body }) => {
      const { engine, settings } = context
      const thread = await threadOf(context, actor, idIn(path, 'thread'), 'threads.share')
      const share: Share = {
        id: settings.newId(),
        thread: thread.id,
        user: actor.id,
        token: newToken(),
        password: body.access_type === 'password' ? await sealed(body.password ?? '') : null,
        isLive: body.live_update ?? false,
        createdAt: settings.now(),
        failures: 0,
        lockedUntil: 0,
      }
      await addShare(engine, share)
      return json(shareView(share), 201)
    },
  }),
  ark({
    method: 'GET',
    path: '/v1/threads/{thread}:share',
    summary: 'Links to a thread',
    rule: { may: 'data.threads.read', about: 'thread' },
    handle: async ({ actor, path }) => {
      const { id } = await threadOf(context, actor, idIn(path, 'thread'), 'threads.share')
      return json((await sharesOf(context.engine, id)).map(shareView))
    },
  }),
  ark({
    method: 'DELETE',
    path: '/v1/threads/{thread}:share',
    summary: 'Take a link back',
    rule: { may: 'data.threads.write', about: 'thread' },
    query: ShareDropQuery,
    answers: 204,
    handle: async ({ actor, path, query }) => {
      const { id } = await threadOf(context, actor, idIn(path, 'thread'), 'threads.share')
      const share = (await sharesOf(context.engine, id)).find((s) => s.id === query.id)
      if (!share) throw noShare()
      await dropShare(context.engine, share)
      return nothing
    },
  }),
]

const readerRoutes = (context: Context): ArkRoute[] => {
  const { engine, settings, turns } = context
  const find = async (token: string | undefined): Promise<Share> => {
    const share = await shareByToken(engine, token ?? '')
    if (!share) throw noShare()
    return share
  }
  return [
    ark({
      method: 'GET',
      path: '/v1/s/{token}',
      summary: 'A thread that was shared',
      rule: PUBLIC,
      query: ShareReadQuery,
      handle: async ({ path, query, headers }) => {
        const share = await find(path.token)
        const session = query.session_token ?? headers['x-share-session']
        if (!(await isOpened(engine, share, session, settings.now())))
          return json({ requires_password: true })
        return json(await shown(context, share))
      },
    }),
    ark({
      method: 'POST',
      path: '/v1/s/{token}/verify',
      summary: 'Give the password of a shared thread',
      rule: PUBLIC,
      body: ShareOpenBody,
      handle: ({ path, body }) =>
        turns.run(`share:${path.token}`, async () => {
          const share = await find(path.token)
          const opened = await open(engine, share, body.password, settings.now())
          if (!opened) throw refusal('forbidden', 'shares.invalid_password', 'invalid password')
          if ('retryAfterMs' in opened) throw new Fault('limited', 'Too many tries.', opened)
          return json({ session_token: opened.session })
        }),
    }),
  ]
}

/** What was said up to the day it was shared, or up to now; nothing of who said it. */
async function shown(context: Context, share: Share) {
  const thread = await threadIfAny(context, share.thread)
  if (!thread) throw noShare()
  const transcript = await transcriptOf(context.engine, thread)
  const told = transcript.shown.filter((m) => share.isLive || m.at <= share.createdAt)
  return {
    requires_password: false,
    thread: { id: thread.id, title: thread.title, created_at: iso(thread.openedAt) },
    messages: told.map((m) => {
      const { id, role, content, content_json, created_at } = messageView(thread, m)
      return { id, role, content, content_json, created_at }
    }),
  }
}
