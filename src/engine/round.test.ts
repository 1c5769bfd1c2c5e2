import { expect, it } from 'vitest'
import { Round } from './round.ts'

it('does the work once more for all who asked meanwhile, and once only', async () => {
  let rounds = 0
  let finish = (): void => {}
  const round = new Round(
    () => {
      rounds++
      return new Promise((resolve) => {
        finish = resolve
      })
    },
    () => {},
  )
  round.ask()
  expect(rounds).toBe(1)
  for (let i = 0; i < 3; i++) round.ask()
  expect(rounds).toBe(1)
  finish()
  await new Promise(setImmediate)
  expect(rounds).toBe(2)
  finish()
  await round.settled()
  expect(rounds).toBe(2)
  round.ask()
  expect(rounds).toBe(3)
})

it('goes on after a round that broke', async () => {
  const errors: unknown[] = []
  let rounds = 0
  const round = new Round(
    async () => {
      if (++rounds === 1) throw new Error('away')
    },
    (error) => errors.push(error),
  )
  round.ask()
  round.ask()
  await round.settled()
  expect(rounds).toBe(2)
  expect(errors).toHaveLength(1)
})
