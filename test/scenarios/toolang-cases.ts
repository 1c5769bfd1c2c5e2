/**
 * A case for every operation of the real server: how it is asked, and how it refuses, word for word
 * as captured. Where our words or our status differ on purpose, the case says why.
 */

import { type Agent, type Fields, says, script } from './toolang-agent.ts'

export interface Asked {
  path?: Record<string, string>
  query?: string
  body?: unknown
}

export interface Refusal extends Asked {
  status: number
  /** The whole `detail`; of a list its first issue. */
  detail: unknown
}

export interface Case extends Asked {
  refuses?: Refusal[]
}

/** What the cases may refer to. */
export interface World {
  agent: Agent
  run: string
  thread: string
  hash: string
}

export type Make = (world: World) => Case | Promise<Case>

const issue = (type: string, loc: unknown[], msg: string, input: unknown, ctx?: object) => ({
  ...{ type, loc, msg, input },
  ...(ctx ? { ctx } : {}),
})
const NO_BODY = issue('missing', ['body'], 'Field required', null)
const missing = (...loc: string[]) => issue('missing', ['body', ...loc], 'Field required', {})
const notANumber = (name: string) =>
  issue(
    'int_parsing',
    ['query', name],
    'Input should be a valid integer, unable to parse string as an integer',
    'x',
  )
const literal = (loc: string[], expected: string, input: string) =>
  issue('literal_error', loc, `Input should be ${expected}`, input, { expected })
const extra = (name: string, input: unknown) =>
  issue('extra_forbidden', ['body', name], 'Extra inputs are not permitted', input)

const part = (...parts: object[]) => ({ message: { parts } })
const NO_RUN = { path: { run_id: 'run_none' }, status: 404, detail: 'run not found: run_none' }
const NO_THREAD = { path: { thread_id: 'nope' }, status: 404, detail: 'thread not found: nope' }

/** What both ways to chat refuse: the real server tears the stream where it should refuse. */
const badChats: Refusal[] = [
  { status: 422, detail: NO_BODY },
  {
    ...{ body: '{"message":', status: 422 },
    detail: issue(
      'json_invalid',
      ['body', 11],
      'JSON decode error',
      {},
      { error: 'Expecting value' },
    ),
  },
  { body: {}, status: 422, detail: missing('message') },
  {
    ...{ body: { ...says('x'), client: 'phone' }, status: 422 },
    detail: literal(['body', 'client'], "'web', 'tui' or 'chat'", 'phone'),
  },
  {
    ...{ body: part(), status: 422 },
    detail: issue(
      'too_short',
      ['body', 'message', 'parts'],
      'List should have at least 1 item after validation, not 0',
      [],
      { field_type: 'List', min_length: 1, actual_length: 0 },
    ),
  },
  ...['thread', 'request_id'].map((name) => ({
    ...{ body: { ...says('x'), [name]: '' }, status: 422 },
    detail: issue(
      'string_too_short',
      ['body', name],
      'String should have at least 1 character',
      '',
      { min_length: 1 },
    ),
  })),
  {
    body: { ...says('x'), thread: 'web_zzzzzzzz' },
    status: 404,
    detail: 'chat thread not found: web_zzzzzzzz',
  },
  {
    body: { ...says('x'), peer: { type: 'robot' } },
    status: 422,
    detail: 'unsupported thread peer type: robot',
  },
  {
    body: { ...says('x'), peer: { type: 'agent' } },
    status: 422,
    detail: 'agent thread peer requires name',
  },
  {
    body: { message: { role: 'assistant', ...says('x').message } },
    status: 422,
    detail: 'chat message role must be user',
  },
  {
    body: { message: { role: 'system', ...says('x').message } },
    status: 422,
    detail: 'unsupported message role: system',
  },
  { body: part({ type: 'video' }), status: 422, detail: 'unknown message part type: video' },
  { body: part({}), status: 422, detail: 'unknown message part type: <empty>' },
  {
    body: part({ type: 'image' }),
    status: 422,
    detail: 'image part requires image_url or file_id',
  },
  {
    ...{ body: part({ type: 'image', file_id: 'f', detail: 'x' }), status: 422 },
    detail: 'unsupported image detail: x',
  },
  { body: part({ type: 'audio' }), status: 422, detail: 'audio part requires data or data_url' },
  {
    ...{ body: part({ type: 'audio', data: 'AAAA' }), status: 422 },
    detail: 'audio part requires format=mp3|wav or one inferable from media_type/data_url',
  },
  {
    ...{ body: part({ type: 'file' }), status: 422 },
    detail: 'file part requires file_data, file_url, file_id, or data_url',
  },
]

