/** What is told of runs as such: that they wait, begin and end, and in which order. Pure. */

import type { EventOf } from '../../kernel/event.ts'
import { type Json, textOf } from '../../kernel/part.ts'
import { actionIn } from './action.ts'
import { saidIn } from './content.ts'
import { iso } from './frame.ts'
import { inputMessageId, runId } from './id.ts'
import { ofRun, type Said } from './said.ts'
import { endOf, type Speaking, type Telling, type Waiting } from './telling.ts'
import { agentName } from './tool.ts'

/** Who was about to begin and now stands behind another waits like everybody else. */
const behindTold = (queue: Waiting[]): Waiting[] =>
  queue.map((w, i) => (i > 0 && !w.isTold ? { ...w, isTold: true } : w))

const place = (queue: Waiting[], run: string): number => queue.findIndex((w) => w.run === run)

export function created(state: Telling, event: EventOf<'run.created'>): [Telling, Said[]] {
  const { kind, input, place: at, origin } = event.data
  const run = event.run as string
  const isBusy = state.run !== null || state.queue.length > 0
  const action = actionIn(origin.hints)
  const item = {
    runId: runId(run),
    messageId: inputMessageId(run),
    content: textOf(saidIn(input, origin.hints)),
    createdAt: iso(event.at),
  }
  const waiting = { run, kind, action, item, isTold: isBusy }
  const next = { ...state, queue: behindTold(state.queue.toSpliced(at, 0, waiting)) }
  if (kind === 'compact') return [next, []]
  const queued: Said = ['run.queued', { ...ofRun(state, run), status: 'queued' }]
  if (!isBusy || kind !== 'message') return [next, [queued]]
  const hints = origin.hints as { behavior?: unknown } | undefined
  const isAhead = at < state.queue.length || hints?.behavior === 'interrupt'
  return [next, [queued, queueUpdated(next, run, isAhead ? 'promoted' : 'enqueued')]]
}

export function edited(state: Telling, event: EventOf<'run.edited'>): [Telling, Said[]] {
  const content = textOf(event.data.input)
  const queue = state.queue.map((w) =>
    w.run === event.run ? { ...w, item: { ...w.item, content } } : w,
  )
  const next = { ...state, queue }
  return [next, [queueUpdated(next, event.run as string, 'enqueued')]]
}

export function moved(state: Telling, event: EventOf<'run.moved'>): [Telling, Said[]] {
  const run = event.run as string
  const waiting = state.queue[place(state.queue, run)]
  if (!waiting) return [state, []]
  const rest = state.queue.filter((w) => w !== waiting)
  const queue = behindTold(rest.toSpliced(event.data.place, 0, { ...waiting, isTold: true }))
  const next = { ...state, queue }
  return [next, [queueUpdated(next, run, 'promoted')]]
}

function queueUpdated(state: Telling, run: string, action: string): Said {
  const items = queueItems(state.queue)
  const at = items.findIndex((item) => item.runId === runId(run))
  return [
    'queue.updated',
    {
      runId: runId(run),
      action,
      items,
      ...(at < 0 && action === 'removed' ? {} : { queuedPosition: at + 1 }),
    },
  ]
}

const isShown = (w: Waiting | undefined): boolean => w?.kind === 'message' && w.isTold

/** Messages that wait behind another run, in their order. */
export const queueItems = (queue: readonly Waiting[]): { [key: string]: Json }[] =>
  queue.filter(isShown).map(({ item }, i) => ({ ...item, position: i + 1 }))

export function started(state: Telling, event: EventOf<'run.started'>): [Telling, Said[]] {
  const id = event.run as string
  const waiting = state.queue[place(state.queue, id)]
  const action = waiting?.action ?? null
  const agent = action?.agent ?? agentName(event.data.agent)
  const run: Speaking = {
    ...{ run: id, agent, action, successor: null, switches: 0 },
    ...{ steps: 1, turn: null, children: {} },
  }
  const next = { ...state, run, queue: state.queue.filter((w) => w.run !== id) }
  const dequeued = isShown(waiting) ? [queueUpdated(next, id, 'dequeued')] : []
  return [next, [...dequeued, ['run.started', { ...ofRun(state, id), status: 'running' }]]]
}

export function ended(state: Telling, event: EventOf<'run.ended'>): [Telling, Said[]] {
  const id = event.run as string
  const waiting = state.queue[place(state.queue, id)]
  const next = {
    ...state,
    run: state.run?.run === id ? null : state.run,
    queue: state.queue.filter((w) => w.run !== id),
  }
  const removed = isShown(waiting) ? [queueUpdated(next, id, 'removed')] : []
  const { outcome, stop, trouble } = event.data
  const action = waiting?.action ?? state.run?.action ?? null
  const { status, ...error } = endOf(outcome, stop, trouble, action)
  const name = outcome === 'failed' ? 'run.failed' : `run.${outcome}`
  return [next, [...removed, [name, { ...ofRun(state, id), status, ...error }]]]
}
