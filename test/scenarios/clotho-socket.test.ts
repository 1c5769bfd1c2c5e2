/** Clotho's WebSocket over real sockets: both forms of every frame, and what outlives a socket. */

import { afterEach, describe, expect, test } from 'vitest'
import {
  approve,
  type Gateway,
  openClient,
  type Refused,
  run,
  says,
  script,
  shell,
  startGateway,
  typesOf,
} from './clotho-gateway.ts'

const open: Gateway[] = []
const start = async (settings = {}): Promise<Gateway> => {
  const gateway = await startGateway(settings)
  open.push(gateway)
  return gateway
}

afterEach(async () => {
  for (const gateway of open.splice(0)) await gateway.stop()
})

const twoTools = script(
  [{ say: 'Two. ' }, shell('echo one', 'a'), shell('echo two', 'b')],
  says('Tool said: {{result}}'),
)

describe('the form of the real clients', () => {
  test('a streamed turn, and one that is not', async () => {
    const gateway = await start()
    const chat = await gateway.newChat()
    const client = await gateway.connect(chat)
    client.send(run(script([{ say: 'Hello there', chunk: 5 }])))
    const done = await client.until('agent.turn_complete')
    expect(done.data).toEqual({
      stop_reason: 'end_turn',
      model: 'test',
      usage: { input_tokens: 100, output_tokens: 3 },
    })
    expect(done.stop_reason).toBe('end_turn')
    expect(done.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/)
    const text = client.frames.filter((f) => f.type === 'agent.text_delta').map((f) => f.data.text)
    expect(text.join('')).toBe('Hello there')
    const from = client.frames.length
    client.send(run(script(says('Whole.')), false))
    await client.until('agent.turn_complete', from)
    const told = client.frames.slice(from)
    expect(told.map((f) => f.type)).toEqual(['agent.text', 'agent.turn_complete'])
    expect(told[0]?.text).toBe('Whole.')
  })

  test('one answer for all calls', async () => {
    const gateway = await start()
    const client = await gateway.connect(await gateway.newChat())
    client.send(run(twoTools))
    const asked = await client.until('agent.tool_request')
    expect(asked.data.tool_calls).toEqual([
      { id: 'a', name: 'bash', arguments: { command: 'echo one' } },
      { id: 'b', name: 'bash', arguments: { command: 'echo two' } },
    ])
    client.send(approve(true))
    await client.until('agent.turn_complete')
    expect(typesOf(client.frames)).toEqual([
      'agent.text_delta',
      'agent.tool_use_start',
      'agent.tool_use_delta',
      'agent.tool_use_start',
      'agent.tool_use_delta',
      'agent.tool_request',
      'agent.tool_result',
      'agent.text_delta',
      'agent.turn_complete',
    ])
    const results = client.frames.filter((f) => f.type === 'agent.tool_result')
    expect(results.map((f) => [f.tool_use_id, f.tool_name, f.is_error])).toEqual([
      ['a', 'bash', false],
      ['b', 'bash', false],
    ])
  })

  test('"false" is an error and no yes; a no is told as such', async () => {
    const gateway = await start()
    const client = await gateway.connect(await gateway.newChat())
    client.send(run(script([shell('echo ran', 'a')], says('Fine.'))))
    await client.until('agent.tool_request')
    client.send(approve('false'))
    expect((await client.until('agent.error')).data).toMatchObject({
      code: 'invalid_event',
      message: expect.stringContaining('valid boolean'),
    })
    client.send(approve(false))
    const result = await client.until('agent.tool_result')
    expect(result.data).toEqual({
      tool_use_id: 'a',
      tool_name: 'bash',
      content: "Tool 'bash' denied by user. Try a different approach.",
      is_error: true,
    })
    await client.until('agent.turn_complete')
  })

  test('three rounds of denial end the turn', async () => {
    const gateway = await start()
    const client = await gateway.connect(await gateway.newChat())
    const again = (id: string) => [shell('echo again', id)]
    client.send(run(script(again('a'), again('b'), again('c'), again('d'))))
    for (let n = 1; n <= 3; n++) {
      await client.count('agent.tool_request', n)
      client.send(approve(false))
      await client.count('agent.tool_result', n)
    }
    const done = await client.until('agent.turn_complete')
    expect(done.data.stop_reason).toBe('tool_use')
    expect(client.frames.filter((f) => f.type === 'agent.tool_request')).toHaveLength(3)
  })
})

