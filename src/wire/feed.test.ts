import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Event } from '../kernel/event.ts'
import type { Engine, Reading } from '../kernel/ports.ts'
import { runFeed } from './feed.ts'
import { runLive } from './live.ts'
import type { Sink, Stage } from './outlet.ts'
import type { Feed, Goodbye } from './projection.ts'
import { createWheel, type Wheel } from './wheel.ts'

/** A log with one reader, which is told what is in it when the test says so. */
function openLog(texts: string[]) {
  const events = texts.map(
    (text, i): Event => ({
      thread: 't',
      seq: i + 1,
      at: 0,
      type: 'note',
      run: null,
      data: { level: 'info', code: 'x', text },
    }),
  )
  const log = { events, reading: null as Reading | null, closed: 0 }
  const engine: Pick<Engine, 'follow'> = {
    follow(reading) {
      log.reading = reading
      return { close: () => log.closed++ }
    },
  }
  const reading = () => log.reading as Reading
  return {
    engine,
    log,
    tell: (from: number, to: number) => reading().tell(events.slice(from, to)),
    caughtUp: (seq: number) => reading().caughtUp?.(seq),
    ended: (why: 'shutdown' | 'erased' | 'failed') => reading().ended?.(why),
  }
}

function openSink() {
  const sink = {
    text: '',
    writes: 0,
    isFull: false,
    isEnded: false,
    isCut: false,
    waiting: null as (() => void) | null,
  }
  const port: Sink = {
    write(frames) {
      sink.text += frames.join('')
      sink.writes++
      return !sink.isFull
    },
    drained: (then) => {
      sink.waiting = then
    },
    end: () => {
      sink.isEnded = true
    },
    cut: () => {
      sink.isCut = true
    },
  }
  return { sink, port }
}

/** Numbers the notes; the frame is `<n>:<text>`. */
const feedOf = (more: Partial<Feed<number, string>> = {}): Feed<number, string> => ({
  thread: 't',
  projection: {
    open: () => 0,
    tell: (n, event) =>
      event.type === 'note' ? [n + 1, [`${n + 1}:${event.data.text}`]] : [n, []],
  },
  wants: () => true,
  write: (frame) => `${frame} `,
  goodbye: (reason: Goodbye, sent) => `bye(${reason},${sent})`,
  ...more,
})

let wheel: Wheel
let stage: Stage
const bugs: unknown[] = []

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
  wheel = createWheel()
  stage = { wheel, onBug: (error) => bugs.push(error) }
  bugs.length = 0
})

afterEach(() => {
  wheel.stop()
  vi.useRealTimers()
})

test('opening, replay in one write, the line between, live', () => {
  const { engine, tell, caughtUp } = openLog(['a', 'b', 'c'])
  const { sink, port } = openSink()
  const feed = feedOf({ opening: () => '< ', caughtUp: (n, sent) => `|${n},${sent}| ` })
  runFeed(engine, feed, port, stage)
  expect(tell(0, 2)).toBeUndefined()
  expect(sink.writes).toBe(2)
  void caughtUp(2)
  void tell(2, 3)
  expect(sink.text).toBe('< 1:a 2:b |2,2:b| 3:c ')
  expect(sink.isEnded).toBe(false)
})

test('a seed skips what was folded before, and unwanted frames are folded unwritten', () => {
  const { engine, log, tell } = openLog(['a', 'b', 'c'])
  const { sink, port } = openSink()
  const feed = feedOf({ seed: { seq: 1, state: 41 }, wants: (frame) => !frame.endsWith('b') })
  runFeed(engine, feed, port, stage)
  expect(log.reading?.after).toBe(1)
  void tell(1, 3)
  expect(sink.text).toBe('43:c ')
})

test('the stream ends after its last frame and tells nothing more', () => {
  const { engine, log, tell } = openLog(['a', 'end', 'c'])
  const { sink, port } = openSink()
  runFeed(engine, feedOf({ isLast: (f) => f.endsWith('end') }), port, stage)
  void tell(0, 3)
  void tell(2, 3)
  expect(sink.text).toBe('1:a 2:end ')
  expect(sink.isEnded).toBe(true)
  expect(log.closed).toBe(1)
})

test('a stream of what is stored ends when it has been written', () => {
  const { engine, tell, caughtUp } = openLog(['a'])
  const { sink, port } = openSink()
  runFeed(engine, feedOf({ endsWhenCaughtUp: (n) => n === 1, caughtUp: () => '.' }), port, stage)
  void tell(0, 1)
  void caughtUp(1)
  expect(sink.text).toBe('1:a .')
  expect(sink.isEnded).toBe(true)
})

