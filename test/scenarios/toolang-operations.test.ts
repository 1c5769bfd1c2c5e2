/**
 * Every operation of the real system's API document, exercised over a real socket: its status, the
 * keys of its answer as captured, and how it refuses. An operation without a case fails.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Agent, type Fields, openAgent, says, script } from './toolang-agent.ts'

interface Operation {
  method: string
  path: string
  summary: string
  status: number
  query: string[]
  body: string | null
}

const OPERATIONS = JSON.parse(
  readFileSync(
    join(import.meta.dirname, '../../src/dialects/toolang/golden/operations.json'),
    'utf8',
  ),
) as Operation[]

// ---- shapes, as captured ------------------------------------------------------------------------

/** A key with `?` may be missing; `null` stands for any value, a list for a list of its first. */
type Shape = null | [Shape] | { [key: string]: Shape }

const keys = (text: string): { [key: string]: Shape } =>
  Object.fromEntries(text.split(' ').map((key) => [key, null]))

const REF = keys('id origin status created_at started_at finished_at updated_at')
const THREAD = {
  ...keys('id title created_at updated_at origin parent run_count active_run'),
  peer: keys('type name thread'),
  latest_run: REF,
}
const MESSAGE = {
  ...keys('id thread_id run_id step_index role created_at meta'),
  parts: [keys('type')] as [Shape],
}
const RUN_ITEM = keys(
  'id origin thread_id input_text summary status type error superseded failure created_at started_at finished_at updated_at',
)
const RUN_DETAIL = {
  info: keys('id origin thread_id superseded created_at started_at finished_at updated_at'),
  input: MESSAGE,
  inputs: [
    {
      record: keys('run_id index action mode request_id message created_at'),
      message: MESSAGE,
    },
  ] as [Shape],
  output: {
    ...keys('status error failure'),
    steps: [
      {
        record: keys(
          'run_id step_index kind status input output payload error started_at finished_at',
        ),
        message: MESSAGE,
      },
    ] as [Shape],
  },
}
const EVENT = keys('id cursor domain domain_id type event_type at payload')
const INPUT = {
  ...keys('run_id thread_id action created_at mode'),
  ref: keys('kind index'),
}
const CAP = keys('name description scope origin form ref definition_file editable')
const CAP_DETAIL = { ...CAP, ...keys('kind content files') }
const CAP_WRITE = keys('kind name scope origin form ref definition_file')
const TEMPLATE = keys('kind name title description path')
const RUNTIME = keys('thread_id active_run last_run next_run')
const TASK = {
  ...keys('id kind state stage remote_ref remote_status title path updated_at'),
  runtime: RUNTIME,
}
const CHORE = { ...keys('id kind state schedule title path updated_at'), runtime: RUNTIME }
const whole = (shape: { [key: string]: Shape }) => ({ item: { ...shape, body: null } })
const PROFILE = {
  ...keys('agent display_name title summary description avatar'),
  environment: keys('sandbox home endpoint'),
  metrics: {
    threads: keys('total chat chore task'),
    steps: keys('total model_call tool_call runtime'),
    tokens: keys('input output total'),
  },
}
const MODEL = keys('selector name ref provider model adapter tools streaming')

function check(value: unknown, shape: Shape, place = 'answer'): void {
  if (shape === null) return
  if (Array.isArray(shape)) {
    expect(Array.isArray(value), `${place} is a list`).toBe(true)
    const list = value as unknown[]
    expect(list.length, `${place} has something to look at`).toBeGreaterThan(0)
    check(list[0], shape[0], `${place}[0]`)
    return
  }
  expect(typeof value === 'object' && value !== null, `${place} is an object`).toBe(true)
  for (const [key, inner] of Object.entries(shape)) {
    expect(Object.keys(value as Fields), place).toContain(key)
    check((value as Fields)[key], inner, `${place}.${key}`)
  }
}

// ---- cases --------------------------------------------------------------------------------------

interface World {
  run: string
  thread: string
  hash: string
  task: string
  chore: string
  oldTask: string
  oldChore: string
}

interface Case {
  path?: Record<string, string>
  query?: string
  body?: unknown
  shape: Shape
  /** How the operation refuses what is not there or not right. */
  refuses: { path?: Record<string, string>; query?: string; body?: unknown; status: number }[]
}

