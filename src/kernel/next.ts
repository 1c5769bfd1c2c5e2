/**
 * What the engine owes a thread: asked after every step and after every restart. There is no other
 * recovery: a thread whose server died is folded, and `next` says how to go on.
 */

import type { CompactionRule, Limits } from './agent.ts'
import type { Trouble } from './event.ts'
import { type Hook, type HookMoment, hooksAt, unperformed } from './hook.ts'
import { headOf } from './part.ts'
import type { Verdict } from './policy.ts'
import { isBetweenSteps, type Run } from './run.ts'
import { contextTokens, type Thread } from './thread.ts'
import type { Call, Interruption, Turn } from './turn.ts'

export type Step =
  /** The head of the queue gets the thread. */
  | { do: 'start'; run: string }
  /** An answer is open that nobody is listening to any more: close it as interrupted. */
  | { do: 'mend' }
  | { do: 'model'; turn: number; attempt: number }
  /** The call that the run is stands as the answer of its only turn. */
  | { do: 'call' }
  /** Hooks of the agent are owed, for these calls or, without calls, for the run. */
  | { do: 'hooks'; moment: HookMoment; calls: string[] }
  | { do: 'compact'; by: 'limit' | 'command' }
  /** Of these calls some need a person, some are refused; neither list is shared. */
  | { do: 'rule'; ask: string[]; deny: string[] }
  | { do: 'question'; call: string }
  /** Run these at the same time. */
  | { do: 'tools'; calls: string[] }
  /** These had begun when the server died, and may not simply be run again. */
  | { do: 'recover'; calls: string[]; how: 'tell' | 'ask' }
  | { do: 'child'; calls: string[] }
  | { do: 'end-turn' }
  | { do: 'limit'; limitUsd: number }
  | { do: 'expire'; ask: string }
  /** Everything that is open is closed, and the run ends as cancelled. */
  | { do: 'unwind' }
  | { do: 'end'; outcome: 'completed' | 'failed'; stop: string; trouble?: Trouble }
  /** Nothing to do until a person, a child or the clock says something. */
  | { do: 'wait'; until: number | null }
  /** Nothing is owed. */
  | { do: 'rest' }

/** What a tool is like; null for a tool that the agent does not have. */
export interface Nature {
  kind: 'plain' | 'question' | 'child'
  /** May run beside others. */
  readOnly: boolean
  /** May be run again when nobody knows whether it ran. */
  replayable: boolean
}

/** Everything `next` must know that the log does not say. */
export interface Rules {
  now: number
  limits: Limits
  compaction: CompactionRule
  /** Of the model; null: not known, and then nothing is compacted by itself. */
  contextWindow: number | null
  /** How often a turn is tried again without anything new having been said. */
  maxAttempts: number
  /** End after that many turns in a row with every call refused; null: never. */
  refusedTurns: number | null
  unknownOutcome: 'tell' | 'ask'
  judge(call: Call): Verdict
  nature(tool: string): Nature | null
  hooks: readonly Pick<Hook, 'name' | 'moments' | 'tools'>[]
}

export function next(thread: Thread, rules: Rules): Step {
  const step = owed(thread, rules)
  const moment = momentOf(step)
  if (!moment || !thread.active) return step
  return owesHooks(thread.active, rules, moment) ? { do: 'hooks', moment, calls: [] } : step
}

/** The moment that comes before a step. */
function momentOf(step: Step): HookMoment | null {
  if (step.do === 'compact') return 'compaction.before'
  if (step.do !== 'end') return null
  return step.outcome === 'completed' ? 'run.completed' : 'run.failed'
}

/** What is owed to hooks that want to know that something has been done; null: nothing. */
function afterwards(run: Run, rules: Rules): Step | null {
  const { turn, compaction, kind } = run
  const isAnswered = turn?.phase === 'answered' || turn?.phase === 'ended'
  if (isAnswered && kind === 'message' && owesHooks(run, rules, 'model.after'))
    return { do: 'hooks', moment: 'model.after', calls: [] }
  if (compaction?.turns === run.turns && owesHooks(run, rules, 'compaction.after'))
    return { do: 'hooks', moment: 'compaction.after', calls: [] }
  return null
}

/** Hooks of that moment that have not been performed for the run. */
const owesHooks = (run: Run, { hooks }: Rules, moment: HookMoment): boolean =>
  unperformed(hooksAt(hooks, moment, null), run.hooked, moment).length > 0

function owed(thread: Thread, rules: Rules): Step {
  const run = thread.active
  if (!run) {
    const head = thread.queue[0]
    return head ? { do: 'start', run: head.id } : { do: 'rest' }
  }
  if (run.cancelling) return { do: 'unwind' }
  if (run.turn?.phase === 'streaming') return { do: 'mend' }
  const expired = run.asks.find((a) => a.expiresAt !== null && a.expiresAt <= rules.now)
  if (expired) return { do: 'expire', ask: expired.ask }
  if (run.asks.length > 0) return waitFor(run)
  const hooks = rules.hooks.length > 0 ? afterwards(run, rules) : null
  if (hooks) return hooks
  if (run.kind === 'compact') return compactOnly(run)
  if (run.turn?.phase === 'answered') return afterAnswer(run.turn, rules)
  if (run.turn?.phase === 'interrupted') return afterBreak(run, run.turn, rules)
  if (run.kind === 'call') return callOnly(run, rules)
  return afterTurn(thread, run, rules)
}

