/**
 * A thread's log as an OAH session's stream. Pure. The order is causal: what was said is complete
 * before its tools begin, and a tool begins before it ends.
 */

import type { AskBody, Event, EventOf } from '../../kernel/event.ts'
import type { Projection } from '../../wire/projection.ts'
import { delegated, returned, switched } from './agent-telling.ts'
import type { Frame } from './frame.ts'
import { hooked } from './hook-telling.ts'
import { created, edited, ended, moved, started } from './queue-telling.ts'
import { log, type Said } from './said.ts'
import { emptyTelling, type Speaking, type Telling, type Turn } from './telling.ts'
import { toolName } from './tool.ts'
import { answered, beginCall, speak, startTurn, toolEnded, toolStarted } from './turn-telling.ts'

export const projection: Projection<Telling, Frame> = {
  open: emptyTelling,
  tell(state, event) {
    const [told, said] = tell(state, event)
    if (said.length === 0) return [told, []]
    const frames = said.map(
      ([name, data], i): Frame => ({
        id: state.next + i,
        run: event.run,
        event: name,
        at: event.at,
        data,
      }),
    )
    return [{ ...told, next: state.next + said.length }, frames]
  },
}

function tell(state: Telling, event: Event): [Telling, Said[]] {
  switch (event.type) {
    case 'thread.opened':
      return [{ ...state, isChild: event.data.parent !== null }, []]
    case 'thread.changed':
      return [state, []]
    case 'thread.rewound':
      return [state, [inform(state, event, 'Earlier runs were taken back.')]]
    case 'run.created':
      return created(state, event)
    case 'run.edited':
      return edited(state, event)
    case 'run.moved':
      return moved(state, event)
    case 'run.started':
      return started(state, event)
    case 'run.ended':
      return ended(state, event)
    case 'turn.started':
      return onRun(state, event, (run) => [startTurn(run, event), []])
    case 'text.delta':
    case 'thinking.delta':
      return onTurn(state, event, (run, turn) => speak(state, run, turn, event))
    case 'call.begun':
      return onTurn(state, event, (_, turn) => [beginCall(turn, event), []])
    case 'turn.answered':
      return onTurn(state, event, (run, turn) => answered(state, run, turn, event))
    case 'turn.interrupted':
      return onTurn(state, event, (_, turn) => [{ ...turn, calls: [] }, trouble(state, event)])
    case 'tool.started':
      return onRun(state, event, (run) => toolStarted(state, run, event))
    case 'tool.ended':
      return onTurn(state, event, (run, turn) => toolEnded(state, run, turn, event))
    case 'ask.opened':
      return [state, [waits(state, event, event.data.body)]]
    case 'child.asked':
      return [state, [waits(state, event, event.data.body)]]
    case 'ask.settled':
    case 'child.settled':
      return [state, [inform(state, event, 'What the run waited for was settled.', event.data)]]
    case 'child.started':
      return onRun(state, event, (run) => delegated(state, run, event))
    case 'child.ended':
      return onRun(state, event, (run) => [run, [returned(state, run, event)]])
    case 'context.compacting':
      return [state, [inform(state, event, 'The context is being compacted.')]]
    case 'context.compacted':
      return onRun(state, event, (run) => [
        { ...run, steps: run.steps + 1 },
        [inform(state, event, 'The context was compacted.')],
      ])
    case 'context.uncompacted':
      return [state, [inform(state, event, 'The context stayed as it was.')]]
    case 'note':
      return [
        state,
        [
          log(state, event, {
            level: event.data.level,
            category: 'system',
            message: event.data.text,
          }),
        ],
      ]
    case 'run.switched':
      return onRun(state, event, (run) => switched(state, run, event))
    case 'hook.ended':
      return onRun(state, event, (run) => hooked(state, run, event))
    case 'run.steered':
    case 'run.cancelling':
    case 'run.recovered':
    case 'call.delta':
    case 'tool.progressed':
    case 'turn.ended':
      return [state, []]
    default:
      return event satisfies never
  }
}

function onRun(
  state: Telling,
  event: Event,
  then: (run: Speaking) => [Speaking, Said[]],
): [Telling, Said[]] {
  if (state.run === null || state.run.run !== event.run) return [state, []]
  const [run, said] = then(state.run)
  return [{ ...state, run }, said]
}

const onTurn = (
  state: Telling,
  event: Event,
  then: (run: Speaking, turn: Turn) => [Turn, Said[]],
): [Telling, Said[]] =>
  onRun(state, event, (run) => {
    if (!run.turn) return [run, []]
    const [turn, said] = then(run, run.turn)
    return [{ ...run, turn }, said]
  })

function trouble(state: Telling, event: EventOf<'turn.interrupted'>): Said[] {
  const { trouble: details } = event.data
  if (!details) return []
  const { message } = details
  return [log(state, event, { level: 'warn', category: 'model', message, details })]
}

const inform = (state: Telling, event: Event, message: string, details?: object): Said =>
  log(state, event, { level: 'info', category: 'run', message, ...(details ? { details } : {}) })

/** OAH has no approvals, so a run that waits says so where people look. */
function waits(state: Telling, event: EventOf<'ask.opened' | 'child.asked'>, body: AskBody): Said {
  const what =
    body.kind === 'question'
      ? `an answer: ${body.question.text}`
      : body.kind === 'limit'
        ? `its limit of ${body.limitUsd} USD to be raised`
        : `permission for ${body.calls.map((c) => toolName(c.tool)).join(', ')}`
  const text = `The run waits for ${what}. Answer it in the inbox of any API that has approvals.`
  const details = { askId: event.data.ask, body }
  return log(state, event, { level: 'warn', category: 'run', message: text, details })
}
