/**
 * What a command makes happen: `decide(thread, command)` gives the facts to append, or the Fault
 * that refuses it. Pure. An empty list means that the command asks for what is already so.
 */

import { answer, expire } from './answer.ts'
import type { Command, CommandOf } from './command.ts'
import { type Draft, draft, type Facts } from './event.ts'
import { Fault } from './fault.ts'
import type { InputPart } from './part.ts'
import type { Run } from './run.ts'
import type { Thread } from './thread.ts'

export function decide(thread: Thread, command: Command): Draft[] | Fault {
  if (command.do === 'open') return open(thread, command)
  if (thread.seq === 0) return new Fault('not_found', `There is no thread ${thread.id}.`)
  switch (command.do) {
    case 'submit':
      return submit(thread, command)
    case 'answer':
      return answer(thread, command)
    case 'expire':
      return expire(thread, command)
    case 'steer':
      return steer(thread, command)
    case 'cancel':
      return cancel(thread, command)
    case 'edit':
      return onQueued(thread, command.run, () => {
        const { run, input, origin } = command
        return [draft('run.edited', run, { input, origin })]
      })
    case 'drop':
      return onQueued(thread, command.run, (run) => [unstarted(run)])
    case 'move':
      return onQueued(thread, command.run, (run) => moved(thread, run, command.place, command))
    case 'promote':
      return onQueued(thread, command.run, (run) => [
        ...moved(thread, run, 0, command),
        ...(command.interrupt ? cancelling(thread, 'interrupted', command) : []),
      ])
    case 'compact':
      return compact(thread, command)
    case 'retry':
      return retry(thread, command)
    case 'rewind':
      return rewind(thread, command)
    case 'change': {
      const { do: _, ...data } = command
      return [draft('thread.changed', null, data)]
    }
    default:
      return command satisfies never
  }
}

function open(thread: Thread, command: CommandOf<'open'>): Draft[] | Fault {
  if (thread.seq > 0) return new Fault('conflict', `The thread ${thread.id} exists already.`)
  const { do: _, ...data } = command
  return [draft('thread.opened', null, data)]
}

const isBusy = (thread: Thread): boolean => thread.active !== null || thread.queue.length > 0

function submit(thread: Thread, command: CommandOf<'submit'>): Draft[] | Fault {
  const { run, input, busy, origin } = command
  if (!isBusy(thread)) return [created(command, 0)]
  switch (busy) {
    case 'reject':
      return busyFault(thread)
    case 'queue':
      return [created(command, thread.queue.length)]
    case 'steer':
      // A call is nothing that a run could be told.
      return (
        (command.call ? null : steered(thread, { id: run, input, origin })) ?? [
          created(command, thread.queue.length),
        ]
      )
    case 'interrupt':
      return [created(command, 0), ...cancelling(thread, 'interrupted', command)]
  }
}

function created(command: CommandOf<'submit'>, place: number): Draft {
  const { do: _, run, busy: __, ...data } = command
  return draft('run.created', run, { kind: data.call ? 'call' : 'message', place, ...data })
}

const busyFault = (thread: Thread): Fault =>
  new Fault('busy', 'The thread already has a run. Wait for it, queue behind it, or cancel it.', {
    run: thread.active?.id ?? thread.queue[0]?.id,
  })

/** What is going on; or is about to, when nothing is. */
const ahead = (thread: Thread): Run | null => thread.active ?? thread.queue[0] ?? null

function steer(thread: Thread, command: CommandOf<'steer'>): Draft[] | Fault {
  const { id, run, input, origin } = command
  if (run !== undefined && run !== ahead(thread)?.id) return notActive(thread, run)
  const drafts = steered(thread, { id, input, origin })
  return drafts ?? new Fault('not_active', 'No run is going on that could be steered.')
}

/** Null when nothing goes on that listens. */
function steered(thread: Thread, message: Facts['run.steered']): Draft[] | null {
  const run = ahead(thread)
  if (run === null || run.kind !== 'message' || run.cancelling !== null) return null
  return [draft('run.steered', run.id, message)]
}

function notActive(thread: Thread, run: string): Fault {
  if (thread.queue.some((r) => r.id === run))
    return new Fault('not_active', `The run ${run} has not begun yet.`)
  return new Fault('not_active', `The run ${run} is not active.`)
}