type Make = (world: World) => Case | Promise<Case>

let agent: Agent
let world: World

const post = async (path: string, body: unknown): Promise<Fields> => {
  const answer = await agent.ask('POST', path, body)
  if (answer.status >= 300) throw new Error(`${path}: ${JSON.stringify(answer.body)}`)
  return answer.body
}

const hanging = async (): Promise<string> => {
  void agent.ask('POST', '/api/v1/chat', script([{ say: 'a' }, { hang: true }])).catch(() => {})
  for (;;) {
    const { body } = await agent.ask('GET', '/api/v1/runs?limit=1')
    const [run] = body.items
    if (run?.status === 'running' && run.input_text.includes('hang')) return run.id
  }
}

const CASES: Record<string, Make> = {
  'GET /healthz': () => ({ shape: keys('ok enabled_components'), refuses: [] }),
  'GET /api/v1/profile': () => ({ shape: PROFILE, refuses: [] }),
  'GET /api/v1/chat/models': () => ({ shape: { default: null, items: [MODEL] }, refuses: [] }),
  'POST /api/v1/chat': () => ({
    body: says('hello'),
    shape: {
      ...keys('thread_id run_id'),
      thread: THREAD,
      message: MESSAGE,
      assistant: MESSAGE,
    },
    refuses: [
      { body: {}, status: 422 },
      { body: { ...says('x'), model: 'no:no' }, status: 422 },
    ],
  }),
  'POST /api/v1/chat/stream': () => ({
    body: says('hello'),
    shape: null,
    refuses: [
      { body: { message: { parts: [{ type: 'video' }] } }, status: 422 },
      { body: { ...says('x'), thread: 'web_zzzzzzzz' }, status: 404 },
    ],
  }),
  'GET /api/v1/caps': () => ({
    shape: {
      ...keys('agent psyches skills services prompts'),
      counts: keys('psyches skills services prompts'),
    },
    refuses: [],
  }),
  ...capCases(),
  ...jobCases(),
  'GET /api/v1/will': () => ({ shape: { item: null }, refuses: [] }),
  'GET /api/v1/runs': () => ({
    shape: { items: [RUN_ITEM] },
    refuses: [{ query: 'limit=x', status: 422 }],
  }),
  'GET /api/v1/runs/{run_id}': ({ run }) => ({
    path: { run_id: run },
    shape: { ...RUN_DETAIL, event_cursor: null },
    refuses: [{ path: { run_id: 'run_zzzzzzzz' }, status: 404 }],
  }),
  'GET /api/v1/runs/{run_id}/events': ({ run }) => ({
    path: { run_id: run },
    query: 'after=1&limit=2',
    shape: { cursor: null, items: [EVENT] },
    refuses: [
      { path: { run_id: 'run_zzzzzzzz' }, status: 404 },
      { path: { run_id: run }, query: 'after=x', status: 422 },
    ],
  }),
  'GET /api/v1/runs/{run_id}/stream': ({ run }) => ({
    path: { run_id: run },
    shape: null,
    refuses: [{ path: { run_id: 'run_zzzzzzzz' }, status: 404 }],
  }),
  'POST /api/v1/runs/{run_id}/stop': async () => ({
    path: { run_id: await hanging() },
    body: { reason: 'enough', request_id: 's1' },
    shape: { run: RUN_ITEM, input: { ...INPUT, request_id: null } },
    refuses: [
      { path: { run_id: 'run_zzzzzzzz' }, body: {}, status: 404 },
      { path: { run_id: world.run }, body: { mode: 'eventually' }, status: 422 },
    ],
  }),
  'POST /api/v1/runs/{run_id}/restart': async () => ({
    path: { run_id: (await post('/api/v1/chat', says('again'))).run_id },
    body: says('instead'),
    shape: { run_id: null, previous_run: RUN_ITEM, message: keys('role parts') },
    refuses: [
      { path: { run_id: 'run_zzzzzzzz' }, body: says('x'), status: 404 },
      { path: { run_id: world.run }, body: {}, status: 422 },
    ],
  }),
  'POST /api/v1/runs/{run_id}/steer': async () => ({
    path: { run_id: await hanging() },
    body: { ...says('more'), request_id: 'st1' },
    shape: { input: { ...INPUT, request_id: null, message: keys('role parts') } },
    refuses: [
      { path: { run_id: world.run }, body: says('x'), status: 409 },
      { path: { run_id: world.run }, body: { ...says('x'), mode: 'later' }, status: 422 },
      { path: { run_id: 'run_zzzzzzzz' }, body: says('x'), status: 404 },
    ],
  }),
  'GET /api/v1/instruct/{prompt_hash}': ({ hash }) => ({
    path: { prompt_hash: hash },
    shape: keys('hash body'),
    refuses: [{ path: { prompt_hash: 'deadbeef' }, status: 404 }],
  }),
  'GET /api/v1/context/{prompt_hash}': ({ hash }) => ({
    path: { prompt_hash: hash },
    shape: keys('hash body'),
    refuses: [{ path: { prompt_hash: 'deadbeef' }, status: 404 }],
  }),
  'GET /api/v1/threads': () => ({
    query: 'limit=2&origin=chat',
    shape: { items: [THREAD] },
    refuses: [{ query: 'limit=x', status: 422 }],
  }),
  'GET /api/v1/threads/{thread_id}': ({ thread }) => ({
    path: { thread_id: thread },
    query: 'limit=1',
    shape: { info: THREAD, runs: [RUN_DETAIL], event_cursor: null },
    refuses: [{ path: { thread_id: 'web_zzzzzzzz' }, status: 404 }],
  }),
  'GET /api/v1/threads/{thread_id}/events': ({ thread }) => ({
    path: { thread_id: thread },
    shape: { cursor: null, items: [EVENT] },
    refuses: [{ path: { thread_id: 'web_zzzzzzzz' }, status: 404 }],
  }),
  'GET /api/v1/threads/{thread_id}/stream': ({ thread }) => ({
    path: { thread_id: thread },
    shape: null,
    refuses: [{ path: { thread_id: 'web_zzzzzzzz' }, status: 404 }],
  }),
  'GET /api/v1/events': () => ({
    query: 'limit=3',
    shape: { items: [keys('update_id kind payload created_at')] },
    refuses: [{ query: 'limit=x', status: 422 }],
  }),
  'GET /api/v1/events/stream': () => ({ shape: null, refuses: [] }),
  'GET /api/v1/agent/events': () => ({
    shape: { cursor: null, items: [EVENT] },
    refuses: [{ query: 'after=x', status: 422 }],
  }),
  'GET /api/v1/agent/stream': () => ({
    shape: null,
    refuses: [{ query: 'after=x', status: 422 }],
  }),
}

