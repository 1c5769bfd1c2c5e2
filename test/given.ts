/** Given facts, when a command, then facts: how the kernel is tested. Not part of the product. */

import type { Command } from '../src/kernel/command.ts'
import { decide } from '../src/kernel/decide.ts'
import { type Draft, draft, type Event, type Facts, type Origin } from '../src/kernel/event.ts'
import { Fault } from '../src/kernel/fault.ts'
import { emptyThread, fold, type Thread } from '../src/kernel/thread.ts'
import { NO_USAGE } from '../src/kernel/usage.ts'

export const ORIGIN: Origin = { dialect: 'test', principal: 'local' }

/** Facts as a log: a millisecond apart, from 1. */
export const logOf = (drafts: Draft[], thread = 't', from = 0): Event[] =>
  drafts.map((d, i) => ({ thread, seq: from + i + 1, at: 1_000 + from + i, ...d }) as Event)

export const threadOf = (...drafts: Draft[]): Thread => fold(emptyThread('t'), logOf(drafts))

export const when = (thread: Thread, command: Command): Draft[] | string => {
  const decided = decide(thread, command)
  return decided instanceof Fault ? decided.code : decided
}

export const types = (drafts: Draft[] | string): string[] | string =>
  typeof drafts === 'string' ? drafts : drafts.map((d) => d.type)

/** Short names for the facts that tests begin with. */
export const facts = {
  opened: (data: Partial<Facts['thread.opened']> = {}): Draft =>
    draft('thread.opened', null, {
      agent: 'assistant',
      model: null,
      title: null,
      workspace: '/w',
      account: 'local',
      policy: null,
      parent: null,
      forkedFrom: null,
      history: [],
      origin: ORIGIN,
      ...data,
    }),
  created: (run: string, text = 'hello', data: Partial<Facts['run.created']> = {}): Draft =>
    draft('run.created', run, {
      kind: 'message',
      input: [{ kind: 'text', text }],
      place: 0,
      origin: ORIGIN,
      ...data,
    }),
  started: (run: string): Draft =>
    draft('run.started', run, { agent: 'assistant', model: 'scripted:x', revision: 'r1' }),
  turn: (run: string, turn = 0, attempt = 1): Draft =>
    draft('turn.started', run, { turn, attempt, model: 'scripted:x', instructions: 'i' }),
  text: (run: string, text: string, turn = 0, part = 0): Draft =>
    draft('text.delta', run, { turn, part, text }),
  call: (run: string, call: string, tool: string, turn = 0, part = 0): Draft =>
    draft('call.begun', run, { turn, part, call, tool }),
  args: (run: string, call: string, text: string, turn = 0, part = 0): Draft =>
    draft('call.delta', run, { turn, part, call, text }),
  answered: (run: string, turn = 0, data: Partial<Facts['turn.answered']> = {}): Draft =>
    draft('turn.answered', run, {
      turn,
      sealed: [],
      stop: 'end',
      usage: { ...NO_USAGE, inputTokens: 100, outputTokens: 2 },
      model: 'x',
      ...data,
    }),
  turnEnded: (run: string, turn = 0): Draft => draft('turn.ended', run, { turn }),
  broken: (run: string, data: Partial<Facts['turn.interrupted']> = {}): Draft =>
    draft('turn.interrupted', run, {
      turn: 0,
      attempt: 1,
      cause: 'restart',
      retryAt: null,
      usage: NO_USAGE,
      ...data,
    }),
  asked: (run: string, calls: string[], ask = 'ask1'): Draft =>
    draft('ask.opened', run, {
      ask,
      turn: 0,
      expiresAt: null,
      body: {
        kind: 'approval',
        calls: calls.map((call) => ({ call, tool: 'write', input: {}, subject: '', reason: '' })),
      },
    }),
  toolStarted: (run: string, call: string, tool = 'write', turn = 0): Draft =>
    draft('tool.started', run, { turn, call, tool, key: `${run}:${turn}:${call}`, attempt: 1 }),
  toolEnded: (run: string, call: string, data: Partial<Facts['tool.ended']> = {}): Draft =>
    draft('tool.ended', run, {
      turn: 0,
      call,
      tool: 'write',
      outcome: 'ok',
      output: 'done',
      rawBytes: 4,
      durationMs: 1,
      ...data,
    }),
  ended: (run: string, data: Partial<Facts['run.ended']> = {}): Draft =>
    draft('run.ended', run, {
      outcome: 'completed',
      stop: 'end',
      turns: 1,
      usage: NO_USAGE,
      ...data,
    }),
}

/** A thread whose run `r1` is in turn 0 and has answered with calls named in order. */
export function calling(...calls: [call: string, tool: string][]): Draft[] {
  return [
    facts.opened(),
    facts.created('r1'),
    facts.started('r1'),
    facts.turn('r1'),
    ...calls.map(([call, tool], part) => facts.call('r1', call, tool, 0, part)),
    facts.answered('r1', 0, {
      stop: 'calls',
      sealed: calls.map((_, part) => ({ part, input: {} })),
    }),
  ]
}