function waitFor(run: Run): Step {
  const times = run.asks.flatMap((a) => (a.expiresAt === null ? [] : [a.expiresAt]))
  return { do: 'wait', until: times.length > 0 ? Math.min(...times) : null }
}

function compactOnly(run: Run): Step {
  if (run.compaction === null) return { do: 'compact', by: 'command' }
  const { trouble } = run.compaction
  const stop = trouble?.code === TIME.code ? 'time' : 'error'
  if (trouble) return { do: 'end', outcome: 'failed', stop, trouble }
  return { do: 'end', outcome: 'completed', stop: 'end' }
}

/** What becomes of the call becomes of the run. */
function callOnly(run: Run, rules: Rules): Step {
  const result = run.turn?.calls[0]?.result
  if (!result) return { do: 'call' }
  const fail = (stop: string, code: string): Step => {
    const message = headOf(result.output, TROUBLE_CHARS)
    return { do: 'end', outcome: 'failed', stop, trouble: { code, message } }
  }
  switch (result.outcome) {
    case 'ok':
      return { do: 'end', outcome: 'completed', stop: 'end' }
    case 'denied':
      return fail('denied', 'tool_denied')
    case 'unknown':
      return fail('error', 'unknown_outcome')
    case 'failed':
      return fail('error', 'tool_failed')
    case 'cancelled':
      if (workedMs(run, rules.now) < rules.limits.wallMs) return fail('error', 'tool_cancelled')
      return { do: 'end', outcome: 'failed', stop: 'time', trouble: TIME }
  }
}

/**
 * Hooks first, because they may change what is asked about. Then rulings, then questions, then
 * tools: no tool acts while a person is still deciding.
 */
function afterAnswer(turn: Turn, rules: Rules): Step {
  const done = turn.calls.filter((c) => c.started !== null && c.result !== null)
  const after = done.filter((c) => isHooked(c, 'tool.after', rules))
  if (after.length > 0)
    return { do: 'hooks', moment: 'tool.after', calls: after.map((c) => c.call) }
  const open = turn.calls.filter((c) => c.result === null)
  if (open.length === 0) return { do: 'end-turn' }
  const before = open.filter((c) => isHooked(c, 'tool.before', rules) && isNew(c, rules))
  if (before.length > 0)
    return { do: 'hooks', moment: 'tool.before', calls: before.map((c) => c.call) }
  const ask = open.filter((c) => verdictOn(c, rules) === 'ask').map((c) => c.call)
  const deny = open.filter((c) => verdictOn(c, rules) === 'deny').map((c) => c.call)
  if (ask.length > 0 || deny.length > 0) return { do: 'rule', ask, deny }
  return perform(open, rules)
}

/** Nothing has been decided about it, and it is not refused by itself or by the policy. */
function isNew(call: Call, rules: Rules): boolean {
  const isBegun = call.started !== null || call.child !== null || call.answer !== null
  if (isBegun || call.ruling !== null || call.blocked !== null || call.malformed) return false
  return rules.nature(call.tool) !== null && rules.judge(call) !== 'deny'
}

const isHooked = (call: Call, moment: HookMoment, { hooks }: Rules): boolean =>
  unperformed(hooksAt(hooks, moment, call.tool), call.hooked, moment).length > 0

/**
 * A ruling that was given stands. A call that has begun, or that will fail by itself (no such tool,
 * no such input), needs none.
 */
function verdictOn(call: Call, rules: Rules): Verdict {
  if (call.started !== null || call.child !== null || call.answer !== null) return 'allow'
  if (call.blocked !== null) return 'deny'
  if (call.ruling !== null) return call.ruling.allow ? 'allow' : 'deny'
  return call.malformed || rules.nature(call.tool) === null ? 'allow' : rules.judge(call)
}

function perform(open: Call[], rules: Rules): Step {
  const lost = open.filter((c) => c.started !== null && !rules.nature(c.tool)?.replayable)
  if (lost.length > 0) return recover(lost, rules)
  const kindOf = (c: Call): string =>
    c.malformed ? 'plain' : (rules.nature(c.tool)?.kind ?? 'plain')
  const question = open.find((c) => kindOf(c) === 'question')
  if (question) return { do: 'question', call: question.call }
  const isChild = (c: Call): boolean => kindOf(c) === 'child'
  const isReader = (c: Call): boolean =>
    kindOf(c) === 'plain' && rules.nature(c.tool)?.readOnly === true
  const first = open[0] as Call
  if (isChild(first)) return { do: 'child', calls: leading(open, isChild) }
  if (isReader(first)) return { do: 'tools', calls: leading(open, isReader) }
  return { do: 'tools', calls: [first.call] }
}

