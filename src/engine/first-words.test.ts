import { expect, it } from 'vitest'
import { draft, type Event } from '../kernel/event.ts'
import { FirstWords } from './first-words.ts'

const saying = (run: string): Event =>
  ({
    thread: 't',
    seq: 1,
    at: 0,
    ...draft('text.delta', run, { turn: 0, part: 0, text: 'a' }),
  }) as Event

it('the newest runs are counted, however many were never heard of again', () => {
  const words = new FirstWords(() => 50)
  for (let i = 0; i <= 10_000; i++) words.begin(`r${i}`, 20)
  words.hear([saying('r0'), saying('r10000')])
  expect(words.stats).toEqual({ firstWords: 1, firstWordsWaitMs: 30 })
})
