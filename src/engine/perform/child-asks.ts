/**
 * What a child waits for is told in its parent's log too, so that who reads only there learns of
 * it: an ask that was answered in part is settled there, and told again with what is left of it.
 * After a restart the difference between the two logs is made up.
 */

import { type AskBody, type Draft, draft, type EventOf } from '../../kernel/event.ts'
import type { ChildAsk, Run } from '../../kernel/run.ts'
import type { Thread } from '../../kernel/thread.ts'
import type { Call } from '../../kernel/turn.ts'
import { settleChild } from '../../kernel/unwind.ts'
import { type AskEvent, activeRun, type Context, type Work } from '../context.ts'

/** Resolves when the child has ended, or the step is stopped. */
export async function tellAsks(
  context: Context,
  work: Work,
  call: Call,
  { thread, run }: { thread: string; run: string },
): Promise<void> {
  const failed = new AbortController()
  /** Asks of the child that were heard of here, by their place in its log. */
  const places = new Map<string, number>()
  const sync = async (): Promise<void> => {
    const open = openAsks((await context.live(thread)).state)
    const told = activeRun(work.live.state).childAsks.filter((a) => a.call === call.call)
    const settled = await Promise.all(
      told.flatMap((ask) => {
        const gone = decidedOf(ask, open)
        return gone.length > 0 ? [howSettled(context, ask, gone, places.get(ask.ask) ?? 0)] : []
      }),
    )
    await work.live.commit((state) => askChanges(activeRun(state), call, open, settled), {
      isDriver: true,
    })
  }
  let telling = Promise.resolve()
  const tell = (event?: AskEvent): void => {
    if (event?.type === 'ask.opened') places.set(event.data.ask, event.seq)
    telling = telling.then(sync)
    // Who cannot tell has lost the thread: there is nothing to wait for.
    telling.catch(() => failed.abort())
  }
  const stop = context.onAsks(thread, tell)
  tell()
  try {
    await context.runEnded(thread, run, AbortSignal.any([work.signal, failed.signal]))
  } finally {
    stop()
    await telling
  }
}

type Settlement = Pick<EventOf<'child.settled'>['data'], 'ask' | 'how' | 'rulings'>

type OpenAsk = Omit<ChildAsk, 'call'> & { expiresAt: number | null }

/** What an ask is about; one that is about no calls has one empty name. */
const namesIn = (body: AskBody): string[] =>
  'calls' in body ? body.calls.map((c) => c.call) : ['']

/** What was told of the ask and waits no more. */
function decidedOf({ ask, body }: ChildAsk, open: OpenAsk[]): string[] {
  const still = open.find((a) => a.ask === ask)
  const waiting = still ? namesIn(still.body) : []
  return namesIn(body).filter((name) => !waiting.includes(name))
}

/** The log of its thread says what became of these calls of an ask, in one answer or in several. */
async function howSettled(
  context: Context,
  { thread, ask }: ChildAsk,
  calls: string[],
  opened: number,
): Promise<Settlement> {
  const settlement: Settlement = { ask, how: 'cancelled', rulings: {} }
  for (let after = opened; ; ) {
    const page = await context.store.read(thread, after, 2_000)
    const last = page.at(-1)
    if (!last) return settlement
    after = last.seq
    for (const { type, data } of page) {
      if (type !== 'ask.settled' || data.ask !== ask) continue
      settlement.how = data.how
      const meant = Object.entries(data.rulings).filter(([call]) => calls.includes(call))
      Object.assign(settlement.rulings, Object.fromEntries(meant))
    }
  }
}

/** What a thread and its own children wait for. */
const openAsks = ({ id, active }: Thread): OpenAsk[] => [
  ...(active?.asks ?? []).map(({ ask, body, open, expiresAt }) => ({
    ...{ thread: id, ask, expiresAt },
    body:
      'calls' in body ? { ...body, calls: body.calls.filter((c) => open.includes(c.call)) } : body,
  })),
  ...(active?.childAsks ?? []).map(({ call: _, ...rest }) => ({ ...rest, expiresAt: null })),
]

function askChanges(run: Run, { call }: Call, open: OpenAsk[], settled: Settlement[]): Draft[] {
  const turn = run.turn?.index ?? 0
  const told = run.childAsks.filter((a) => a.call === call)
  const over = settled.flatMap(({ ask, how, rulings }) => {
    const own = told.find((t) => t.ask === ask)
    return own ? [{ own, how, rulings }] : []
  })
  const kept = told.filter((t) => !over.some(({ own }) => own === t))
  const fresh = open.filter((a) => !kept.some((t) => t.ask === a.ask))
  return [
    ...over.map(({ own, how, rulings }) => settleChild(run, own, how, rulings)),
    ...fresh.map((a) => draft('child.asked', run.id, { turn, call, ...a })),
  ]
}
