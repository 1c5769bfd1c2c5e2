/** Messages: posted, listed, rewritten; and the files that go with them. */

import { editMessage } from './again.ts'
import { attachmentView, MAX_IMAGE_BYTES, readAttachment, stage } from './attachment.ts'
import { contentOf } from './content.ts'
import type { Context } from './context.ts'
import { notFound } from './faults.ts'
import { messageView, type Posted, postMessage, transcriptOf } from './message.ts'
import { type ArkRoute, ark, json } from './row.ts'
import { MessageBody, MessagesQuery } from './schema.ts'
import { idIn, readable, threadOf } from './scope.ts'

const MULTIPART_ROOM = 65_536

export const messageRoutes = (context: Context): ArkRoute[] => [
  ark({
    method: 'POST',
    path: '/v1/threads/{thread}/messages',
    summary: 'Say something; it waits until a run begins',
    rule: { may: 'data.threads.write', about: 'thread' },
    body: MessageBody,
    answers: 201,
    handle: async ({ actor, path, body }) => {
      const { engine, settings } = context
      const id = idIn(path, 'thread')
      const thread = await threadOf(context, actor, id, 'messages.create')
      const content = await contentOf(engine, actor.id, body)
      const posted: Posted = {
        ...content,
        id: settings.newId(),
        at: settings.now(),
        user: actor.id,
      }
      await postMessage(engine, thread.id, posted)
      const shown = { ...posted, role: 'user' as const, run: null }
      return json(messageView(thread, shown), 201)
    },
  }),
  ark({
    method: 'GET',
    path: '/v1/threads/{thread}/messages',
    summary: 'What was said, oldest first',
    rule: { may: 'data.threads.read', about: 'thread' },
    query: MessagesQuery,
    handle: async ({ actor, path, query }) => {
      const { id } = await readable(context, actor, idIn(path, 'thread'), 'messages.list')
      const thread = await context.engine.thread(id)
      const { shown } = await transcriptOf(context.engine, thread)
      return json(shown.slice(-(query.limit ?? 200)).map((m) => messageView(thread, m)))
    },
  }),
  ark({
    method: 'PATCH',
    path: '/v1/threads/{thread}/messages/{message}',
    summary: 'Say something else instead, and have it answered',
    rule: { may: 'data.threads.write', about: 'thread' },
    body: MessageBody,
    answers: 201,
    handle: async (asked) => {
      const { actor, path, body } = asked
      const thread = await threadOf(context, actor, idIn(path, 'thread'), 'messages.edit')
      const id = idIn(path, 'message')
      const change = await contentOf(context.engine, actor.id, body)
      return json(await editMessage(context, asked, thread, { id, change }), 201)
    },
  }),
  ark({
    method: 'POST',
    path: '/v1/attachments/stage',
    summary: 'Send a file ahead of the message it goes with',
    rule: { may: 'data.threads.write', about: 'none' },
    rawBody: true,
    bodyLimit: MAX_IMAGE_BYTES + MULTIPART_ROOM,
    answers: 201,
    handle: async ({ actor, raw, headers }) => {
      const { engine, settings } = context
      const file = await stage(engine, actor.id, settings.newId(), { raw, headers })
      return json(attachmentView(file), 201)
    },
  }),
  ark({
    method: 'GET',
    path: '/v1/attachments/{attachment}',
    summary: 'A file that one has sent',
    rule: { may: 'data.threads.read', about: 'none' },
    handle: async ({ actor, path }) => {
      const file = await readAttachment(context.engine, actor.id, path.attachment ?? '')
      if (!file) throw notFound('attachments.not_found', 'attachment')
      const isSafe = file.kind === 'image'
      return {
        status: 200,
        headers: {
          'content-disposition': isSafe ? 'inline' : 'attachment',
          'x-content-type-options': 'nosniff',
        },
        bytes: Buffer.from(file.data, 'base64'),
        type: isSafe ? file.mime_type : 'application/octet-stream',
      }
    },
  }),
]
