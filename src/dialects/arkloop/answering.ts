/**
 * `POST /v1/runs/{run}/input`: an answer to what the run waits for longest; a message for a run that
 * waits for nothing. Words that decide nothing where a decision is asked are refused, and it waits on.
 */

import type { AskBody } from '../../kernel/event.ts'
import { isFault } from '../../kernel/fault.ts'
import type { Request } from '../../kernel/ports.ts'
import type { Run } from '../../kernel/run.ts'
import type { Asked, Context } from './context.ts'
import { invalid, refusal } from './faults.ts'
import { originOf } from './hints.ts'
import { answerIn, decisionIn } from './question.ts'

const notActive = () => refusal('not_active', 'runs.not_active', 'run is not active')

export async function giveInput(
  { engine, turns }: Context,
  { actor, trace }: Pick<Asked, 'actor' | 'trace'>,
  at: { thread: string; run: string },
  content: string,
): Promise<void> {
  const origin = originOf(actor, { trace_id: trace, content })
  // What comes in one after the other is consumed so.
  await turns.run(`input:${at.run}`, async () => {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const run = runIn(await engine.thread(at.thread), at.run)
      if (!run || run.cancelling) throw notActive()
      const ask = oldest(run)
      const request: Request = ask
        ? { do: 'answer', ask: ask.ask, origin, ...answerTo(ask.body, content) }
        : { do: 'steer', run: at.run, input: [{ kind: 'text', text: content.trim() }], origin }
      try {
        await engine.submit(at.thread, request)
        return
      } catch (error) {
        // Somebody else was quicker: it is looked at again.
        if (!isFault(error) || error.code !== 'not_waiting') throw error
      }
    }
    throw notActive()
  })
}

const MAX_TRIES = 5

const runIn = (
  { active, queue }: { active: Run | null; queue: readonly Run[] },
  id: string,
): Run | null => (active?.id === id ? active : (queue.find((r) => r.id === id) ?? null))

const oldest = ({ asks, childAsks }: Run): { ask: string; body: AskBody } | null =>
  asks[0] ?? childAsks[0] ?? null

function answerTo(body: AskBody, content: string) {
  if (body.kind === 'question') return { answer: answerIn(content) }
  const decision = decisionIn(content)
  if (decision) return decision
  throw invalid('answer with approve or deny: {"decision":"approve"}, {"decision":"deny"}', {
    reason: 'decision_unclear',
  })
}
