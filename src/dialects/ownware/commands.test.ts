import { describe, expect, it } from 'vitest'
import { facts, threadOf, when } from '../../../test/given.ts'
import { draft } from '../../kernel/event.ts'
import { isFault } from '../../kernel/fault.ts'
import {
  attachmentFault,
  cursorOf,
  decisionOf,
  resumeOf,
  type Submit,
  submitOf,
} from './commands.ts'
import { RunBody } from './schema.ts'

const ORIGIN = { dialect: 'ownware', principal: 'local' }

const refusedBy = (act: () => unknown) => {
  try {
    return act()
  } catch (error) {
    if (isFault(error)) return error
    throw error
  }
}

describe('a run', () => {
  it('is submitted to a thread that is idle, and refused by one that is not', () => {
    const submit = submitOf({ prompt: 'hi' }, ORIGIN, 'openai:gpt-4o')
    const command = { ...submit, run: 'r1' }
    expect(when(threadOf(facts.opened()), command)).toEqual([
      draft('run.created', 'r1', {
        kind: 'message',
        place: 0,
        input: [{ kind: 'text', text: 'hi' }],
        model: 'openai:gpt-4o',
        origin: ORIGIN,
      }),
    ])
    const busy = threadOf(facts.opened(), facts.created('r0'), facts.started('r0'))
    expect(when(busy, command)).toBe('busy')
  })

  it('takes instructions from what is appended and from the skills that are wanted', () => {
    const body = {
      prompt: 'hi',
      systemPromptAppend: 'Be brief.',
      activeContext: { skills: [{ id: 's1', name: 'review' }] },
    }
    const { instructions } = submitOf(body, ORIGIN, null) as Submit
    expect(instructions).toBe('Be brief.\n\nThe user wants these skills to be used:\n- review')
  })

  it('takes pictures as pictures and the rest as files', () => {
    const attachments = [
      { filename: 'a.png', data: 'aGk=', mimeType: 'image/png' },
      { filename: 'b.txt', data: 'aGk=', mimeType: 'text/plain' },
    ]
    const { input } = submitOf({ prompt: 'hi', attachments }, ORIGIN, null)
    expect(input.map((p) => p.kind)).toEqual(['text', 'image', 'file'])
    expect(input[2]).toEqual({ kind: 'file', media: 'text/plain', name: 'b.txt', data: 'aGk=' })
  })
})

describe('attachments', () => {
  const file = (over: Record<string, string> = {}) => ({
    filename: 'a.txt',
    data: 'aGk=',
    mimeType: 'text/plain',
    ...over,
  })
  const reason = (...files: ReturnType<typeof file>[]): unknown => {
    const fault = attachmentFault(files)
    return (fault?.details.ownware as { body: { reason: string } } | undefined)?.body.reason ?? null
  }
  const big = 'A'.repeat(5_592_412)

  it('are checked for count, name, kind, form and size', () => {
    expect(reason(file())).toBeNull()
    expect(reason(...Array.from({ length: 9 }, () => file()))).toBe('count_exceeded')
    expect(reason(file({ filename: 'x'.repeat(256) }))).toBe('filename_invalid')
    expect(reason(file({ mimeType: 'text' }))).toBe('mime_type_invalid')
    expect(reason(file({ data: '%%%' }))).toBe('base64_invalid')
    expect(reason(file({ data: 'aGk' }))).toBe('base64_invalid')
    expect(reason(file({ data: big }))).toBe('item_too_large')
    const half = 'A'.repeat(4_194_304)
    expect(reason(file({ data: half }), file({ data: half }), file())).toBe('total_too_large')
  })
})

