/**
 * One socket of a chat. It reads the chat's turns and takes messages for it; closing it changes
 * nothing. Whatever a client sends, the socket stays open: only the transport closes it.
 */

import { Fault } from '../../kernel/fault.ts'
import type { Principal } from '../../kernel/ports.ts'
import type { Call, Socket, SocketEvents, SocketRoute } from '../../wire/dialect.ts'
import type { Goodbye } from '../../wire/projection.ts'
import { attempt } from './attempt.ts'
import {
  answerRequest,
  cancelRequest,
  type Frame,
  frameOf,
  hintsOf,
  pendingOf,
  ruleRequests,
  submitRequest,
} from './commands.ts'
import { type Context, findChat, originOf } from './context.ts'
import { errorFrame } from './frame.ts'
import { chatId } from './id.ts'
import { feedOf } from './stream.ts'

const NO_CHAT = { code: 4004, reason: 'Chat not found' }

export const sockets = (context: Context): SocketRoute[] => [
  {
    path: '/ws/{chat_id}',
    maxBytes: 16 * 1024 * 1024,
    pingEveryMs: 20_000,
    open: (call, socket) => open(context, call, socket),
  },
]

async function open(
  context: Context,
  { path, principal }: Omit<Call, 'body' | 'raw'>,
  socket: Socket,
): Promise<SocketEvents> {
  const chat = chatId(path.chat_id ?? '')
  const thread = await findChat(context.engine, principal, chat)
  if (!thread) {
    socket.close(NO_CHAT.code, NO_CHAT.reason)
    return { message() {}, closed() {} }
  }
  const asked = new Set<string>()
  const stop = socket.follow({
    ...feedOf(thread, (ask) => asked.add(ask)),
    goodbye(reason: Goodbye) {
      if (reason === 'erased') socket.close(NO_CHAT.code, NO_CHAT.reason)
      return ''
    },
  })
  const line: Line = { context, chat, principal, socket, asked }
  return { message: (text) => hear(line, frameOf(text)), closed: stop }
}

interface Line {
  context: Context
  chat: string
  principal: Principal
  socket: Socket
  /** What this client has been asked. */
  asked: Set<string>
}

async function hear(line: Line, frame: Frame): Promise<void> {
  try {
    await act(line, frame)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    if (error.code === 'not_found') line.socket.close(NO_CHAT.code, NO_CHAT.reason)
    else complain(line, 'internal_error', error.message)
  }
}

async function act(line: Line, frame: Frame): Promise<void> {
  const { engine } = line.context
  const origin = originOf(line.principal)
  switch (frame.do) {
    case 'complain':
      return complain(line, frame.code, frame.message)
    case 'say':
      return say(line, frame)
    case 'rule': {
      const pending = pendingOf(await engine.thread(line.chat))
      const told = { asked: line.asked, origin }
      for (const { thread, request } of ruleRequests(pending, frame.verdict, told))
        await attempt(engine, thread, request)
      return
    }
    case 'cancel':
      await attempt(engine, line.chat, cancelRequest('keep', origin))
      return
    case 'panic':
      await attempt(engine, line.chat, cancelRequest('drop', origin))
      return
  }
}

/** A question that somebody else has answered meanwhile is no reason to lose the message. */
async function say(line: Line, frame: Extract<Frame, { do: 'say' }>): Promise<void> {
  const { engine } = line.context
  const origin = originOf(line.principal)
  const pending = pendingOf(await engine.thread(line.chat))
  const answer = answerRequest(pending, frame.input, origin)
  if (answer && (await attempt(engine, answer.thread, answer.request))) return
  const hints = hintsOf(frame.isStreamed)
  await engine.submit(line.chat, submitRequest(frame.input, { ...origin, hints }))
}

function complain({ context, socket }: Line, code: string, message: string): void {
  socket.send(errorFrame(code, message, context.settings.clock()))
}
