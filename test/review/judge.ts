/** Reads the log of a thread that has come to rest, and says everything that is wrong with it. */

import type { Event, EventOf, EventType } from '../../src/kernel/event.ts'
import { emptyThread, fold, type Thread } from '../../src/kernel/thread.ts'

const of = <T extends EventType>(events: Event[], type: T): EventOf<T>[] =>
  events.filter((e) => e.type === type) as EventOf<T>[]

export function judgeLog(events: Event[]): string[] {
  const findings: string[] = []
  const find = (text: string): void => {
    findings.push(text)
  }
  events.forEach((e, i) => {
    if (e.seq !== i + 1) find(`seq ${e.seq} at place ${i + 1}`)
  })
  const thread = fold(emptyThread(events[0]?.thread ?? ''), events)
  if (thread.active) find(`run ${thread.active.id} is active still`)
  for (const run of thread.queue) find(`run ${run.id} waits still`)
  for (const { run } of of(events, 'run.created'))
    judgeRun(
      events.filter((e) => e.run === run),
      (text) => find(`${run}: ${text}`),
    )
  judgeTranscript(thread, find)
  judgeSteers(events, thread, find)
  return findings
}

type Find = (text: string) => void

function judgeRun(events: Event[], find: Find): void {
  const ends = of(events, 'run.ended').length
  if (ends !== 1) find(`${ends} ends`)
  if (events.at(-1)?.type !== 'run.ended') find(`ends with ${events.at(-1)?.type}`)
  judgeTurns(events, find)
  judgeCalls(events, find)
  pairs(find, {
    name: 'ask',
    opened: of(events, 'ask.opened').map((e) => e.data.ask),
    closed: of(events, 'ask.settled').flatMap((e) => (e.data.open.length > 0 ? [] : [e.data.ask])),
  })
  judgeChildAsks(events, find)
  pairs(find, {
    name: 'child',
    opened: of(events, 'child.started').map((e) => e.data.call),
    closed: of(events, 'child.ended').map((e) => e.data.call),
  })
  if (of(events, 'run.cancelling').length > 2) find('cancelled more than twice')
  const last = events.findLast((e) => e.type.startsWith('context.'))
  if (last?.type === 'context.compacting') find('a compaction is open')
}

function pairs(
  find: Find,
  { name, opened, closed }: { name: string; opened: string[]; closed: string[] },
): void {
  if (new Set(opened).size !== opened.length) find(`${name} opened twice: ${opened}`)
  if (new Set(closed).size !== closed.length) find(`${name} closed twice: ${closed}`)
  const left = opened.filter((o) => !closed.includes(o))
  if (left.length > 0) find(`${name} never closed: ${left}`)
  const odd = closed.filter((c) => !opened.includes(c))
  if (odd.length > 0) find(`${name} closed and never opened: ${odd}`)
}

/** Asked, settled, and perhaps asked again for what is left. */
function judgeChildAsks(events: Event[], find: Find): void {
  const open = new Set<string>()
  for (const { type, data } of events) {
    if (type === 'child.asked' && open.has(data.ask)) find(`child ask opened twice: ${data.ask}`)
    if (type === 'child.asked') open.add(data.ask)
    if (type === 'child.settled' && !open.delete(data.ask))
      find(`child ask closed and not open: ${data.ask}`)
  }
  if (open.size > 0) find(`child ask never closed: ${[...open]}`)
}

/** started -> (answered -> ended | interrupted), and nothing said outside of that. */
function judgeTurns(events: Event[], find: Find): void {
  const turn = { phase: 'none' }
  const must = (is: string, then: string, type: EventType): void => {
    if (turn.phase !== is) find(`${type} while ${turn.phase}`)
    turn.phase = then
  }
  for (const { type } of events) {
    if (type === 'turn.started') must('none', 'streaming', type)
    else if (type === 'turn.answered') must('streaming', 'answered', type)
    else if (type === 'turn.interrupted') must('streaming', 'none', type)
    else if (type === 'turn.ended') must('answered', 'none', type)
    else if (type === 'tool.started' || type === 'tool.ended') must('answered', 'answered', type)
    else if (type === 'ask.opened' && turn.phase === 'streaming') find('asked while streaming')
    else if (isSpeech(type)) must('streaming', 'streaming', type)
  }
  if (turn.phase !== 'none') find(`a turn is ${turn.phase} at the end`)
}

const isSpeech = (type: EventType): boolean => type.endsWith('.delta') || type === 'call.begun'

function judgeCalls(events: Event[], find: Find): void {
  let begun: string[] = []
  const real: string[] = []
  for (const event of events) {
    if (event.type === 'call.begun') begun.push(event.data.call)
    if (event.type === 'turn.answered') real.push(...begun)
    if (event.type === 'turn.answered' || event.type === 'turn.interrupted') begun = []
  }
  const results = of(events, 'tool.ended').map((e) => e.data.call)
  const odd = results.filter((r) => !real.includes(r))
  if (odd.length > 0) find(`results of calls that never were: ${odd}`)
  for (const call of real) {
    const count = results.filter((r) => r === call).length
    if (count !== 1) find(`call ${call} has ${count} results`)
  }
  if (new Set(real).size !== real.length) find(`a call twice: ${real}`)
}

/** What providers insist on: each call is answered by the message right after it. */
function judgeTranscript({ messages }: Thread, find: Find): void {
  messages.forEach((message, i) => {
    const calls = message.parts.flatMap((p) => (p.kind === 'call' ? [p.call] : []))
    const next = messages[i + 1]
    const results = next?.parts.flatMap((p) => (p.kind === 'result' ? [p.call] : [])) ?? []
    if (calls.length > 0 && JSON.stringify(calls) !== JSON.stringify(results))
      find(`${message.id}: calls ${calls}, results ${results}`)
    if (message.role === 'tool' && messages[i - 1]?.role !== 'assistant')
      find(`${message.id}: results of nothing`)
  })
  const ids = messages.map((m) => m.id)
  if (new Set(ids).size !== ids.length) find('two messages have one id')
}

/** Whatever was put into a run is in the transcript, unless the run never began or was taken back. */
function judgeSteers(events: Event[], thread: Thread, find: Find): void {
  const started = new Set(of(events, 'run.started').map((e) => e.run))
  for (const { run, data } of of(events, 'run.steered')) {
    if (!started.has(run) || thread.rewound.includes(run as string)) continue
    const text = JSON.stringify(data.input)
    const count = thread.messages.filter(
      (m) => m.run === run && m.steered && JSON.stringify(m.parts) === text,
    ).length
    if (count !== 1) find(`${run}: steer ${text} is ${count} times in the transcript`)
  }
}
