import { expect, test } from 'vitest'
import { type Check, runChecks } from './doctor.ts'

const check = (name: string, run: Check['run']): Check => ({ name, run })

async function printed(checks: Check[]): Promise<{ code: number; text: string }> {
  let text = ''
  const write = (part: string): void => {
    text += part
  }
  const code = await runChecks(checks, { write, colour: false })
  return { code, text }
}

test('every check is a line, with what to do below', async () => {
  const { code, text } = await printed([
    check('store', async () => ({ ok: 'yes', text: 'SQLite 3.53' })),
    check('models', async () => ({ ok: 'warn', text: 'only the demo', fix: 'set a key' })),
  ])
  expect(code).toBe(0)
  expect(text).toBe(
    'ok    store   SQLite 3.53\nwarn  models  only the demo\n              set a key\n' +
      '\nEverything works; see the warnings.\n',
  )
})

test('a check that throws is a failure and does not keep the next from being looked at', async () => {
  const { code, text } = await printed([
    check('a', () => Promise.reject(new Error('no such folder'))),
    check('b', async () => ({ ok: 'yes', text: 'fine' })),
  ])
  expect(code).toBe(1)
  expect(text).toBe('FAIL  a  no such folder\nok    b  fine\n\n1 of the checks failed.\n')
})
