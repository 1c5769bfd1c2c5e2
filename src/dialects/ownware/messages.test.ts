import { describe, expect, it } from 'vitest'
import { facts, logOf } from '../../../test/given.ts'
import { type Draft, draft } from '../../kernel/event.ts'
import { rowsOf, threadRow } from '../../kernel/rows.ts'
import { emptyThread, fold } from '../../kernel/thread.ts'
import { markdownOf, messagesOf, threadResource, threadStatus } from './messages.ts'

const THREAD = '01890a5d-ac96-774b-bcce-b302099a8057'

function given(...drafts: Draft[]) {
  const log = logOf([facts.opened(), ...drafts], THREAD)
  const thread = fold(emptyThread(THREAD), log)
  const runs = new Map(rowsOf(thread, log).runs.map((r) => [r.id, r]))
  return { thread, messages: messagesOf(thread, runs), row: threadRow(thread) }
}

const TOOL_RUN = [
  facts.created('r1', 'write it'),
  facts.started('r1'),
  facts.turn('r1'),
  facts.text('r1', 'Calling. '),
  facts.call('r1', 'c1', 'write', 0, 1),
  facts.answered('r1', 0, { stop: 'calls', sealed: [{ part: 1, input: { path: 'a.txt' } }] }),
  facts.toolStarted('r1', 'c1'),
  facts.toolEnded('r1', 'c1', { output: 'Written.' }),
  facts.turnEnded('r1'),
  facts.turn('r1', 1),
  facts.text('r1', 'Done.', 1),
  facts.answered('r1', 1),
  facts.turnEnded('r1', 1),
]

describe('messages', () => {
  it('show what an agent did in one go as one message', () => {
    const { messages } = given(...TOOL_RUN)
    expect(messages).toMatchObject([
      { role: 'user', content: 'write it', id: 'msg_r1_0' },
      {
        role: 'assistant',
        content: 'Calling. Done.',
        model: 'scripted:x',
        tools: [
          {
            toolCallId: 'c1',
            name: 'write',
            input: { path: 'a.txt' },
            output: 'Written.',
            isError: false,
          },
        ],
        parts: [
          { kind: 'text', text: 'Calling. ' },
          { kind: 'tool', toolCallId: 'c1' },
          { kind: 'text', text: 'Done.' },
        ],
        usage: { inputTokens: 200, outputTokens: 4 },
      },
    ])
  })

  it('keep runs apart, and what was put in between apart from what it was put into', () => {
    const second = [
      facts.created('r2', 'more'),
      facts.started('r2'),
      facts.turn('r2'),
      facts.text('r2', 'one'),
      draft('run.steered', 'r2', {
        id: 's1',
        input: [{ kind: 'text', text: 'wait' }],
        origin: { dialect: 'oah', principal: 'local' },
      }),
      facts.answered('r2'),
      facts.turnEnded('r2'),
      facts.turn('r2', 1),
      facts.text('r2', 'two', 1),
      facts.answered('r2', 1),
      facts.turnEnded('r2', 1),
    ]
    const { messages } = given(...TOOL_RUN, facts.ended('r1'), ...second)
    expect(messages.map((m) => `${m.role}: ${m.content}`)).toEqual([
      'user: write it',
      'assistant: Calling. Done.',
      'user: more',
      'assistant: one',
      'user: wait',
      'assistant: two',
    ])
  })

  it('leave out the turn that is being spoken: its frames follow the last closed turn', () => {
    const { messages } = given(...TOOL_RUN.slice(0, 11))
    expect(messages.map((m) => m.content)).toEqual(['write it', 'Calling. '])
  })

  it('keep an answer that was cut off, its thinking and what was attached to the prompt', () => {
    const image = { kind: 'image', media: 'image/png', name: 'a.png', data: 'aGk=' } as const
    const { messages } = given(
      facts.created('r1', '', { input: [{ kind: 'text', text: 'see' }, image] }),
      facts.started('r1'),
      facts.turn('r1'),
      draft('thinking.delta', 'r1', { turn: 0, part: 0, text: 'hm' }),
      facts.text('r1', 'half', 0, 1),
      facts.broken('r1', { cause: 'cancel' }),
      facts.ended('r1', { outcome: 'cancelled', stop: 'cancelled' }),
    )
    expect(messages).toMatchObject([
      {
        content: 'see',
        attachments: [
          { filename: 'a.png', mimeType: 'image/png', sizeBytes: 2, category: 'image' },
        ],
      },
      { content: 'half', thinking: 'hm' },
    ])
  })
})

describe('a thread', () => {
  it('is told by its row', () => {
    const { row } = given(...TOOL_RUN, facts.ended('r1'))
    expect(threadResource(row, 'completed', 'scripted:x')).toEqual({
      id: `thread_${THREAD.replaceAll('-', '')}`,
      profileId: 'assistant',
      workspaceId: null,
      title: 'write it',
      status: 'completed',
      messageCount: 4,
      totalTokens: 204,
      totalCost: 0,
      model: 'scripted:x',
      lastMessagePreview: 'Done.',
      createdAt: '1970-01-01T00:00:01.000Z',
      updatedAt: '1970-01-01T00:00:01.014Z',
    })
    const chosen = threadResource({ ...row, model: 'scripted:y' }, 'completed', 'scripted:x')
    expect(chosen.model).toBe('scripted:y')
  })

  it('is active, completed or in error as the log says, or as a client said since', () => {
    const running = given(...TOOL_RUN).row
    const idle = given(...TOOL_RUN, facts.ended('r1')).row
    expect(threadStatus(given().row, null, null)).toBe('active')
    expect(threadStatus(running, null, { status: 'completed', runs: 1 })).toBe('active')
    expect(threadStatus(idle, 'completed', null)).toBe('completed')
    expect(threadStatus(idle, 'failed', null)).toBe('error')
    expect(threadStatus(idle, 'failed', { status: 'completed', runs: 1 })).toBe('completed')
    expect(threadStatus(idle, 'failed', { status: 'completed', runs: 0 })).toBe('error')
  })

  it('can be kept as a text', () => {
    const { row, messages } = given(...TOOL_RUN, facts.ended('r1'))
    const text = markdownOf(threadResource(row, 'completed', null), messages)
    expect(text).toContain('# write it')
    expect(text).toContain('## User\n\nwrite it')
    expect(text).toContain('```tool: write\n{\n  "path": "a.txt"\n}\n```')
    expect(text).toContain('```output\nWritten.\n```')
  })
})