function cancel(thread: Thread, command: CommandOf<'cancel'>): Draft[] | Fault {
  const meant = command.run ?? ahead(thread)?.id
  const dropped =
    command.queue === 'drop' ? thread.queue.filter((r) => r.id !== meant).map(unstarted) : []
  const queued = thread.queue.find((r) => r.id === meant)
  if (queued) return [unstarted(queued), ...dropped]
  if (command.run !== undefined && thread.active?.id !== command.run)
    return notActive(thread, command.run)
  if (!thread.active)
    return new Fault('not_active', 'No run is going on, so there is nothing to cancel.')
  return [...cancelling(thread, command.reason, command, command.when), ...dropped]
}

/** Nothing, when the run is being cancelled at least that quickly already. */
function cancelling(
  thread: Thread,
  reason: string | null,
  { origin }: Command,
  when: 'now' | 'step' = 'now',
): Draft[] {
  const run = thread.active
  if (!run || run.cancelling?.when === 'now' || run.cancelling?.when === when) return []
  return [draft('run.cancelling', run.id, { reason, when, origin })]
}

const unstarted = (run: Run): Draft =>
  draft('run.ended', run.id, {
    outcome: 'cancelled',
    stop: 'cancelled',
    turns: 0,
    usage: run.usage,
  })

function onQueued(thread: Thread, id: string, change: (run: Run) => Draft[]): Draft[] | Fault {
  const run = thread.queue.find((r) => r.id === id)
  if (run) return change(run)
  if (thread.active?.id === id) return new Fault('conflict', `The run ${id} has already begun.`)
  return new Fault('not_found', `No run ${id} waits in the queue.`)
}

function moved(thread: Thread, run: Run, place: number, { origin }: Command): Draft[] {
  const last = thread.queue.length - 1
  const to = Math.max(0, Math.min(place, last))
  return thread.queue.indexOf(run) === to ? [] : [draft('run.moved', run.id, { place: to, origin })]
}

function compact(thread: Thread, command: CommandOf<'compact'>): Draft[] | Fault {
  if (isBusy(thread)) return busyFault(thread)
  const { run, origin, instructions } = command
  const extra = instructions === undefined ? {} : { instructions }
  return [draft('run.created', run, { kind: 'compact', input: [], place: 0, origin, ...extra })]
}

function retry(thread: Thread, command: CommandOf<'retry'>): Draft[] | Fault {
  const runs = runsOf(thread)
  const of = command.of ?? runs.at(-1)
  const at = of === undefined ? -1 : runs.indexOf(of)
  if (of === undefined || at < 0)
    return new Fault('not_found', 'There is no run that could be done again.')
  const isRefused = thread.queue.length > 0 || (command.busy === 'reject' && isBusy(thread))
  if (isRefused) return busyFault(thread)
  const { origin, reason, run } = command
  const input = command.input ?? inputOf(thread, of)
  const model = command.model === undefined ? {} : { model: command.model }
  const call = command.input ? null : calledIn(thread, of)
  const again = call
    ? { kind: 'call' as const, call, input: [] }
    : { kind: 'message' as const, input }
  return [
    ...cancelling(thread, reason, command),
    draft('thread.rewound', null, { runs: runs.slice(at), reason, origin }),
    draft('run.created', run, {
      ...{ ...again, place: 0, retryOf: of, origin },
      ...{ ...thread.wishes[of], ...model },
    }),
  ]
}

function rewind(thread: Thread, command: CommandOf<'rewind'>): Draft[] | Fault {
  const runs = runsOf(thread)
  const at = runs.indexOf(command.to)
  if (at < 0)
    return new Fault('not_found', `There is no run ${command.to} that could be taken back.`)
  if (thread.queue.length > 0) return busyFault(thread)
  const { origin } = command
  const data = { runs: runs.slice(at), reason: 'rewind' as const, origin }
  return [...cancelling(thread, 'rewind', command), draft('thread.rewound', null, data)]
}

/** The runs that count, oldest first. A compaction says nothing that could be said again. */
function runsOf(thread: Thread): string[] {
  const runs = [...new Set(thread.messages.map((m) => m.run))]
  const active = thread.active
  if (active && active.kind !== 'compact' && !runs.includes(active.id)) runs.push(active.id)
  return runs.filter((r) => !thread.rewound.includes(r))
}

/** What was called in a run that is a call: the one that has the id of its run. */
function calledIn({ active, messages }: Thread, run: string): Run['call'] {
  if (active?.id === run) return active.call
  const parts = messages.filter((m) => m.run === run).flatMap((m) => m.parts)
  const part = parts.find((p) => p.kind === 'call' && p.call === run)
  return part?.kind === 'call' ? { tool: part.tool, input: part.input } : null
}

function inputOf(thread: Thread, run: string): InputPart[] {
  const message = thread.messages.find((m) => m.run === run && m.role === 'user' && !m.steered)
  return (message?.parts ?? []) as InputPart[]
}