describe('the form of the page', () => {
  test('a flat message, a verdict for each call, payloads beside the type', async () => {
    const gateway = await start()
    const client = await gateway.connect(await gateway.newChat())
    client.send({ type: 'user_message', content: twoTools, stream: true })
    const asked = await client.until('agent.tool_request')
    expect(asked.tool_calls).toEqual(asked.data.tool_calls)
    client.send({ type: 'tool_approval', verdicts: { b: 'allow', unknown: 'allow' } })
    await client.until('agent.turn_complete')
    const results = client.frames.filter((f) => f.type === 'agent.tool_result')
    expect(results.map((f) => [f.tool_use_id, f.is_error])).toEqual([
      ['a', true],
      ['b', false],
    ])
    const [text] = client.frames
    expect(text).toMatchObject({ type: 'agent.text_delta', text: 'Two. ', data: { text: 'Two. ' } })
  })

  test('a question is answered by the next message', async () => {
    const gateway = await start()
    const client = await gateway.connect(await gateway.newChat())
    const question = { call: 'ask_user', input: { question: 'Which colour?' }, id: 'q' }
    client.send({ type: 'user_message', content: script([question], says('Got {{result}}.')) })
    expect((await client.until('agent.tool_request')).data.tool_calls).toMatchObject([
      { id: 'q', name: 'ask_user' },
    ])
    client.send({ type: 'user_message', content: 'green' })
    expect((await client.until('agent.text')).data.text).toBe('Got green.')
    await client.until('agent.turn_complete')
  })
})

describe('what an agent that was given a task wants to do', () => {
  const task = (command: string, id: string) => ({
    call: 'task',
    input: { prompt: script([shell(command, `of-${id}`)], says('{{result}}')) },
    id,
  })

  test('is asked in the chat, and answered there', async () => {
    const gateway = await start()
    await gateway.ask('PUT', '/api/permissions', { tool_overrides: { task: 'allow' } })
    const chat = await gateway.newChat()
    const client = await gateway.connect(chat)
    client.send(run(script([task('echo one', 'a'), task('echo two', 'b')], says('Both.'))))
    await client.count('agent.tool_request', 2)
    client.send({ type: 'tool_approval', verdicts: { 'of-b': 'allow' } })
    client.send({ type: 'tool_approval', verdicts: { 'of-a': 'deny' } })
    await client.until('agent.turn_complete')
    const results = client.frames.filter((f) => f.type === 'agent.tool_result')
    expect(results.map((f) => f.tool_use_id)).toEqual(['a', 'b'])
    expect(results[0]?.content).toMatch(/denied by user/)
    expect(results[1]?.content).toMatch(/two/)
    const { chats } = (await gateway.ask('GET', '/api/chats')).body as { chats: object[] }
    expect(chats).toEqual([{ chat_id: chat }])
  })
})

describe('a run belongs to the chat', () => {
  test('a socket that goes cancels nothing; the next is told the turn from its beginning', async () => {
    const gateway = await start()
    const chat = await gateway.newChat()
    const first = await gateway.connect(chat)
    first.send(run(script([{ say: 'Before. ' }, shell('echo hi', 'a')], says('After.'))))
    await first.until('agent.tool_request')
    first.socket.close()
    await first.closed
    const second = await gateway.connect(chat)
    await second.until('agent.tool_request')
    expect(typesOf(second.frames)).toEqual(typesOf(first.frames))
    expect(second.frames).toEqual(first.frames)
    second.send(approve(true))
    await second.until('agent.turn_complete')
    const idle = await gateway.connect(chat)
    idle.send({ type: 'nope' })
    await idle.until('agent.error')
    expect(idle.frames).toHaveLength(1)
  })

  test('every socket sees the same, a second message waits its turn, and any may approve', async () => {
    const gateway = await start()
    const chat = await gateway.newChat()
    const a = await gateway.connect(chat)
    const b = await gateway.connect(chat)
    a.send(run(script([shell('echo hi', 'a')], says('First.'))))
    await a.until('agent.tool_request')
    a.send(run(script(says('Second.')), false))
    b.send(approve(true))
    const second = await b.until('agent.text')
    expect(second.data.text).toBe('Second.')
    await Promise.all([a, b].map((c) => c.count('agent.turn_complete', 2)))
    expect(a.frames).toEqual(b.frames)
  })

  test('cancel ends what runs and what waits goes on; panic ends both', async () => {
    const gateway = await start()
    const client = await gateway.connect(await gateway.newChat())
    client.send(run(script([{ say: 'Endless' }, { hang: true }])))
    await client.until('agent.text_delta')
    client.send(run(script(says('Queued.')), false))
    client.send({ type: 'cancel', data: {} })
    await client.count('agent.turn_complete', 2)
    expect(typesOf(client.frames)).toEqual([
      'agent.text_delta',
      'agent.cancelled',
      'agent.turn_complete',
      'agent.text',
      'agent.turn_complete',
    ])
    const from = client.frames.length
    client.send(run(script([{ say: 'Endless' }, { hang: true }])))
    await client.until('agent.text_delta', from)
    client.send(run(script(says('Dropped.')), false))
    client.send({ type: 'panic' })
    client.send(run(script(says('Alive.')), false))
    await client.count('agent.turn_complete', 5)
    expect(client.frames.at(-2)?.data.text).toBe('Alive.')
    expect(typesOf(client.frames.slice(from))).toEqual([
      'agent.text_delta',
      'agent.cancelled',
      'agent.turn_complete',
      'agent.cancelled',
      'agent.turn_complete',
      'agent.text',
      'agent.turn_complete',
    ])
  })

  test('an approval that nobody gives is over, and the turn goes on', async () => {
    const gateway = await start({ approvalTimeoutMs: 50 })
    const client = await gateway.connect(await gateway.newChat())
    client.send(run(script([shell('echo late', 'a')], says('On.'))))
    await client.until('agent.turn_complete')
    const [error] = client.frames.filter((f) => f.type === 'agent.error')
    expect(error?.data).toEqual({ code: 'approval_timeout', message: 'Tool approval timed out' })
    expect(typesOf(client.frames).slice(-4)).toEqual([
      'agent.error',
      'agent.tool_result',
      'agent.text_delta',
      'agent.turn_complete',
    ])
    client.send(approve(true))
    client.send({ type: 'nope' })
    await client.until('agent.error', client.frames.length - 1)
  })

  test('a restart in the middle of an approval: the new server is asked by the new socket', async () => {
    const before = await startGateway()
    const { folder } = before.world
    const chat = await before.newChat()
    const first = await before.connect(chat)
    first.send(run(script([{ say: 'Now. ' }, shell('echo hi', 'a')], says('After.'))))
    await first.until('agent.tool_request')
    await before.stop(false)
    expect((await first.closed).code).toBeGreaterThan(1000)
    const gateway = await start({ world: { folder } })
    const second = await gateway.connect(chat)
    await second.until('agent.tool_request')
    second.send({ type: 'tool_approval', verdicts: { a: 'allow' } })
    await second.until('agent.turn_complete')
    expect(second.frames.find((f) => f.type === 'agent.tool_result')?.is_error).toBe(false)
  })
})