const hanging = async ({ agent }: World): Promise<string> => {
  const body = script([{ say: 'a' }, { hang: true }])
  void agent.ask('POST', '/api/v1/chat', body).catch(() => {})
  for (;;) {
    const answer = await agent.ask('GET', '/api/v1/runs?limit=1')
    const [run] = answer.body.items as Fields[]
    if (run?.status === 'running' && run.input_text.includes('hang')) return run.id
  }
}

const again = async ({ agent }: World): Promise<string> =>
  (await agent.ask('POST', '/api/v1/chat', says('again'))).body.run_id

const limited: Make = () => ({
  refuses: [{ query: 'limit=x', status: 422, detail: notANumber('limit') }],
})

export const CHAT_CASES: Record<string, Make> = {
  'GET /healthz': () => ({}),
  'GET /api/v1/profile': () => ({}),
  'GET /api/v1/chat/models': () => ({}),
  'POST /api/v1/chat': () => ({ body: says('hello'), refuses: badChats }),
  'POST /api/v1/chat/stream': () => ({ body: says('hello'), refuses: badChats }),
  'GET /api/v1/runs': limited,
  'GET /api/v1/runs/{run_id}': ({ run }) => ({ path: { run_id: run }, refuses: [NO_RUN] }),
  'GET /api/v1/runs/{run_id}/events': ({ run }) => ({
    path: { run_id: run },
    query: 'after=1&limit=2',
    refuses: [
      NO_RUN,
      { path: { run_id: run }, query: 'after=x', status: 422, detail: notANumber('after') },
    ],
  }),
  'GET /api/v1/runs/{run_id}/stream': ({ run }) => ({ path: { run_id: run }, refuses: [NO_RUN] }),
  'POST /api/v1/runs/{run_id}/stop': async (world) => ({
    path: { run_id: await hanging(world) },
    body: { reason: 'enough', request_id: 's1' },
    refuses: [
      { ...NO_RUN, body: {} },
      {
        ...{ path: { run_id: world.run }, body: { mode: 'eventually' }, status: 422 },
        detail: 'unsupported run input mode: eventually',
      },
    ],
  }),
  'POST /api/v1/runs/{run_id}/restart': async (world) => ({
    path: { run_id: await again(world) },
    body: says('instead'),
    refuses: [
      { ...NO_RUN, body: says('x') },
      { path: { run_id: world.run }, body: {}, status: 422, detail: missing('message') },
      { path: { run_id: world.run }, status: 422, detail: NO_BODY },
    ],
  }),
  'POST /api/v1/runs/{run_id}/steer': async (world) => ({
    path: { run_id: await hanging(world) },
    body: { ...says('more'), request_id: 'st1' },
    refuses: [
      { ...NO_RUN, body: says('x') },
      {
        ...{ path: { run_id: world.run }, body: says('x'), status: 409 },
        detail: `run is not running: ${world.run}`,
      },
      {
        ...{ path: { run_id: world.run }, body: { ...says('x'), mode: 'later' }, status: 422 },
        detail: 'unsupported run input mode: later',
      },
      {
        path: { run_id: world.run },
        body: { message: { role: 'assistant', parts: [] } },
        ...{ status: 422, detail: 'run input message role must be user' },
      },
    ],
  }),
  ...Object.fromEntries(
    ['instruct', 'context'].map((word): [string, Make] => [
      `GET /api/v1/${word}/{prompt_hash}`,
      ({ hash }) => ({
        path: { prompt_hash: hash },
        refuses: [
          { path: { prompt_hash: 'deadbeef' }, status: 404, detail: `${word} not found: deadbeef` },
        ],
      }),
    ]),
  ),
  'GET /api/v1/threads': (world) => ({ ...limited(world), query: 'limit=2&origin=chat' }),
  'GET /api/v1/threads/{thread_id}': ({ thread }) => ({
    path: { thread_id: thread },
    query: 'limit=1',
    refuses: [NO_THREAD],
  }),
  'GET /api/v1/threads/{thread_id}/events': ({ thread }) => ({
    path: { thread_id: thread },
    query: 'limit=5',
    refuses: [NO_THREAD],
  }),
  'GET /api/v1/threads/{thread_id}/stream': ({ thread }) => ({
    path: { thread_id: thread },
    refuses: [NO_THREAD],
  }),
  'GET /api/v1/events': (world) => ({ ...limited(world), query: 'limit=3' }),
  'GET /api/v1/events/stream': () => ({}),
  'GET /api/v1/agent/events': () => ({
    query: 'limit=3',
    refuses: [{ query: 'after=x', status: 422, detail: notANumber('after') }],
  }),
  'GET /api/v1/agent/stream': () => ({
    refuses: [{ query: 'after=x', status: 422, detail: notANumber('after') }],
  }),
}

