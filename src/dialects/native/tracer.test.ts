import { expect, test } from 'vitest'
import { facts, logOf } from '../../../test/given.ts'
import { emptyThread, fold } from '../../kernel/thread.ts'
import { lens } from '../../wire/lens.ts'
import { createTracer } from './tracer.ts'

const run = (id: string, words: number) => [
  facts.created(id, id),
  facts.started(id),
  facts.turn(id),
  ...Array.from({ length: words }, (_, i) => facts.text(id, `w${i} `)),
  facts.answered(id),
  facts.turnEnded(id),
  facts.ended(id),
]

const log = logOf([...run('r1', 700), ...run('r2', 900)])

/** Numbers what it is told: wrong, should an event be told twice or left out. */
const counting = lens<number, number>({
  stream: 'nowhere',
  carrier: 'sse',
  projection: { open: () => 0, tell: (n) => [n + 1, [n + 1]] },
  write: String,
})

function open() {
  const reads: number[] = []
  const read = async (_thread: string, after: number, limit: number) => {
    reads.push(after)
    return log.slice(after, after + limit)
  }
  return { reads, tracer: createTracer({ read }, [counting]) }
}

const thread = log[0]?.thread ?? ''

test('a look anywhere is as if the log had been read from its beginning', async () => {
  const { tracer } = open()
  for (const seq of [1, log.length, 2, 1201, 500, 501, 1200, 30]) {
    const [moment] = await tracer.look(thread, seq, 1)
    expect(moment?.event).toBe(log[seq - 1])
    expect(moment?.frames).toEqual([[String(seq)]])
    expect(moment?.before).toEqual(fold(emptyThread(thread), log.slice(0, seq - 1)))
    expect(moment?.after).toEqual(fold(emptyThread(thread), log.slice(0, seq)))
  }
})

test('a stretch is whole, and ends where the log does', async () => {
  const { tracer } = open()
  const moments = await tracer.look(thread, log.length - 2, 10)
  expect(moments.map((m) => m.event.seq)).toEqual([log.length - 2, log.length - 1, log.length])
  expect(await tracer.look(thread, log.length + 1, 1)).toEqual([])
})

test('what was folded once is not folded again', async () => {
  const { reads, tracer } = open()
  await tracer.look(thread, log.length, 1)
  reads.length = 0
  await tracer.look(thread, 1205, 1)
  expect(Math.min(...reads)).toBeGreaterThanOrEqual(1000)
})
