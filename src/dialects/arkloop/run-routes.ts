/** Runs: begin, list, look, watch, answer, stop; and the ways to begin one again. */

import { Fault, isFault } from '../../kernel/fault.ts'
import type { RunRow } from '../../kernel/rows.ts'
import type { Thread } from '../../kernel/thread.ts'
import type { z } from '../../wire/schema.ts'
import { continueRun, retryRun } from './again.ts'
import { giveInput } from './answering.ts'
import type { Asked, Context } from './context.ts'
import { type CancelHints, originOf } from './hints.ts'
import type { Started } from './making.ts'
import { ANYTHING, type ArkRoute, ark, formOf, json } from './row.ts'
import { isOver, runDocument, threadRunItem } from './run-view.ts'
import { listRuns } from './runs-list.ts'
import {
  CancelBody,
  ContinueBody,
  EventsQuery,
  InputBody,
  RunBody,
  RunsQuery,
  ThreadRunsQuery,
} from './schema.ts'
import { idIn, makerOf, refuseAction, runOf, threadOf } from './scope.ts'
import { startRun } from './start.ts'
import { cursorOf, eventsReply } from './stream.ts'

const WRITE_THREAD = { may: 'data.runs.write', about: 'thread' } as const
const READ_RUN = { may: 'data.runs.read', about: 'run' } as const
const WRITE_RUN = { may: 'data.runs.write', about: 'run' } as const

/** A row that begins a run in a thread, in whichever way. */
const begins = <Body extends z.ZodType>(
  context: Context,
  row: {
    path: string
    summary: string
    body: Body
    begin(asked: Asked<unknown, z.infer<Body>>, thread: Thread): Promise<Started>
  },
): ArkRoute =>
  ark({
    method: 'POST',
    path: row.path,
    summary: row.summary,
    rule: WRITE_THREAD,
    body: row.body,
    answers: 201,
    handle: async (asked) => {
      const id = idIn(asked.path, 'thread')
      const thread = await threadOf(context, asked.actor, id, 'runs.create')
      return json(await row.begin(asked, thread), 201)
    },
  })

export const runRoutes = (context: Context): ArkRoute[] => [
  begins(context, {
    path: '/v1/threads/{thread}/runs',
    summary: 'Begin a run with the messages that wait',
    body: RunBody,
    begin: (asked, thread) => startRun(context, asked, thread, asked.body),
  }),
  ark({
    method: 'GET',
    path: '/v1/threads/{thread}/runs',
    summary: 'Runs of a thread, newest first',
    rule: { may: 'data.runs.read', about: 'thread' },
    query: ThreadRunsQuery,
    handle: async ({ actor, path, query }) => {
      const { id } = await threadOf(context, actor, idIn(path, 'thread'), 'runs.list')
      const limit = query.limit ?? 50
      const { items } = await context.engine.store.runs({ thread: id, limit, offset: 0 })
      const told = items.map(async (run) => threadRunItem(run, await context.hints.of(run)))
      return json(await Promise.all(told))
    },
  }),
  ark({
    method: 'GET',
    path: '/v1/runs',
    summary: 'Runs of the account, newest first',
    rule: { may: 'data.runs.read', about: 'none' },
    query: RunsQuery,
    handle: ({ actor, query }) => listRuns(context, actor, query),
  }),
  ...['/v1/runs/{run}', '/v1/runs/{run}/'].map((path) =>
    ark({
      method: 'GET',
      path,
      summary: 'A run',
      rule: READ_RUN,
      handle: async (asked) => {
        refuseAction(asked.path.run, ['cancel'])
        const run = await runOf(context, asked.actor, idIn(asked.path, 'run'), 'runs.get')
        return json(await oneRun(context, run, asked.trace))
      },
    }),
  ),
  ark({
    method: 'POST',
    path: '/v1/runs/{run}:cancel',
    summary: 'End a run',
    rule: WRITE_RUN,
    body: ANYTHING,
    handle: async (asked) => {
      const run = await runOf(context, asked.actor, idIn(asked.path, 'run'), 'runs.cancel')
      // A run that is not there is told before a body that is not right.
      const body = formOf(CancelBody, asked.body, 'body')
      const { last_seen_seq, client_cancelled_at: at } = body
      await cancel(context, run, asked.actor, {
        trace_id: asked.trace,
        last_seen_seq: last_seen_seq ?? 0,
        ...(at ? { client_cancelled_at: at } : {}),
      })
      return json({ ok: true })
    },
  }),
  ark({
    method: 'POST',
    path: '/v1/runs/{run}/input',
    summary: 'Answer what a run waits for, or tell it something',
    rule: WRITE_RUN,
    body: InputBody,
    handle: async (asked) => {
      const run = await runOf(context, asked.actor, idIn(asked.path, 'run'), 'runs.input')
      await giveInput(context, asked, { thread: run.thread, run: run.id }, asked.body.content)
      return json({ ok: true })
    },
  }),
  ark({
    method: 'GET',
    path: '/v1/runs/{run}/events',
    isAlwaysLetIn: true,
    summary: 'The events of a run, stored and live',
    rule: READ_RUN,
    query: EventsQuery,
    handle: async ({ actor, path, query, headers }) => {
      const run = await runOf(context, actor, idIn(path, 'run'), 'runs.events')
      const isFollowing = query.follow === 'true' || query.follow === '1' || query.follow === ''
      return eventsReply(run, cursorOf(query.after_seq, headers), isFollowing)
    },
  }),
  begins(context, {
    path: '/v1/threads/{thread}:retry',
    summary: 'Do the last run again',
    body: RunBody,
    begin: (asked, thread) => retryRun(context, asked, thread, asked.body),
  }),
  begins(context, {
    path: '/v1/threads/{thread}:continue',
    summary: 'Take a run up again that broke off',
    body: ContinueBody,
    begin: (asked, thread) => continueRun(context, asked, thread, asked.body.run_id),
  }),
  ...['/v1/runs/{run}:{action}', '/v1/threads/{thread}:{action}'].map((path) =>
    ark({
      method: 'POST',
      path,
      summary: 'An action that there is not',
      rule: { may: null, about: 'none' },
      body: ANYTHING,
      answers: 404,
      handle: () => {
        throw new Fault('not_found', 'Not Found', { route: true })
      },
    }),
  ),
]

async function oneRun(context: Context, run: RunRow, trace: string) {
  const page = { parentRun: run.id, limit: 200, offset: 0 }
  const { items } = await context.engine.store.runs(page)
  const maker = await makerOf(context, run)
  return runDocument(run, { children: items.map((r) => r.id), maker, trace })
}

/** A run that has ended, or is being ended, is left as it is. */
async function cancel(
  { engine }: Context,
  run: RunRow,
  actor: { id: string },
  hints: CancelHints,
): Promise<void> {
  if (isOver(run)) return
  const origin = originOf(actor, hints)
  const command = { do: 'cancel', run: run.id, reason: null, when: 'now', queue: 'keep' } as const
  try {
    await engine.submit(run.thread, { ...command, origin })
  } catch (error) {
    if (!isFault(error) || error.code !== 'not_active') throw error
  }
}