test('a run that was begun in another dialect is watched, approved and told here', async () => {
  const gateway = await start()
  const input = script([{ say: 'From elsewhere. ' }, shell('echo hi', 'a')], says('Done.'))
  const begun = await gateway.ask('POST', '/manifold/v1/runs', { input })
  const { thread } = begun.body as { thread: string }
  const client = await gateway.connect(thread)
  await client.until('agent.tool_request')
  client.send(approve(true))
  await client.until('agent.turn_complete')
  expect(typesOf(client.frames)).toEqual([
    'agent.text_delta',
    'agent.tool_use_start',
    'agent.tool_use_delta',
    'agent.tool_request',
    'agent.tool_result',
    'agent.text_delta',
    'agent.turn_complete',
  ])
  const from = client.frames.length
  client.send(run(script(says('And here.')), false))
  expect((await client.until('agent.text', from)).text).toBe('And here.')
})

describe('the door', () => {
  test('a handshake without the token, or with a chat id that is none, is a bare 403', async () => {
    const gateway = await start()
    const chat = await gateway.newChat()
    const at = gateway.url.replace('http', 'ws')
    const wrong = [
      `${at}/ws/${chat}`,
      `${at}/ws/${chat}?token=clo_wrong`,
      `${at}/ws/${chat}?token=%C3%A9%00%F0%9F`,
      `${at}/ws/${chat}?token=${gateway.token}&token=x`,
      `${at}/ws/not-a-uuid?token=${gateway.token}`,
    ]
    for (const url of wrong) {
      const refused = (await openClient(url).catch((e) => e)) as Refused
      expect([url, refused.status, refused.body]).toEqual([url, 403, ''])
    }
  })

  test('an unknown chat is accepted and closed with 4004; so is one that is deleted', async () => {
    const gateway = await start()
    const at = gateway.url.replace('http', 'ws')
    const id = '00000000-0000-4000-8000-000000000000'
    const unknown = await openClient(`${at}/ws/${id}?token=${gateway.token}`)
    expect(await unknown.closed).toEqual({ code: 4004, reason: 'Chat not found' })
    const chat = await gateway.newChat()
    const client = await gateway.connect(chat)
    client.send({ type: 'nope' })
    await client.until('agent.error')
    await gateway.ask('DELETE', `/api/chats/${chat}`)
    expect(await client.closed).toEqual({ code: 4004, reason: 'Chat not found' })
  })

  test('a frame above the limit closes with 1009', async () => {
    const gateway = await start()
    const client = await gateway.connect(await gateway.newChat())
    client.send(run('x'.repeat(16 * 1024 * 1024 + 1)))
    expect((await client.closed).code).toBe(1009)
  })
})