function capCases(): Record<string, Make> {
  const contents: Record<string, string> = {
    prompts: 'Summarise {{input}}.\n',
    psyches: 'You are brief.\n',
    services:
      '---\ndescription: A service.\ntransport: http\ntarget: http://127.0.0.1:9/mcp\n---\n\nHow.\n',
    skills: '---\ndescription: A skill.\n---\n\n# Steps\n',
  }
  const cases: Record<string, Make> = {}
  for (const [coll, content] of Object.entries(contents)) {
    const kind = coll.slice(0, -1)
    const at = `/api/v1/${coll}`
    const put = (name: string) => agent.ask('PUT', `${at}/${name}/file`, { content })
    const wire = (name: string) => agent.ask('PUT', `${at}/${name}/wired`, { ref: `./${name}` })
    const none = { path: { name: 'none' }, status: 404 }
    const badVisibility = { path: { name: 'none' }, query: 'visibility=public', status: 422 }
    cases[`GET ${at}`] = async () => {
      await put('listed')
      return { shape: { items: [CAP] }, refuses: [] }
    }
    cases[`GET ${at}/templates`] = () => ({ shape: { items: [TEMPLATE] }, refuses: [] })
    cases[`GET ${at}/templates/{template_name}`] = () => ({
      path: { template_name: 'default' },
      shape: { item: { ...TEMPLATE, content: null } },
      refuses: [{ path: { template_name: 'none' }, status: 404 }],
    })
    cases[`GET ${at}/{name}`] = async () => {
      await put('read')
      return { path: { name: 'read' }, shape: { item: CAP_DETAIL }, refuses: [none] }
    }
    cases[`PUT ${at}/{name}/file`] = () => ({
      path: { name: 'written' },
      body: { content },
      shape: { item: CAP_WRITE },
      refuses: [
        { path: { name: 'written' }, body: {}, status: 400 },
        { path: { name: 'Bad%20Name!' }, body: { content }, status: 400 },
        { path: { name: '..%2Fx' }, body: { content }, status: 400 },
        { path: { name: 'written' }, body: { content, foo: 1 }, status: 422 },
      ],
    })
    cases[`DELETE ${at}/{name}/file`] = async () => {
      await put('doomed')
      return {
        path: { name: 'doomed' },
        shape: { ok: null },
        refuses: [none, badVisibility, { path: { name: '..%2Fx' }, status: 400 }],
      }
    }
    cases[`PUT ${at}/{name}/wired`] = () => ({
      path: { name: 'wired' },
      body: { ref: './wired' },
      shape: { item: CAP_WRITE },
      refuses: [
        { path: { name: 'other' }, body: { ref: './wired' }, status: 400 },
        { path: { name: 'wired' }, body: {}, status: 422 },
      ],
    })
    cases[`DELETE ${at}/{name}/wired`] = async () => {
      await wire('loose')
      return { path: { name: 'loose' }, shape: { ok: null }, refuses: [none, badVisibility] }
    }
    expect(kind).not.toBe('')
  }
  return cases
}

