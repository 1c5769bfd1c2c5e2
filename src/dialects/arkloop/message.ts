/**
 * Messages. Posting one starts nothing, so what is posted waits beside the log, as documents, until a
 * run takes it as its input. Which messages a run took is written before the run exists and counts
 * only when it does: a crash in between loses none and says none twice.
 */

import { isUuid } from '../../kernel/id.ts'
import { type InputPart, type Json, type Message, textOf } from '../../kernel/part.ts'
import type { Engine } from '../../kernel/ports.ts'
import type { Thread } from '../../kernel/thread.ts'
import { accountId, iso, messageId } from './id.ts'
import type { Part } from './schema.ts'

const MESSAGE = 'arkloop.message'
const INPUT = 'arkloop.input'

export interface Posted {
  id: string
  /** Orders the messages of a thread. */
  at: number
  user: string
  content: string
  parts: Part[]
  /** What the model reads. */
  input: InputPart[]
}

/** A message as the thread shows it. */
export interface Shown {
  id: string
  role: 'user' | 'assistant'
  at: number
  user: string | null
  /** The run that took it, or said it. */
  run: string | null
  content: string
  parts: Part[] | null
  /** Of a user's message. */
  input: InputPart[]
}

export interface Transcript {
  /** Everything that counts, oldest first. */
  shown: Shown[]
  /** What no run has taken yet. */
  pending: Posted[]
}

export const postMessage = (engine: Engine, thread: string, posted: Posted): Promise<void> =>
  engine.store.put({
    kind: MESSAGE,
    key: `${thread}/${posted.id}`,
    body: posted as unknown as Json,
  })

export const dropMessage = (engine: Engine, thread: string, id: string): Promise<void> =>
  engine.store.drop(MESSAGE, `${thread}/${id}`)

/** From now on the run has these messages, if it comes to be. */
export const assign = (
  engine: Engine,
  thread: string,
  run: string,
  messages: readonly string[],
): Promise<void> =>
  engine.store.put({
    kind: INPUT,
    key: `${thread}/${run}`,
    body: { messages: [...messages] },
  })

export const unassign = (engine: Engine, thread: string, run: string): Promise<void> =>
  engine.store.drop(INPUT, `${thread}/${run}`)

interface Taken {
  run: string
  messages: string[]
}

export async function transcriptOf(engine: Engine, thread: Thread): Promise<Transcript> {
  const { store } = engine
  const [posted, taken] = await Promise.all([
    store.list(MESSAGE, `${thread.id}/`),
    store.list(INPUT, `${thread.id}/`),
  ])
  const all = posted.map((d) => d.body as unknown as Posted).sort(byTime)
  const claims = taken.map((d) => ({
    run: d.key.slice(d.key.indexOf('/') + 1),
    messages: (d.body as { messages: string[] }).messages,
  }))
  const valid: Taken[] = []
  for (const claim of claims) if (await hasTaken(engine, thread, claim.run)) valid.push(claim)
  const used = new Set(valid.flatMap((t) => t.messages))
  const pending = all.filter((m) => !used.has(m.id))
  const shown = [...told(thread, all, valid), ...pending.map((m) => shownPosted(m, null))]
  return { shown, pending }
}

const byTime = (a: Posted, b: Posted): number => a.at - b.at || (a.id < b.id ? -1 : 1)

/** Is there such a run, and has it begun, or will it? What was cancelled unheard took nothing. */
async function hasTaken({ store }: Engine, thread: Thread, run: string): Promise<boolean> {
  if (thread.active?.id === run || thread.queue.some((r) => r.id === run)) return true
  if (thread.rewound.includes(run) || thread.messages.some((m) => m.run === run)) return true
  const row = await store.run(run)
  return row !== null && row.thread === thread.id && row.startedAt !== null
}

/** The log's transcript, run by run, with the messages as they were posted where they were. */
function told(thread: Thread, posted: Posted[], taken: Taken[]): Shown[] {
  const byId = new Map(posted.map((m) => [m.id, m]))
  const claims = new Map(taken.map((t) => [t.run, t.messages]))
  const own = (run: string): Shown[] | null =>
    claims.get(run)?.flatMap((id) => {
      const message = byId.get(id)
      return message ? [shownPosted(message, run)] : []
    }) ?? null
  const runs = [...new Set(thread.messages.map((m) => m.run))]
  const coming = [...(thread.active ? [thread.active] : []), ...thread.queue].map((r) => r.id)
  const rest = coming.filter((run) => !runs.includes(run))
  return [
    ...runs.flatMap((run) => toldRun(thread, run, own(run))),
    ...rest.flatMap((run) => own(run) ?? []),
  ]
}

function toldRun(thread: Thread, run: string, own: Shown[] | null): Shown[] {
  const messages = thread.messages.filter((m) => m.run === run)
  const user = own ?? messages.filter((m) => m.role === 'user' && !m.steered).map(asUser(thread))
  if (thread.active?.id === run) return user
  const said = messages.findLast((m) => m.role === 'assistant' && wordsOf(m) !== '')
  return said ? [...user, asAssistant(thread, said)] : user
}

const wordsOf = (message: Message): string => textOf(message.parts.filter((p) => p.kind === 'text'))

const asUser =
  (thread: Thread) =>
  (message: Message): Shown => ({
    id: messageId(thread.id, message.id),
    role: 'user',
    at: message.at,
    user: isUuid(thread.origin.principal) ? thread.origin.principal : null,
    run: message.run,
    content: textOf(message.parts),
    parts: null,
    input: message.parts as InputPart[],
  })

const asAssistant = (thread: Thread, message: Message): Shown => ({
  id: messageId(thread.id, message.id),
  role: 'assistant',
  at: message.at,
  user: null,
  run: message.run,
  content: wordsOf(message),
  parts: null,
  input: [],
})

const shownPosted = (m: Posted, run: string | null): Shown => ({
  id: m.id,
  role: 'user',
  at: m.at,
  user: m.user,
  run,
  content: m.content,
  parts: m.parts,
  input: m.input,
})

export const messageView = (thread: Pick<Thread, 'id' | 'account'>, m: Shown) => ({
  id: m.id,
  account_id: accountId(thread.account),
  thread_id: thread.id,
  created_by_user_id: m.user,
  ...(m.run === null ? {} : { run_id: m.run }),
  role: m.role,
  content: m.content,
  content_json: { parts: m.parts ?? [{ type: 'text', text: m.content }] },
  created_at: iso(m.at),
})