describe('resume', () => {
  const question = threadOf(
    facts.opened(),
    facts.created('r1'),
    facts.started('r1'),
    facts.turn('r1'),
    facts.call('r1', 'c1', 'ask_user'),
    facts.answered('r1', 0, { stop: 'calls' }),
    draft('ask.opened', 'r1', {
      ask: 'a1',
      turn: 0,
      expiresAt: null,
      body: { kind: 'question', call: 'c1', question: { text: 'Sure?' } },
    }),
  )
  const settle = (thread: typeof question, body: Record<string, unknown>) => {
    const decided = when(thread, resumeOf(body as never, ORIGIN).command)
    return typeof decided === 'string' ? decided : decided[0]?.data
  }
  const approval = threadOf(
    facts.opened(),
    facts.created('r1'),
    facts.started('r1'),
    facts.turn('r1'),
    facts.call('r1', 'c1', 'write'),
    facts.answered('r1', 0, { stop: 'calls', sealed: [{ part: 0, input: {} }] }),
    facts.asked('r1', ['c1']),
  )

  it('allows or refuses what waits', () => {
    expect(settle(approval, { action: 'approve' })).toMatchObject({
      rulings: { c1: { allow: true } },
    })
    expect(settle(approval, { action: 'deny' })).toMatchObject({
      rulings: { c1: { allow: false } },
    })
    expect(resumeOf({ action: 'always' } as never, ORIGIN)).toMatchObject({
      allow: true,
      remember: true,
    })
  })

  it('answers a question in words, with a yes, or not at all', () => {
    expect(settle(question, { action: 'answer', answer: 'blue' })).toMatchObject({ answer: 'blue' })
    expect(settle(question, { action: 'approve' })).toMatchObject({ answer: 'yes' })
    expect(settle(question, { action: 'deny' })).toMatchObject({ answer: null })
  })

  it('raises a limit, or stops', () => {
    const limit = threadOf(
      facts.opened(),
      facts.created('r1'),
      facts.started('r1'),
      draft('ask.opened', 'r1', {
        ask: 'a1',
        turn: 0,
        expiresAt: null,
        body: { kind: 'limit', limitUsd: 2, spentUsd: 2.5 },
      }),
    )
    expect(settle(limit, { action: 'approve' })).toMatchObject({ limitUsd: 2 })
    expect(settle(limit, { action: 'deny' })).toMatchObject({ rulings: { '': { allow: false } } })
  })

  it.each([
    [{}, 'Missing required field: action'],
    [{ action: 'banana' }, 'Unknown action "banana". Use approve, deny, always or answer.'],
    [{ action: [['deny']] }, 'Unknown action. Use approve, deny, always or answer.'],
    [{ action: 'answer' }, 'Missing required field: answer'],
    [{ action: 'allow_folder_session' }, 'Missing required field: grantPath'],
    [{ action: 'allow_folder_session', grantPath: '/' }, 'The root folder cannot be granted.'],
  ])('is refused for %j', (body, message) => {
    expect(refusedBy(() => resumeOf(body as never, ORIGIN))).toMatchObject({
      code: 'invalid',
      message,
    })
  })

  it('decides exactly as it is told', () => {
    expect(decisionOf('deny', ORIGIN)).toEqual({ do: 'answer', origin: ORIGIN, allow: false })
  })
})

describe('a cursor', () => {
  it('is a number that counts frames, or not there', () => {
    expect(cursorOf(undefined, 'Thread')).toBeNull()
    expect(cursorOf('12', 'Thread')).toBe(12)
    expect(cursorOf('9'.repeat(400), 'Thread')).toBe(Number.MAX_SAFE_INTEGER)
    for (const bad of ['-1', '1.5', '', 'abc', ['x'], {}])
      expect(refusedBy(() => cursorOf(bad, 'Thread'))).toMatchObject({
        message: 'Thread cursor must be a non-negative integer',
        details: { ownware: { error: 'cursor_invalid' } },
      })
  })
})

describe('the body of a run', () => {
  const accepts = (body: unknown): boolean => RunBody.safeParse(body).success

  it('has a prompt, and nothing that nobody knows', () => {
    expect(accepts({ profileId: 'assistant', prompt: 'hello' })).toBe(true)
    expect(accepts({ prompt: 'hi' })).toBe(true)
    expect(accepts({ profileId: 'assistant' })).toBe(false)
    expect(accepts({ profileId: 'assistant', prompt: '' })).toBe(false)
    expect(accepts({ profileId: 'assistant', prompt: 'hi', bogus: 1 })).toBe(false)
    expect(accepts({ prompt: 'hi', systemPromptAppend: 'x'.repeat(65_537) })).toBe(false)
  })
})
