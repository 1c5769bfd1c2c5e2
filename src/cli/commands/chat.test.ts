import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Draft, draft, type Event } from '../../kernel/event.ts'
import { NO_USAGE } from '../../kernel/usage.ts'
import { createClient } from '../client.ts'
import { createPaint } from '../terminal.ts'
import { type ChatOptions, chat } from './chat.ts'

/**
 * A server in miniature that speaks the part of the native API that a chat uses: one thread, whose
 * log the test writes. It shows what the client does, not what an engine does.
 */
class OneThread {
  readonly events: Event[] = []
  readonly requests: { method: string; path: string; body: unknown; key: unknown }[] = []
  /** How many answers get lost before one arrives. */
  losses = 0
  readonly opened: number[] = []
  readonly #readers = new Set<ServerResponse>()
  readonly #server = createServer((request, response) => void this.#serve(request, response))
  /** What a request makes happen. */
  react: (path: string, body: unknown) => void = () => {}
  #runs = 0

  async listen(port = 0): Promise<number> {
    await new Promise<void>((done) => this.#server.listen(port, '127.0.0.1', done))
    return (this.#server.address() as AddressInfo).port
  }

  append(...drafts: Draft[]): void {
    for (const each of drafts) {
      const event = { ...each, thread: 't1', seq: this.events.length + 1, at: 0 } as Event
      this.events.push(event)
      for (const reader of this.#readers) reader.write(frame(event))
    }
  }

  /** As a server that dies: connections break, nothing is said. */
  cut(): void {
    for (const reader of this.#readers) reader.destroy()
    this.#readers.clear()
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise((done) => {
      this.#server.close(done)
      this.#server.closeAllConnections()
    })
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname: path, searchParams } = new URL(request.url ?? '', 'http://x')
    let text = ''
    for await (const chunk of request) text += chunk
    const body: unknown = text ? JSON.parse(text) : undefined
    const route = path.replace('/manifold/v1', '')
    const key = request.headers['idempotency-key']
    this.requests.push({ method: request.method ?? '', path: route, body, key })
    if (request.method === 'POST' && this.losses-- > 0) {
      response.destroy()
      return
    }
    if (route.endsWith('/stream')) {
      this.#stream(response, Number(searchParams.get('after')))
      return
    }
    response.setHeader('content-type', 'application/json')
    if (route.startsWith('/threads/') && !route.startsWith('/threads/t1')) {
      response.statusCode = 404
      response.end(JSON.stringify({ error: { code: 'not_found', message: 'No such thread.' } }))
      return
    }
    response.end(JSON.stringify(this.#answer(route)))
    this.react(route, body)
  }

  #answer(route: string): unknown {
    if (!route.endsWith('/runs') && !route.endsWith('/submit')) return { items: [] }
    const run = `r${++this.#runs}`
    return { thread: 't1', run, delivery: 'started', position: null, seq: 0, replayed: false }
  }

  #stream(response: ServerResponse, after: number): void {
    this.opened.push(after)
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const event of this.events.slice(after)) response.write(frame(event))
    response.write('event: ready\ndata: {}\n\n')
    this.#readers.add(response)
  }
}

const frame = (event: Event): string =>
  `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`

const origin = { dialect: 'native', principal: 'local' }
const begins = (run: string, text: string): Draft[] => [
  draft('run.created', run, { kind: 'message', input: [{ kind: 'text', text }], place: 0, origin }),
  draft('run.started', run, { agent: 'assistant', model: 'scripted:x', revision: '1' }),
]
const says = (run: string, text: string): Draft =>
  draft('text.delta', run, { turn: 0, part: 0, text })
const ends = (run: string, outcome: 'completed' | 'cancelled' = 'completed'): Draft =>
  draft('run.ended', run, { outcome, stop: 'end', turns: 1, usage: NO_USAGE })
const asks = (run: string): Draft =>
  draft('ask.opened', run, {
    ask: 'a1',
    turn: 0,
    body: {
      kind: 'approval',
      calls: [{ call: 'c1', tool: 'write', input: {}, subject: 'a.txt', reason: '' }],
    },
    expiresAt: null,
  })
const settles = (run: string, allow: boolean): Draft =>
  draft('ask.settled', run, {
    ask: 'a1',
    how: 'answered',
    rulings: { c1: { allow, by: 'person' } },
    open: [],
    origin,
  })

let server: OneThread
let port: number
let input: PassThrough
let shown: string

beforeEach(async () => {
  server = new OneThread()
  port = await server.listen()
  input = new PassThrough()
  shown = ''
})
afterEach(() => server.close())

function begin(options: Partial<ChatOptions> = {}): Promise<number> {
  const output = new PassThrough()
  output.on('data', (chunk: Buffer) => {
    shown += chunk.toString()
  })
  return chat({
    client: createClient({ url: `http://127.0.0.1:${port}`, token: null, retryMs: 5 }),
    terminal: { input, output },
    style: { paint: createPaint(false), columns: 80 },
    isTerminal: false,
    thread: null,
    agent: null,
    model: null,
    yes: false,
    retryMs: 5,
    ...options,
  })
}

const posted = (path: string): unknown[] =>
  server.requests.filter((r) => r.method !== 'GET' && r.path === path).map((r) => r.body)

const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 10_000 })

