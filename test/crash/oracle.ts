/** Reads what the clients of one thread were told, and says everything that is wrong with it. */

import { wordsOf } from './campaign.ts'
import type { Follower, Told } from './client.ts'

export interface ThreadRecord {
  thread: string
  threadId: string
  runs: { id: string; n: number; tag: string }[]
  native: Follower
  ownware: Follower
  followers: Follower[]
  /** No further run is begun. */
  isLast: boolean
}

export interface Verdict {
  findings: string[]
  unknown: number
}

export function judgeThread(record: ThreadRecord, effects: string[]): Verdict {
  const findings: string[] = []
  const find = (text: string): void => {
    findings.push(`thread ${record.thread}: ${text}`)
  }
  dense(record.native, 'native', find)
  dense(record.ownware, 'ownware', find)
  let unknown = 0
  for (const run of record.runs) {
    const events = record.native.told.filter((t) => t.data.run === run.id)
    oneEnd(run.id, events, find)
    asksSettleOnce(run.id, events, find)
    callsHaveResults(run.id, events, find)
    unknown += effectOnce(run, events, effects, find)
    saysAll(
      run,
      said(events, 'text.delta', (t) => t.data.data as { text: string }),
      'native',
      find,
    )
  }
  ownwareSays(record, find)
  return { findings, unknown }
}

type Find = (text: string) => void

/** Cursors from 1 without gap, double or disorder. */
function dense(follower: Follower, name: string, find: Find): void {
  follower.told.forEach((told, i) => {
    if (told.cursor !== i + 1) find(`${name}: cursor ${told.cursor} at place ${i + 1}`)
  })
}

function oneEnd(run: string, events: Told[], find: Find): void {
  const at = events.findIndex((t) => t.data.type === 'run.ended')
  if (at < 0) {
    find(`run ${run} has no end`)
    return
  }
  if (at !== events.length - 1) find(`run ${run} goes on after its end`)
  const { outcome } = dataOf(events[at] as Told) as { outcome: string }
  if (outcome !== 'completed') find(`run ${run} ended ${outcome}`)
}

const dataOf = (told: Told): Record<string, unknown> => told.data.data as Record<string, unknown>

function asksSettleOnce(run: string, events: Told[], find: Find): void {
  const opened = events.filter((t) => t.data.type === 'ask.opened').map((t) => dataOf(t).ask)
  const settled = events.filter((t) => t.data.type === 'ask.settled').map((t) => dataOf(t).ask)
  for (const ask of opened)
    if (settled.filter((s) => s === ask).length !== 1)
      find(`run ${run}: ask ${ask} is not settled once`)
}

function callsHaveResults(run: string, events: Told[], find: Find): void {
  const ended = events.filter((t) => t.data.type === 'tool.ended').map((t) => dataOf(t).call)
  if (new Set(ended).size !== ended.length) find(`run ${run}: a call has two results`)
  const answered = events.filter((t) => t.data.type === 'turn.answered').length
  const closed = events.filter((t) => t.data.type === 'turn.ended').length
  if (answered !== closed) find(`run ${run}: ${answered} turns were answered, ${closed} ended`)
  if (ended.length !== 2) find(`run ${run}: ${ended.length} results for 2 calls`)
}

/** The shell's line is in the file at most once; exactly once when the log says that it went well. */
function effectOnce(
  run: { id: string; tag: string },
  events: Told[],
  effects: string[],
  find: Find,
): number {
  const lines = effects.filter((line) => line === run.tag).length
  const shell = events.find((t) => t.data.type === 'tool.ended' && dataOf(t).tool === 'shell')
  const outcome = shell ? dataOf(shell).outcome : 'missing'
  if (lines > 1) find(`run ${run.id}: the tool acted ${lines} times`)
  if (outcome === 'ok' && lines !== 1) find(`run ${run.id}: ok, but the tool acted ${lines} times`)
  if (outcome !== 'ok' && outcome !== 'unknown') find(`run ${run.id}: the tool ended ${outcome}`)
  return outcome === 'unknown' ? 1 : 0
}

function said(events: Told[], type: string, pick: (told: Told) => { text: string }): string {
  return events
    .filter((t) => t.data.type === type)
    .map((t) => pick(t).text)
    .join('')
}

function saysAll(run: { id: string; tag: string }, text: string, name: string, find: Find): void {
  const expected = wordsOf(run.tag, 0, 40) + wordsOf(run.tag, 1, 10) + wordsOf(run.tag, 2, 30)
  if (text !== expected)
    find(`${name}: run ${run.id} said ${text.length} of ${expected.length}: ${text}`)
}

/** In Ownware's words: a run is what stands between user.message and session.end. */
function ownwareSays(record: ThreadRecord, find: Find): void {
  const runs: Told[][] = []
  for (const told of record.ownware.told) {
    if (told.data.type === 'user.message') runs.push([])
    runs.at(-1)?.push(told)
  }
  if (runs.length !== record.runs.length)
    find(`ownware: ${runs.length} runs instead of ${record.runs.length}`)
  runs.forEach((frames, i) => {
    const run = record.runs[i]
    if (!run) return
    if (frames.at(-1)?.data.type !== 'session.end')
      find(`ownware: run ${run.id} has no session.end`)
    saysAll(
      run,
      said(frames, 'text.delta', (t) => t.data as { text: string }),
      'ownware',
      find,
    )
    const complete = said(frames, 'text.complete', (t) => t.data as { text: string })
    saysAll(run, complete, 'ownware text.complete', find)
    const starts = frames.filter((t) => t.data.type === 'turn.start').length
    const ends = frames.filter((t) => t.data.type === 'turn.end').length
    if (starts !== 3 || ends !== 3)
      find(`ownware: run ${run.id} has ${starts} starts, ${ends} ends`)
  })
}
