/**
 * Fifty Toolang chats at once over `/chat/stream`: 20 tokens each, one every 50 ms. The real server
 * runs one chat of an agent at a time, so that the last of fifty is done when all have been said.
 */

import { type Figure, most, quantile } from '../figure.ts'
import { type Link, openLinks } from '../link.ts'
import type { Row } from '../row.ts'
import type { Stage } from '../stage.ts'
import { say } from '../tongue.ts'

const TOKENS = 20
const EVERY_MS = 50
const MODEL = 'scripted:bench'

interface Chat {
  firstMs: number
  doneMs: number
  text: string
  /** The stream ended as it must. */
  isWhole: boolean
}

const DELTA = /"type":"text-delta","id":"[^"]*","delta":"([^"]*)"/g

/** One chat on a thread of its own; times from the moment it is sent. */
function chat(link: Link, text: string): Promise<Chat> {
  const message = { parts: [{ type: 'text', text: say(text, EVERY_MS) }] }
  const began = performance.now()
  let heard = ''
  let firstMs = Number.NaN
  return new Promise((resolve, reject) => {
    link.send(
      'POST',
      '/toolang/api/v1/chat/stream',
      { model: MODEL, message },
      {
        body(piece, at) {
          heard += piece
          if (Number.isNaN(firstMs) && heard.includes('"text-delta"')) firstMs = at - began
        },
        done() {
          const said = [...heard.matchAll(DELTA)].map((m) => m[1]).join('')
          const isWhole = heard.endsWith('data: [DONE]\n\n')
          resolve({ firstMs, doneMs: performance.now() - began, text: said, isWhole })
        },
        lost: () => reject(new Error('a chat stream was lost')),
      },
    )
  })
}

async function rounds(stage: Stage, chats: number, text: string): Promise<Chat[]> {
  const { port } = await stage.start(stage.newFolder())
  const links = await openLinks(port, chats)
  const all: Chat[] = []
  for (let i = 0; i < stage.pick(4, 1); i++) {
    const round = await Promise.all(links.map((link) => chat(link, text)))
    // The first round warms the server up.
    if (i > 0 || stage.isShort) all.push(...round)
  }
  for (const link of links) link.close()
  return all
}

export const toolangChats: Row = {
  name: 'toolang-chats',
  about: 'Toolang chats at once over the AI SDK stream, 20 tokens each, one every 50 ms.',
  async measure(stage) {
    const chats = stage.pick(50, 3)
    const text = Array.from({ length: TOKENS }, (_, i) => `w${i} `).join('')
    const all = await rounds(stage, chats, text)
    const eachMs = TOKENS * EVERY_MS
    const figures: Figure[] = [
      {
        name: `${chats} Toolang chats, first token over the ideal, p99`,
        value: quantile(
          // The model says its first token when its first pause is over.
          all.map((c) => c.firstMs - EVERY_MS),
          0.99,
        ),
        unit: 'ms',
        bar: most(50),
        more: `the real server, one chat at a time: ${(chats - 1) * eachMs} ms for the last`,
      },
      {
        name: `${chats} Toolang chats, all done`,
        value: Math.max(...all.map((c) => c.doneMs)),
        unit: 'ms',
        bar: most(1200),
        more: `the ideal is ${eachMs} ms; the real server, one at a time: ${chats * eachMs} ms`,
      },
    ]
    const faults = all
      .filter((c) => c.text !== text || !c.isWhole)
      .map((c) => `a chat was told: ${c.text}${c.isWhole ? '' : ' (no end)'}`)
    return { figures, faults }
  },
}
