/** `manifold asks answer`, `runs cancel` and `events`: one thing done, or one log printed. */

import type { Event } from '../../kernel/event.ts'
import { Fault } from '../../kernel/fault.ts'
import type { AskRow } from '../../kernel/rows.ts'
import type { Client } from '../client.ts'
import { answerOf } from '../reply.ts'
import { oneLine } from '../terminal.ts'

interface EventPage {
  items: Event[]
  next: number
  isComplete: boolean
}

interface ActOptions {
  client: Client
  write(text: string): void
}

export async function answerAsk(options: ActOptions, id: string, words: string): Promise<void> {
  const { client, write } = options
  const ask = await client.get<AskRow>(`/asks/${encodeURIComponent(id)}`)
  const answer = answerOf({ ...ask, ask: ask.id, turn: 0 }, words)
  if ('hint' in answer) throw new Fault('invalid', `Answer with ${answer.hint}.`)
  await client.send('POST', `/asks/${ask.id}/answer`, answer)
  write('answered\n')
}

export async function cancelRun({ client, write }: ActOptions, run: string): Promise<void> {
  await client.send('POST', `/runs/${encodeURIComponent(run)}/cancel`, {})
  write('cancelling\n')
}

export interface EventsOptions extends ActOptions {
  thread: string
  after: number
  follow: boolean
  json: boolean
  columns: number
  signal: AbortSignal
}

/** With `follow` until the signal or the server ends it. Returns the last seq that was printed. */
export async function printEvents(options: EventsOptions): Promise<number> {
  const { client, thread, follow, signal } = options
  const path = `/threads/${encodeURIComponent(thread)}/events`
  let { after } = options
  if (!follow) {
    for (;;) {
      const page = await client.get<EventPage>(path, { after, limit: 1000 })
      for (const event of page.items) printEvent(options, event)
      after = page.next
      if (page.isComplete || page.items.length === 0) return after
    }
  }
  await client.get(path, { after, limit: 1 })
  for await (const frame of client.stream(encodeURIComponent(thread), after, signal)) {
    if (frame.event === 'ready' || frame.event === 'bye') continue
    const event = JSON.parse(frame.data) as Event
    after = event.seq
    printEvent(options, event)
  }
  return after
}

function printEvent({ write, json, columns }: EventsOptions, event: Event): void {
  if (json) {
    write(`${JSON.stringify(event)}\n`)
    return
  }
  const time = new Date(event.at).toISOString().slice(11, 23)
  const head = `${String(event.seq).padStart(6)}  ${time}  ${event.type.padEnd(18)}`
  const room = Math.max(columns - head.length - 2, 20)
  write(`${head}  ${oneLine(JSON.stringify(event.data), room)}\n`)
}