describe('through a pipe', () => {
  test('each line is a message, asked when the one before is answered', async () => {
    server.react = (path, body) => {
      const { input: text } = (body ?? {}) as { input: string }
      const run = path === '/runs' ? 'r1' : 'r2'
      if (!path.endsWith('/runs') && !path.endsWith('/submit')) return
      server.append(...begins(run, text), says(run, `You said ${text}.`), ends(run))
    }
    input.end('one\n\ntwo\n')
    expect(await begin({ agent: 'assistant' })).toBe(0)
    expect(shown).toBe('assistant · scripted:x\nYou said one.\nYou said two.\n')
    expect(posted('/runs')).toEqual([{ input: 'one', agent: 'assistant' }])
    expect(posted('/threads/t1/submit')).toEqual([{ input: 'two', busy: 'queue' }])
  })

  test.each([
    [false, 'refused'],
    [true, 'allowed'],
  ])('an approval with --yes=%s is %s', async (yes, word) => {
    server.react = (path) => {
      if (path === '/runs') server.append(...begins('r1', 'go'), asks('r1'))
      if (path === '/asks/a1/answer') server.append(settles('r1', yes), ends('r1'))
    }
    input.end('go\n')
    expect(await begin({ yes })).toBe(0)
    expect(posted('/asks/a1/answer')).toMatchObject([{ allow: yes }])
    expect(shown).toContain(word)
  })

  test('a run that was not completed makes the exit code 1', async () => {
    server.react = (path) => {
      if (path === '/runs') server.append(...begins('r1', 'go'), ends('r1', 'cancelled'))
    }
    input.end('go\n')
    expect(await begin()).toBe(1)
  })
})

describe('a connection that breaks', () => {
  test('is taken up at the last event that was shown; nothing is missing or twice', async () => {
    server.react = (path) => {
      if (path === '/runs') server.append(...begins('r1', 'go'), says('r1', 'One '))
    }
    input.write('go\n')
    const over = begin()
    await until(() => expect(shown).toContain('One '))
    server.cut()
    server.append(says('r1', 'two '))
    await until(() => expect(server.opened).toEqual([0, 3]))
    await until(() => expect(shown).toContain('two '))
    server.append(says('r1', 'three.'), ends('r1'))
    input.end()
    expect(await over).toBe(0)
    expect(shown.replace(/\n?\(.*\)\n/g, '')).toBe('assistant · scripted:x\nOne two three.\n')
  })

  test('a message whose answer was lost is sent again, and is the same message', async () => {
    server.losses = 2
    server.react = (path) => {
      if (path === '/runs') server.append(...begins('r1', 'go'), says('r1', 'Once.'), ends('r1'))
    }
    input.end('go\n')
    expect(await begin()).toBe(0)
    const keys = server.requests.filter((r) => r.path === '/runs').map((r) => r.key)
    expect(keys).toHaveLength(3)
    expect(new Set(keys).size).toBe(1)
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/)
    expect(shown).toBe('assistant · scripted:x\nOnce.\n')
  })

  test('survives a server that is gone for a while', async () => {
    server.react = (path) => {
      if (path === '/runs') server.append(...begins('r1', 'go'))
    }
    input.write('go\n')
    const over = begin()
    await until(() => expect(server.opened).toHaveLength(1))
    await until(() => expect(shown).toContain('scripted:x'))
    const { events } = server
    await server.close()
    await until(() => expect(shown).toContain('trying again'))
    server = new OneThread()
    server.events.push(...events)
    await server.listen(port)
    await until(() => expect(server.opened).toEqual([2]))
    server.append(says('r1', 'Back.'), ends('r1'))
    input.end()
    expect(await over).toBe(0)
    expect(shown).toContain('Back.')
  })
})