// ---- capabilities -------------------------------------------------------------------------------

const CONTENTS: Record<string, string> = {
  prompts: 'Summarise {{input}}.\n',
  psyches: 'You are brief.\n',
  services:
    '---\ndescription: A service.\ntransport: http\ntarget: http://127.0.0.1:9/mcp\n---\n\nHow.\n',
  skills: '---\ndescription: A skill.\n---\n\n# Steps\n',
}

/** What the real server refuses of a text; it takes every prompt and every psyche. */
const BAD_TEXTS: Record<string, [content: string, detail: string][]> = {
  services: [
    ['', 'service description is required'],
    ['plain', 'service description is required'],
    [
      '---\ndescription: d\ntransport: tcp\ntarget: t\n---\nx',
      'service transport must be http or stdio',
    ],
    ['---\ndescription: d\ntransport: http\n---\nx', 'service target is required'],
  ],
  skills: [
    ['', 'skill description is required'],
    ['plain', 'skill description is required'],
    ['---\ndescription: d\n---\n', 'skill body is required'],
  ],
}

const VISIBILITY = "'private' or 'shared'"

export const CAP_CASES: Record<string, Make> = Object.assign(
  {},
  ...Object.entries(CONTENTS).map(([coll, content]) => capCases(coll, content)),
)

