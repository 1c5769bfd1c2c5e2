import { describe, expect, it } from 'vitest'
import { commandIn, fillPrompt } from './caps.ts'

describe('a command', () => {
  it.each([
    ['/mail bob', { name: 'mail', args: 'bob' }],
    ['  /mail\n two\nlines ', { name: 'mail', args: 'two\nlines' }],
    ['/mail', { name: 'mail', args: '' }],
    ['/etc/passwd', null],
    ['/ mail', null],
    ['say /mail', null],
    ['//mail', null],
  ])('%j', (message, command) => {
    expect(commandIn(message)).toEqual(command)
  })
})

describe('a prompt', () => {
  it.each([
    ['All of {{input}}.', 'two words', 'All of two words.'],
    ['{{ args }}/{{arguments}}', 'x', 'x/x'],
    ['{{1}} then {{2}}, not {{3}}!', 'a "b c"', 'a then b c, not !'],
    ['To {{who}}: {{what}}', 'bob see you soon', 'To bob: see you soon'],
    ['To {{who}}: {{what}}', 'what=hi bob', 'To bob: hi'],
    ['To {{who}}, {{who}}', 'bob', 'To bob, bob'],
    ['To {{who}}: {{what}}', '', 'To : '],
    ['No place.', '', 'No place.'],
    ['No place.\n', 'but words', 'No place.\n\nbut words'],
    ['Price {{input}}', '$& and $1', 'Price $& and $1'],
    ['{{who}}', 'other=1 x', 'other=1 x'],
  ])('%j with %j', (template, args, text) => {
    expect(fillPrompt(template, args)).toBe(text)
  })
})
