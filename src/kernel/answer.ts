/**
 * What an answer settles: which of the open asks it means, and what it rules in each. An ask is closed
 * when nothing in it waits any more. Pure.
 */

import type { CommandOf } from './command.ts'
import { type Draft, draft, type Facts, type Ruling } from './event.ts'
import { Fault } from './fault.ts'
import type { OpenAsk, Run } from './run.ts'
import type { Thread } from './thread.ts'

export function answer(thread: Thread, command: CommandOf<'answer'>): Draft[] | Fault {
  const run = thread.active
  if (!run) return new Fault('not_active', 'No run is going on, so there is nothing to answer.')
  const asks = run.asks.filter((a) => isMeant(a, command))
  if (asks.length === 0)
    return new Fault('not_waiting', 'The run is not waiting for this answer.', { run: run.id })
  const drafts: Draft[] = []
  for (const ask of asks) {
    const settled = settle(run, ask, command)
    if (settled instanceof Fault) return settled
    drafts.push(settled)
  }
  return drafts
}

function isMeant(ask: OpenAsk, command: CommandOf<'answer'>): boolean {
  if (command.ask !== undefined) return ask.ask === command.ask
  if (command.call === undefined) return true
  return ask.open.includes(command.call) || callOf(ask) === command.call
}

const callOf = (ask: OpenAsk): string | null =>
  ask.body.kind === 'question' ? ask.body.call : null

function settle(run: Run, ask: OpenAsk, command: CommandOf<'answer'>): Draft | Fault {
  switch (ask.body.kind) {
    case 'question':
      return settleQuestion(run, ask, command)
    case 'limit':
      return settleLimit(run, ask, command)
    case 'approval':
    case 'recovery':
      return settleCalls(run, ask, command)
  }
}

function settleQuestion(run: Run, ask: OpenAsk, command: CommandOf<'answer'>): Draft | Fault {
  if (command.answer === undefined && command.allow !== false)
    return new Fault('invalid', 'The run asks a question: send an answer, or decline.', {
      ask: ask.ask,
    })
  return settled(run, ask, command, { answer: command.answer ?? null })
}

function settleLimit(run: Run, ask: OpenAsk, command: CommandOf<'answer'>): Draft | Fault {
  if (command.allow === undefined && command.limitUsd === undefined)
    return new Fault('invalid', 'The run reached its limit: raise it, or stop.', { ask: ask.ask })
  const raised = command.limitUsd ?? run.spentUsd + (run.limitStepUsd ?? 0)
  if (command.allow === false) return settled(run, ask, command, { rulings: ruling('', command) })
  if (raised <= run.spentUsd)
    return new Fault('invalid', `The new limit must be more than the ${run.spentUsd} USD spent.`)
  return settled(run, ask, command, { rulings: ruling('', command), limitUsd: raised })
}

const ruling = (call: string, command: CommandOf<'answer'>): Record<string, Ruling> => ({
  [call]: person(command.allow !== false, command.reason),
})

const person = (allow: boolean, reason: string | undefined): Ruling => ({
  allow,
  by: 'person',
  ...(reason ? { reason } : {}),
})

function settleCalls(run: Run, ask: OpenAsk, command: CommandOf<'answer'>): Draft | Fault {
  const rulings: Record<string, Ruling> = {}
  for (const call of ask.open) {
    const own = command.rulings?.[call]
    const meant = command.call === undefined || command.call === call
    if (own) rulings[call] = person(own.allow, own.reason)
    else if (command.allow !== undefined && meant)
      rulings[call] = person(command.allow, command.reason)
  }
  if (Object.keys(rulings).length === 0)
    return new Fault('invalid', 'The answer rules on none of the calls that wait.', {
      ask: ask.ask,
      open: ask.open,
    })
  return settled(run, ask, command, { rulings, open: ask.open.filter((c) => !rulings[c]) })
}

function settled(
  run: Run,
  ask: OpenAsk,
  { origin }: CommandOf<'answer' | 'expire'>,
  data: Partial<Facts['ask.settled']>,
): Draft {
  const base = { ask: ask.ask, how: 'answered' as const, rulings: {}, open: [], origin }
  return draft('ask.settled', run.id, { ...base, ...data })
}

export function expire(thread: Thread, command: CommandOf<'expire'>): Draft[] {
  const run = thread.active
  const ask = run?.asks.find((a) => a.ask === command.ask)
  if (!run || !ask) return []
  const reason = 'Nobody answered in time.'
  const rulings = Object.fromEntries(
    ask.open.map((call): [string, Ruling] => [call, { allow: false, by: 'expiry', reason }]),
  )
  return [settled(run, ask, command, { how: 'expired', rulings })]
}