function capCases(coll: string, content: string): Record<string, Make> {
  const kind = coll.slice(0, -1)
  const at = `/api/v1/${coll}`
  const put = ({ agent }: World, name: string) =>
    agent.ask('PUT', `${at}/${name}/file`, { content })
  const wire = ({ agent }: World, name: string) =>
    agent.ask('PUT', `${at}/${name}/wired`, { ref: `./${name}` })
  const badVisibility: Refusal = {
    ...{ path: { name: 'none' }, query: 'visibility=public', status: 422 },
    detail: literal(['query', 'visibility'], VISIBILITY, 'public'),
  }
  const absent = (form: string): Refusal[] =>
    ['', 'visibility=shared'].map((query) => ({
      ...{ path: { name: 'none' }, query, status: 404 },
      detail: `${form} ${kind} not found: none`,
    }))
  /** The real server takes any name, and one with dots in it empties a folder. */
  const badName = (name: string, more: Asked = {}): Refusal => ({
    ...{ path: { name: encodeURIComponent(name) }, status: 400, ...more },
    detail: `invalid ${kind} name: ${name} (begin with a letter or digit; letters, digits, dots, dashes and underscores follow)`,
  })
  return {
    [`GET ${at}`]: async (world) => {
      await put(world, 'listed')
      return {}
    },
    [`GET ${at}/templates`]: () => ({}),
    [`GET ${at}/templates/{template_name}`]: () => ({
      path: { template_name: 'default' },
      refuses: [
        {
          path: { template_name: 'none' },
          status: 404,
          detail: `template not found: ${kind}.none`,
        },
      ],
    }),
    [`GET ${at}/{name}`]: async (world) => {
      await put(world, 'read')
      return {
        path: { name: 'read' },
        refuses: [{ path: { name: 'none' }, status: 404, detail: `${kind} not found: none` }],
      }
    },
    [`PUT ${at}/{name}/file`]: () => ({
      path: { name: 'written' },
      body: { content },
      refuses: [
        { path: { name: 'w' }, body: {}, status: 400, detail: 'missing cap content' },
        { path: { name: 'w' }, body: { content, foo: 1 }, status: 422, detail: extra('foo', 1) },
        {
          ...{ path: { name: 'w' }, body: { content, visibility: 'public' }, status: 422 },
          detail: literal(['body', 'visibility'], VISIBILITY, 'public'),
        },
        ...(BAD_TEXTS[coll] ?? []).map(([text, detail]) => ({
          ...{ path: { name: 'w' }, body: { content: text }, status: 400, detail },
        })),
        badName('Bad Name!', { body: { content } }),
        badName('../x', { body: { content } }),
      ],
    }),
    [`DELETE ${at}/{name}/file`]: async (world) => {
      await put(world, 'doomed')
      const refuses = [...absent('file'), badVisibility, badName('../x')]
      return { path: { name: 'doomed' }, refuses }
    },
    [`PUT ${at}/{name}/wired`]: () => ({
      path: { name: 'wired' },
      body: { ref: './wired' },
      refuses: [
        {
          ...{ path: { name: 'demo' }, body: { ref: 'https://example.com/other.md' }, status: 400 },
          detail: `Wired ${kind} ref 'https://example.com/other.md' does not match requested name 'demo'.`,
        },
        { path: { name: 'demo' }, body: {}, status: 422, detail: missing('ref') },
        // The real server answers 500.
        {
          ...{ path: { name: 'demo' }, body: { ref: 'demo' }, status: 400 },
          detail: `Wired ${kind} ref 'demo' is neither a path nor a GitHub ref.`,
        },
      ],
    }),
    [`DELETE ${at}/{name}/wired`]: async (world) => {
      await wire(world, 'loose')
      return { path: { name: 'loose' }, refuses: [...absent('wired'), badVisibility] }
    },
  }
}

// ---- jobs ---------------------------------------------------------------------------------------

const fresh = async ({ agent }: World, coll: string, archived: boolean): Promise<string> => {
  const made = await agent.ask('POST', `/api/v1/${coll}`, { title: 'fresh', state: 'inactive' })
  const { id } = made.body.item
  if (archived) await agent.ask('PATCH', `/api/v1/${coll}/${id}`, { state: 'archived' })
  return id
}

/** Without the last line of the real one, which leads to a page about its validator. */
const notAString = (model: string) =>
  `1 validation error for ${model}\nbody\n  Input should be a valid string [type=string_type, input_value=None, input_type=NoneType]`
const badRule = (words: string, input: string) =>
  `1 validation error for ChoreFile\nschedule\n  Value error, ${words} [type=value_error, input_value='${input}', input_type=str]`

const none = (word: string, archived: boolean): Refusal => ({
  ...{ path: { [`${word}_id`]: 'none' }, status: 404 },
  detail: `${archived ? 'archived ' : ''}${word} not found: none`,
})