/** Who was asked already and said no is told, like everybody whose agent asks nobody. */
function recover(lost: Call[], rules: Rules): Step {
  const tell = lost.filter((c) => c.ruling?.allow === false || rules.unknownOutcome === 'tell')
  if (tell.length > 0) return { do: 'recover', calls: tell.map((c) => c.call), how: 'tell' }
  return { do: 'recover', calls: lost.map((c) => c.call), how: 'ask' }
}

function leading(calls: Call[], fits: (call: Call) => boolean): string[] {
  const end = calls.findIndex((c) => !fits(c))
  return (end < 0 ? calls : calls.slice(0, end)).map((c) => c.call)
}

function afterBreak(run: Run, turn: Turn, rules: Rules): Step {
  const { cause, trouble, retryAt } = turn.interruption as Interruption
  if (cause === 'limit') return { do: 'end', outcome: 'failed', stop: 'time', trouble: TIME }
  const over = reachedLimit(run, rules)
  if (over) return over
  if (cause === 'provider' && retryAt === null)
    return { do: 'end', outcome: 'failed', stop: 'error', trouble: trouble ?? UNKNOWN_TROUBLE }
  if (turn.barren >= rules.maxAttempts)
    return { do: 'end', outcome: 'failed', stop: 'error', trouble: trouble ?? NO_PROGRESS }
  if (retryAt !== null && retryAt > rules.now) return { do: 'wait', until: retryAt }
  return { do: 'model', turn: turn.index, attempt: turn.attempt + 1 }
}

function afterTurn(thread: Thread, run: Run, rules: Rules): Step {
  const turn = run.turn
  const wantsMore = turn === null || turn.calls.length > 0 || run.steers.length > 0
  if (!wantsMore) return { do: 'end', outcome: 'completed', stop: turn.stop ?? 'end' }
  const isRefused = rules.refusedTurns !== null && run.refusedTurns >= rules.refusedTurns
  if (isRefused && run.steers.length === 0)
    return { do: 'end', outcome: 'completed', stop: 'denied' }
  const over = reachedLimit(run, rules)
  if (over) return over
  if (needsCompaction(thread, run, rules)) return { do: 'compact', by: 'limit' }
  if (run.blocked !== null) {
    const trouble = { code: 'hook_blocked', message: run.blocked || 'A hook stopped the run.' }
    return { do: 'end', outcome: 'failed', stop: 'blocked', trouble }
  }
  if (owesHooks(run, rules, 'model.before'))
    return { do: 'hooks', moment: 'model.before', calls: [] }
  return { do: 'model', turn: run.turns, attempt: 1 }
}

/** Checked between steps, so that a step that was paid for is never thrown away. */
function reachedLimit(run: Run, rules: Rules): Step | null {
  const { limits } = rules
  const fail = (stop: string, trouble: Trouble): Step => ({
    do: 'end',
    outcome: 'failed',
    stop,
    trouble,
  })
  if (run.turns >= limits.turns)
    return fail('turns', { code: 'turn_limit', message: `The run used its ${limits.turns} turns.` })
  if (workedMs(run, rules.now) >= limits.wallMs) return fail('time', TIME)
  const tokens = run.usage.inputTokens + run.usage.outputTokens
  if (limits.tokens !== null && tokens >= limits.tokens)
    return fail('tokens', {
      code: 'token_limit',
      message: `The run used ${tokens} of its ${limits.tokens} tokens.`,
    })
  const limitUsd = run.limitUsd ?? limits.costUsd
  if (limitUsd === null || run.spentUsd < limitUsd) return null
  if (run.refusedLimit)
    return fail('cost', { code: 'cost_limit', message: `The run spent its ${limitUsd} USD.` })
  return { do: 'limit', limitUsd }
}

/** Milliseconds the run has worked; waiting for a person, or for a server, does not count. */
export function workedMs(run: Run, now: number): number {
  const until = run.waitingSince ?? (isBetweenSteps(run) ? run.heardAt : now)
  return until - (run.startedAt ?? until) - run.waitedMs
}

function needsCompaction(thread: Thread, run: Run, rules: Rules): boolean {
  const { threshold, keepExchanges } = rules.compaction
  if (threshold === null || rules.contextWindow === null) return false
  if (run.compaction?.turns === run.turns) return false
  const exchanges = thread.messages
    .slice(thread.summary?.from ?? 0)
    .filter((m) => m.role === 'user' && !m.steered).length
  return (
    exchanges > Math.max(1, keepExchanges) &&
    contextTokens(thread) >= rules.contextWindow * threshold
  )
}

const TROUBLE_CHARS = 2_000

export const TIME: Trouble = { code: 'timed_out', message: 'The run reached its time limit.' }
const UNKNOWN_TROUBLE: Trouble = { code: 'model_failed', message: 'The model failed.' }
const NO_PROGRESS: Trouble = {
  code: 'no_progress',
  message: 'The answer broke off again and again without anything new having been said.',
}