function jobCases(): Record<string, Make> {
  const cases: Record<string, Make> = {}
  const families = [
    { coll: 'tasks', word: 'task', shape: TASK },
    { coll: 'chores', word: 'chore', shape: CHORE },
  ]
  const fresh = async (coll: string, archived: boolean): Promise<string> => {
    const { item } = await post(`/api/v1/${coll}`, { title: 'fresh', state: 'inactive' })
    if (archived) await agent.ask('PATCH', `/api/v1/${coll}/${item.id}`, { state: 'archived' })
    return item.id
  }
  for (const { coll, word, shape } of families) {
    const at = `/api/v1/${coll}`
    const id = `${word}_id`
    const none = { path: { [id]: 'none' }, status: 404 }
    cases[`POST ${at}`] = () => ({
      body: { title: 'New', body: 'text', state: 'inactive' },
      shape: whole(shape),
      refuses: [
        { body: { state: 'archived' }, status: 422 },
        { body: { id: 'x' }, status: 422 },
      ],
    })
    cases[`GET ${at}`] = () => ({ shape: { items: [shape] }, refuses: [] })
    cases[`GET ${at}/archived`] = () => ({ shape: { items: [shape] }, refuses: [] })
    for (const archived of [false, true]) {
      const path = `${at}/${archived ? 'archived/' : ''}{${id}}`
      cases[`GET ${path}`] = async () => ({
        path: { [id]: await fresh(coll, archived) },
        shape: whole(shape),
        refuses: [none],
      })
      cases[`PATCH ${path}`] = async () => ({
        path: { [id]: await fresh(coll, archived) },
        body: { title: 'Changed' },
        shape: whole(shape),
        refuses: [
          { ...none, body: {} },
          { path: { [id]: await fresh(coll, archived) }, body: { body: null }, status: 400 },
          { path: { [id]: 'none' }, body: { foo: 1 }, status: 422 },
        ],
      })
    }
    cases[`DELETE ${at}/archived/{${id}}`] = async () => ({
      path: { [id]: await fresh(coll, true) },
      shape: keys('deleted id kind'),
      refuses: [none, { path: { [id]: await fresh(coll, false) }, status: 404 }],
    })
  }
  const none = { path: { job_id: 'none' }, status: 404 }
  const badKind = { query: 'kind=will', status: 422 }
  cases['GET /api/v1/jobs'] = () => ({ shape: { items: [TASK] }, refuses: [badKind] })
  cases['GET /api/v1/jobs/archived'] = () => ({
    query: 'kind=chore',
    shape: { items: [CHORE] },
    refuses: [badKind],
  })
  for (const archived of [false, true]) {
    const path = `/api/v1/jobs/${archived ? 'archived/' : ''}{job_id}`
    cases[`GET ${path}`] = async () => ({
      path: { job_id: await fresh('chores', archived) },
      shape: whole(CHORE),
      refuses: [none],
    })
    cases[`PATCH ${path}`] = async () => ({
      path: { job_id: await fresh('tasks', archived) },
      body: { title: 'Changed', stage: 'done' },
      shape: whole(TASK),
      refuses: [
        { ...none, body: {} },
        {
          path: { job_id: await fresh('tasks', archived) },
          body: { schedule: 'FREQ=DAILY' },
          status: 400,
        },
        { path: { job_id: await fresh('chores', archived) }, body: { stage: 'done' }, status: 400 },
      ],
    })
  }
  cases['DELETE /api/v1/jobs/archived/{job_id}'] = async () => ({
    path: { job_id: await fresh('chores', true) },
    shape: keys('deleted id kind'),
    refuses: [none],
  })
  return cases
}