describe('at a terminal', () => {
  test('an approval is asked for and a wrong word is not taken for one', async () => {
    server.react = (path) => {
      if (path === '/runs') server.append(...begins('r1', 'go'), asks('r1'))
      if (path === '/asks/a1/answer') server.append(settles('r1', true), ends('r1'))
    }
    const over = begin({ isTerminal: true })
    await until(() => expect(shown).toContain('> '))
    input.write('go\r')
    await until(() => expect(shown).toContain('[y]es, [n]o, [a]lways'))
    input.write('hmm\r')
    await until(() => expect(shown).toContain('y for yes'))
    expect(posted('/asks/a1/answer')).toEqual([])
    input.write('a\r')
    await until(() => expect(shown).toContain('allowed'))
    expect(posted('/asks/a1/answer')).toEqual([{ allow: true, remember: true }])
    input.write('/quit\r')
    expect(await over).toBe(0)
    expect(shown).toContain('the same command with --thread t1 comes back')
  })

  test('Ctrl-C cancels the run and not the program; twice at the prompt leaves', async () => {
    server.react = (path) => {
      if (path === '/runs') server.append(...begins('r1', 'go'), says('r1', 'Well'))
      if (path === '/runs/r1/cancel') server.append(ends('r1', 'cancelled'))
    }
    const over = begin({ isTerminal: true })
    await until(() => expect(shown).toContain('> '))
    input.write('go\r')
    await until(() => expect(shown).toContain('Well'))
    input.write('\u0003')
    await until(() => expect(shown).toContain('cancelled\n'))
    input.write('\u0003')
    await until(() => expect(shown).toContain('once more Ctrl-C'))
    input.write('\u0003')
    expect(await over).toBe(0)
  })

  test('what is typed during a run waits in the queue, or steers', async () => {
    server.react = (path) => {
      if (path === '/runs') server.append(...begins('r1', 'go'), says('r1', 'Well'))
    }
    const over = begin({ isTerminal: true })
    await until(() => expect(shown).toContain('> '))
    input.write('go\r')
    await until(() => expect(shown).toContain('Well'))
    input.write('later\r')
    await until(() => expect(posted('/threads/t1/submit')).toHaveLength(1))
    input.write('/steer now\r')
    await until(() => expect(posted('/threads/t1/submit')).toHaveLength(2))
    expect(posted('/threads/t1/submit')).toEqual([
      { input: 'later', busy: 'queue' },
      { input: 'now', busy: 'steer' },
    ])
    input.write('/nonsense\r')
    await until(() => expect(shown).toContain('There is no /nonsense'))
    input.write('/quit\r')
    await over
  })

  test('a thread is resumed with its last exchanges', async () => {
    for (const n of [1, 2, 3])
      server.append(
        ...begins(`r${n}`, `question ${n}`),
        says(`r${n}`, `answer ${n}`),
        ends(`r${n}`),
      )
    const over = begin({ isTerminal: true, thread: 't1' })
    await until(() => expect(shown).toContain('answer 3'))
    expect(shown).toContain('> question 2')
    expect(shown).not.toContain('question 1')
    expect(shown).toContain('(1 earlier exchange')
    input.write('/quit\r')
    await over
  })
})

test('a thread that is not there is said at once', async () => {
  await expect(begin({ thread: 'nope' })).rejects.toThrow('No such thread.')
})

test('without a server it is said how to start one', async () => {
  await server.close()
  await expect(begin()).rejects.toThrow(/npm start/)
  server = new OneThread()
})
