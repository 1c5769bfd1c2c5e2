/** Fifty Clotho chats at once over WebSockets: 20 tokens each, one every 50 ms. */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { type Figure, most, quantile } from '../figure.ts'
import { openLink } from '../link.ts'
import type { Row } from '../row.ts'
import type { Stage } from '../stage.ts'
import { NATIVE, say } from '../tongue.ts'

const TOKENS = 20
const EVERY_MS = 50

interface Chat {
  firstMs: number
  doneMs: number
  text: string
}

/** One turn over a socket that is open already; times from the moment it is sent. */
function turn(socket: WebSocket, message: string): Promise<Chat> {
  const began = performance.now()
  const chat: Chat = { firstMs: Number.NaN, doneMs: Number.NaN, text: '' }
  return new Promise((resolve, reject) => {
    socket.on('message', (bytes) => {
      const { type, data } = JSON.parse(String(bytes)) as { type: string; data: { text?: string } }
      if (type === 'agent.text_delta') {
        if (chat.text === '') chat.firstMs = performance.now() - began
        chat.text += data.text ?? ''
      }
      if (type === 'agent.error') reject(new Error(String(bytes)))
      if (type !== 'agent.turn_complete') return
      chat.doneMs = performance.now() - began
      resolve(chat)
    })
    socket.send(JSON.stringify({ type: 'run', data: { message, stream: true } }))
  })
}

async function connect(port: number, chat: string, token: string): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws/${chat}?token=${token}`)
  await new Promise((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  return socket
}

/** The server writes it while it begins to serve. */
async function tokenOf(file: string): Promise<string> {
  while (!existsSync(file)) await pause(5)
  return (JSON.parse(readFileSync(file, 'utf8')) as { api_token: string }).api_token
}

async function round(stage: Stage, chats: number): Promise<{ all: Chat[]; text: string }> {
  const folder = stage.newFolder()
  const { port } = await stage.start(folder)
  const token = await tokenOf(join(folder, 'clotho.json'))
  const link = await openLink(port)
  const sockets: WebSocket[] = []
  for (let i = 0; i < chats; i++) sockets.push(await connect(port, await NATIVE.open(link), token))
  const text = Array.from({ length: TOKENS }, (_, i) => `w${i} `).join('')
  const all: Chat[] = []
  for (let i = 0; i < stage.pick(4, 1); i++) {
    const turns = await Promise.all(sockets.map((s) => turn(s, say(text, EVERY_MS))))
    // The first round warms the server up.
    if (i > 0 || stage.isShort) all.push(...turns)
    for (const socket of sockets) socket.removeAllListeners('message')
  }
  for (const socket of sockets) socket.close()
  link.close()
  return { all, text }
}

export const clothoChats: Row = {
  name: 'clotho-chats',
  about: 'Clotho chats at once over WebSockets, 20 tokens each, one every 50 ms.',
  async measure(stage) {
    const chats = stage.pick(50, 3)
    const { all, text } = await round(stage, chats)
    // The model says its first token when its first pause is over.
    const ideal = EVERY_MS
    const over = all.map((c) => c.firstMs - ideal)
    const figures: Figure[] = [
      {
        name: `${chats} Clotho chats, first token over the ideal, p99`,
        value: quantile(over, 0.99),
        unit: 'ms',
        bar: most(50),
      },
      {
        name: `${chats} Clotho chats, all done`,
        value: Math.max(...all.map((c) => c.doneMs)),
        unit: 'ms',
        bar: most(1200),
        more: `the ideal is ${TOKENS * EVERY_MS} ms`,
      },
    ]
    const faults = all.filter((c) => c.text !== text).map((c) => `a chat was told: ${c.text}`)
    return { figures, faults }
  },
}