test('a slow reader stops the log until it has drained', async () => {
  const { engine, tell } = openLog(['a', 'b'])
  const { sink, port } = openSink()
  sink.isFull = true
  runFeed(engine, feedOf(), port, stage)
  const pause = tell(0, 1)
  expect(pause).toBeInstanceOf(Promise)
  sink.isFull = false
  sink.waiting?.()
  await pause
  expect(tell(1, 2)).toBeUndefined()
  expect(sink.text).toBe('1:a 2:b ')
})

test('a large page is written in pieces, each after the one before has drained', async () => {
  const big = 'x'.repeat(70_000)
  const { engine, tell } = openLog([big, big, 'c'])
  const { sink, port } = openSink()
  sink.isFull = true
  runFeed(engine, feedOf(), port, stage)
  const pause = tell(0, 3)
  expect(sink.writes).toBe(1)
  sink.waiting?.()
  await Promise.resolve()
  expect(sink.writes).toBe(2)
  sink.isFull = false
  sink.waiting?.()
  await pause
  expect(sink.writes).toBe(3)
  expect(sink.text.endsWith('3:c ')).toBe(true)
})

test('a reader that takes nothing for 30 seconds is told so and, later, cut off', async () => {
  const { engine, log, tell } = openLog(['a'])
  const { sink, port } = openSink()
  sink.isFull = true
  runFeed(engine, feedOf(), port, stage)
  const pause = tell(0, 1)
  vi.advanceTimersByTime(29_000)
  expect(sink.isEnded).toBe(false)
  vi.advanceTimersByTime(3000)
  expect(sink.text).toBe('1:a bye(slow,1:a)')
  expect(sink.isEnded).toBe(true)
  expect(log.closed).toBe(1)
  await pause
  expect(sink.isCut).toBe(false)
  vi.advanceTimersByTime(7000)
  expect(sink.isCut).toBe(true)
  expect(wheel.size).toBe(0)
})

test('heartbeats come after silence, and never to a reader that is behind', () => {
  const { engine, tell } = openLog(['a', 'b'])
  const { sink, port } = openSink()
  runFeed(engine, feedOf({ heartbeat: { everyMs: 15_000, text: '~' } }), port, stage)
  vi.advanceTimersByTime(10_000)
  void tell(0, 1)
  vi.advanceTimersByTime(10_000)
  expect(sink.text).toBe('1:a ')
  vi.advanceTimersByTime(7000)
  expect(sink.text).toBe('1:a ~')
  sink.isFull = true
  void tell(1, 2)
  vi.advanceTimersByTime(20_000)
  expect(sink.text).toBe('1:a ~2:b ')
})

test('the reason for an end is said: shutdown, erased', () => {
  for (const why of ['shutdown', 'erased'] as const) {
    const { engine, tell, ended } = openLog(['a'])
    const { sink, port } = openSink()
    runFeed(engine, feedOf(), port, stage)
    void tell(0, 1)
    ended(why)
    ended(why)
    expect(sink.text).toBe(`1:a bye(${why},1:a)`)
  }
})

test('a client that goes away frees everything, also while it was behind', async () => {
  const { engine, log, tell } = openLog(['a'])
  const { sink, port } = openSink()
  sink.isFull = true
  const running = runFeed(engine, feedOf(), port, stage)
  const pause = tell(0, 1)
  running.close()
  await pause
  expect(log.closed).toBe(1)
  expect(wheel.size).toBe(0)
  expect(sink.isEnded).toBe(false)
})

test('a projection that throws ends its own stream and is reported', () => {
  const { engine, tell } = openLog(['a'])
  const { sink, port } = openSink()
  const broken = {
    ...feedOf().projection,
    tell: () => {
      throw new Error('broken')
    },
  }
  runFeed(engine, feedOf({ projection: broken }), port, stage)
  void tell(0, 1)
  expect(bugs).toHaveLength(1)
  expect(sink.text).toBe('bye(failed,null)')
})

test('a live stream may pile up only so much', () => {
  const { sink, port } = openSink()
  let out: { write(text: string): boolean } | null = null
  let left = 0
  const open = (given: { write(text: string): boolean }) => {
    out = given
    return () => void left++
  }
  runLive({ open, goodbye: (why) => `bye(${why})` }, port, { ...stage, pileBytes: 10 })
  sink.isFull = true
  const write = (text: string) => (out as unknown as { write(text: string): boolean }).write(text)
  expect(write('first')).toBe(false)
  write('123456')
  expect(sink.isEnded).toBe(false)
  write('123456')
  expect(sink.text).toBe('first123456123456bye(slow)')
  expect(left).toBe(1)
})
