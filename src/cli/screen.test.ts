import { PassThrough } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createTerminalScreen, type Screen } from './screen.ts'

let input: PassThrough
let shown: string
let heard: string[]
let screen: Screen

beforeEach(() => {
  input = new PassThrough()
  const output = new PassThrough()
  shown = ''
  heard = []
  output.on('data', (chunk: Buffer) => {
    shown += stripVTControlCharacters(chunk.toString())
  })
  screen = createTerminalScreen(
    { input, output },
    {
      line: (text) => heard.push(text),
      interrupt: () => heard.push('^C'),
      ended: () => heard.push('^D'),
    },
  )
})
afterEach(() => screen.close())

/** Types, and returns what was drawn since. */
async function type(keys: string): Promise<string> {
  const from = shown.length
  for (const key of keys) {
    input.write(key)
    await turn()
  }
  await turn()
  return shown.slice(from)
}

test('a line that is typed is heard', async () => {
  screen.prompt('> ')
  await type('hello\r')
  expect(heard).toEqual(['hello'])
  expect(shown).toContain('> ')
})

test('output waits while somebody types, and comes when the line is sent', async () => {
  screen.prompt(null)
  screen.write('The quick')
  await type('wait')
  screen.write(' brown fox')
  await turn()
  expect(shown).toContain('wait')
  expect(shown).not.toContain('brown')
  await type('\r')
  expect(heard).toEqual(['wait'])
  expect(shown.indexOf('brown')).toBeGreaterThan(shown.indexOf('wait'))
})

test('a line that is pasted at once is shown too', async () => {
  screen.prompt(null)
  screen.write('The quick')
  input.write('all at once\r')
  await turn()
  screen.write(' brown fox')
  await turn()
  expect(heard).toEqual(['all at once'])
  expect(shown).toMatch(/quick\n[\s\S]*all at once\r?\n[\s\S]* brown fox$/)
})

test('output comes also when the line is emptied again', async () => {
  screen.prompt(null)
  screen.write('one\n')
  await type('x')
  screen.write('two\n')
  await turn()
  expect(shown).not.toContain('two')
  await type('\u007f')
  expect(shown).toContain('two')
  expect(heard).toEqual([])
})

test('keys that change nothing draw nothing into the output', async () => {
  screen.prompt(null)
  screen.write('partial')
  expect(await type('\r\u007f')).toBe('')
})

test('the prompt steps aside for output and comes back', async () => {
  screen.prompt('> ')
  screen.write('news\n')
  await turn()
  const tail = shown.slice(shown.indexOf('news'))
  expect(tail).toContain('> ')
})

test('Ctrl-C empties a line first and interrupts only an empty one', async () => {
  screen.prompt('> ')
  await type('oops\u0003')
  expect(heard).toEqual([])
  await type('\u0003')
  expect(heard).toEqual(['^C'])
  await type('ok\r')
  expect(heard).toEqual(['^C', 'ok'])
})

test('Ctrl-D at an empty prompt means that nothing more comes', async () => {
  screen.prompt('> ')
  await type('\u0004')
  expect(heard).toEqual(['^D'])
})