// ---- the test -----------------------------------------------------------------------------------

const STREAMS = new Set(['/api/v1/threads/{thread_id}/stream', '/api/v1/agent/stream'])

const url = (path: string, values: Record<string, string> = {}, query = ''): string =>
  path.replace(/\{([^}]+)\}/g, (_, name: string) => values[name] ?? 'none') +
  (query === '' ? '' : `?${query}`)

beforeAll(async () => {
  agent = await openAgent({ runsJobs: false })
  const chat = await post('/api/v1/chat', says('hello'))
  const { body } = await agent.ask('GET', `/api/v1/runs/${chat.run_id}`)
  const make = async (coll: string, archived: boolean) => {
    const { item } = await post(`/api/v1/${coll}`, { title: coll, state: 'inactive' })
    if (archived) await agent.ask('PATCH', `/api/v1/${coll}/${item.id}`, { state: 'archived' })
    return item.id as string
  }
  world = {
    run: chat.run_id,
    thread: chat.thread_id,
    hash: body.output.steps[0].record.payload.instruct,
    task: await make('tasks', false),
    chore: await make('chores', false),
    oldTask: await make('tasks', true),
    oldChore: await make('chores', true),
  }
})

afterAll(() => agent.close())

describe('every operation', () => {
  it('has a case, and no case is of an operation that is not there', () => {
    const names = OPERATIONS.map((o) => `${o.method} ${o.path}`)
    expect(Object.keys(CASES).sort()).toEqual([...names].sort())
    expect(names).toHaveLength(79)
  })

  it.each(OPERATIONS)('$method $path', async ({ method, path, status }) => {
    const {
      path: values,
      query,
      body,
      shape,
      refuses,
    } = await (CASES[`${method} ${path}`] as Make)(world)
    const at = url(path, values, query)
    if (STREAMS.has(path)) {
      const aborted = new AbortController()
      const answer = await fetch(agent.own + at, { signal: aborted.signal })
      expect(answer.status).toBe(status)
      expect(answer.headers.get('content-type')).toContain('text/event-stream')
      const { value } = await (answer.body as ReadableStream).getReader().read()
      expect(String(Buffer.from(value))).toMatch(/^id: \d+\nevent: event\ndata: \{"id":\d+,/)
      aborted.abort()
    } else {
      const answer = await agent.ask(method, at, body)
      expect(answer.status, JSON.stringify(answer.body)).toBe(status)
      if (shape !== null) check(answer.body, shape)
      else expect(answer.headers.get('content-type')).toContain('text/event-stream')
    }
    for (const wrong of refuses) {
      const answer = await agent.ask(method, url(path, wrong.path, wrong.query), wrong.body)
      expect(answer.status, JSON.stringify([wrong, answer.body])).toBe(wrong.status)
      expect(answer.body, JSON.stringify(wrong)).toHaveProperty('detail')
      const isList = Array.isArray(answer.body.detail)
      expect(isList || typeof answer.body.detail === 'string').toBe(true)
      if (isList) for (const issue of answer.body.detail) check(issue, keys('type loc msg input'))
    }
  })

  it('is in our own document, with its parameters and its body', async () => {
    const { body: document } = await agent.ask('GET', '/openapi.json')
    expect(document.info).toMatchObject({ title: 'Toolang Agent API', version: '0.1.0' })
    for (const { method, path, query, body, summary } of OPERATIONS) {
      const operation = document.paths[path]?.[method.toLowerCase()]
      expect(operation, `${method} ${path}`).toBeDefined()
      expect(operation.summary).toBe(summary)
      const names = operation.parameters.filter((p: Fields) => p.in === 'query')
      expect(names.map((p: Fields) => p.name)).toEqual(expect.arrayContaining(query))
      expect(operation.requestBody !== undefined, `${method} ${path}`).toBe(body !== null)
    }
  })
})