function familyCases(coll: string, word: 'task' | 'chore'): Record<string, Make> {
  const at = `/api/v1/${coll}`
  const id = `${word}_id`
  const other = word === 'task' ? 'chores' : 'tasks'
  /** What only the other kind has. */
  const foreign = word === 'task' ? { schedule: 'FREQ=DAILY' } : { stage: 'todo' }
  const [name, value] = Object.entries(foreign)[0] as [string, string]
  const cases: Record<string, Make> = {
    [`GET ${at}`]: async (world) => {
      await fresh(world, coll, false)
      return {}
    },
    [`GET ${at}/archived`]: async (world) => {
      await fresh(world, coll, true)
      return {}
    },
    [`POST ${at}`]: () => ({
      body: { title: 'New', body: 'text', state: 'inactive' },
      refuses: [
        { status: 422, detail: NO_BODY },
        {
          ...{ body: { state: 'archived' }, status: 422 },
          detail: literal(['body', 'state'], "'active' or 'inactive'", 'archived'),
        },
        { body: { id: 'x' }, status: 422, detail: extra('id', 'x') },
        { body: foreign, status: 422, detail: extra(name, value) },
      ],
    }),
    [`DELETE ${at}/archived/{${id}}`]: async (world) => {
      const kept = await fresh(world, coll, false)
      return {
        path: { [id]: await fresh(world, coll, true) },
        refuses: [
          none(word, true),
          { path: { [id]: kept }, status: 404, detail: `archived ${word} not found: ${kept}` },
        ],
      }
    },
  }
  for (const archived of [false, true]) {
    const path = `${at}/${archived ? 'archived/' : ''}{${id}}`
    cases[`GET ${path}`] = async (world) => {
      const stranger = await fresh(world, other, archived)
      const words = `${archived ? 'archived ' : ''}${word} not found: ${stranger}`
      return {
        path: { [id]: await fresh(world, coll, archived) },
        refuses: [none(word, archived), { path: { [id]: stranger }, status: 404, detail: words }],
      }
    }
    cases[`PATCH ${path}`] = async (world) => {
      const own = { path: { [id]: await fresh(world, coll, archived) } }
      return {
        ...own,
        body: { title: 'Changed' },
        refuses: [
          { ...none(word, archived), body: {} },
          {
            ...own,
            body: { body: null },
            status: 400,
            detail: notAString(word === 'task' ? 'TaskFile' : 'ChoreFile'),
          },
          { ...own, body: foreign, status: 422, detail: extra(name, value) },
        ],
      }
    }
  }
  return cases
}

const JOB_CASES: Record<string, Make> = {
  'GET /api/v1/jobs': async (world) => {
    await fresh(world, 'tasks', false)
    await fresh(world, 'chores', false)
    return {
      refuses: [
        {
          ...{ query: 'kind=will', status: 422 },
          detail: literal(['query', 'kind'], "'task' or 'chore'", 'will'),
        },
      ],
    }
  },
  'GET /api/v1/jobs/archived': async (world) => {
    await fresh(world, 'chores', true)
    return { query: 'kind=chore' }
  },
  'DELETE /api/v1/jobs/archived/{job_id}': async (world) => ({
    path: { job_id: await fresh(world, 'chores', true) },
    refuses: [none('job', true)],
  }),
  'GET /api/v1/will': async (world) => {
    await world.agent.ask('POST', '/api/v1/chores', { title: 'planned' })
    return {}
  },
}

for (const archived of [false, true]) {
  const path = `/api/v1/jobs/${archived ? 'archived/' : ''}{job_id}`
  JOB_CASES[`GET ${path}`] = async (world) => ({
    path: { job_id: await fresh(world, 'chores', archived) },
    refuses: [none('job', archived)],
  })
  JOB_CASES[`PATCH ${path}`] = async (world) => {
    const task = { path: { job_id: await fresh(world, 'tasks', archived) } }
    const chore = { path: { job_id: await fresh(world, 'chores', archived) } }
    return {
      ...task,
      body: { title: 'Changed', stage: 'done' },
      refuses: [
        { ...none('job', archived), body: {} },
        {
          ...task,
          body: { schedule: 'FREQ=DAILY' },
          status: 400,
          detail: 'tasks do not support schedule',
        },
        { ...chore, body: { stage: 'done' }, status: 400, detail: 'chores do not support stage' },
        {
          ...{ ...chore, body: { schedule: 'nope' }, status: 400 },
          detail: badRule('not enough values to unpack (expected 2, got 1)', 'nope'),
        },
        {
          ...{ ...chore, body: { schedule: 'EVERY=DAY' }, status: 400 },
          detail: badRule("unknown parameter 'EVERY'", 'EVERY=DAY'),
        },
      ],
    }
  }
}

export const CASES: Record<string, Make> = {
  ...CHAT_CASES,
  'GET /api/v1/caps': () => ({}),
  ...CAP_CASES,
  ...familyCases('tasks', 'task'),
  ...familyCases('chores', 'chore'),
  ...JOB_CASES,
}
