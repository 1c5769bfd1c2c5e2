/** Arkloop's threads, messages, personas and providers over real sockets. */

import { createServer, type Server } from 'node:http'
import { uuidv7 } from 'uuidv7'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Ark,
  begin,
  beginIn,
  isEnd,
  listen,
  openArk,
  type Person,
  script,
  until,
} from './arkloop-server.ts'

let ark: Ark
let alice: Person

beforeAll(async () => {
  ark = await openArk()
  alice = await ark.register('alice')
})
afterAll(() => ark.close())

const says = (text: string) => [[{ say: text }]]
const finish = (run: string) => listen(ark.url, alice, run, isEnd)
const newThread = async (body: object = {}) => (await alice.ask('POST', '/v1/threads', body)).body

interface Message {
  id: string
  role: string
  content: string
  run_id?: string
}
const messagesOf = async (thread: string): Promise<Message[]> =>
  (await alice.ask('GET', `/v1/threads/${thread}/messages`)).body

describe('threads', () => {
  it('are made, read, renamed and deleted', async () => {
    const made = await alice.ask('POST', '/v1/threads', { title: 'First', is_private: false })
    expect(made.status).toBe(201)
    const me = (await alice.ask('GET', '/v1/me')).body
    expect(made.body).toEqual({
      id: expect.any(String),
      account_id: me.account_id,
      org_id: me.account_id,
      created_by_user_id: alice.id,
      title: 'First',
      created_at: expect.any(String),
      updated_at: expect.any(String),
      active_run_id: null,
      is_private: false,
    })
    const at = `/v1/threads/${made.body.id}`
    expect((await alice.ask('GET', at)).body).toEqual(made.body)
    const renamed = await alice.ask('PATCH', at, { title: 'Second' })
    expect([renamed.status, renamed.body.title]).toEqual([200, 'Second'])
    expect((await alice.ask('PATCH', at, { title: null })).body.title).toBeNull()
    expect((await alice.ask('DELETE', at)).status).toBe(204)
    for (const method of ['GET', 'DELETE'])
      expect(await alice.ask(method, at)).toMatchObject({
        status: 404,
        body: { code: 'threads.not_found' },
      })
  })

  it('refuse what cannot be', async () => {
    const { id } = await newThread()
    const cases: [string, string, unknown, number][] = [
      ['POST', '/v1/threads', { title: 'x'.repeat(201) }, 422],
      ['POST', '/v1/threads', { project_id: null }, 422],
      ['POST', '/v1/threads', { project_id: uuidv7() }, 422],
      ['POST', '/v1/threads', { title: 5 }, 422],
      ['PATCH', `/v1/threads/${id}`, {}, 422],
      ['PATCH', `/v1/threads/${id}`, { title: 'é'.repeat(101) }, 422],
      ['GET', '/v1/threads/nonsense', undefined, 422],
      ['GET', '/v1/threads?limit=0', undefined, 422],
      ['GET', '/v1/threads?limit=201', undefined, 422],
      ['GET', '/v1/threads/search', undefined, 422],
      ['GET', '/v1/threads/search?q=%20', undefined, 422],
      ['GET', `/v1/threads/${id}:star`, undefined, 404],
      ['PUT', `/v1/threads/${id}`, {}, 405],
    ]
    for (const [method, path, body, status] of cases) {
      const answer = await alice.ask(method, path, body)
      const expected = path.endsWith(':star') ? 405 : status
      expect([method, path, answer.status]).toEqual([method, path, expected])
    }
    const half = await alice.ask('GET', '/v1/threads?before_updated_at=2026-01-01T00:00:00Z')
    expect(half.body.details).toEqual({
      reason: 'cursor_incomplete',
      required: ['before_updated_at', 'before_id'],
    })
  })

  it('are listed newest first, page by page, each once', async () => {
    const bob = await ark.register('pager')
    const made: string[] = []
    for (let i = 0; i < 5; i++)
      made.unshift((await bob.ask('POST', '/v1/threads', { title: `T${i}` })).body.id)
    const seen: string[] = []
    for (let query = 'limit=2'; ; ) {
      const page = (await bob.ask('GET', `/v1/threads?${query}`)).body
      seen.push(...page.map((t: { id: string }) => t.id))
      const last = page.at(-1)
      if (!last) break
      query = `limit=2&before_updated_at=${last.updated_at}&before_id=${last.id}`
    }
    expect(seen).toEqual(made)
    await bob.ask('PATCH', `/v1/threads/${made[4]}`, { title: 'Renamed' })
    const first = (await bob.ask('GET', '/v1/threads?limit=1')).body
    expect(first[0]).toMatchObject({ id: made[4], title: 'Renamed' })
  })

  it('know their run while it goes on', async () => {
    const { thread, run } = await begin(alice, [[{ hang: true }]])
    const listed = (await alice.ask('GET', '/v1/threads')).body
    const found = listed.find((t: { id: string }) => t.id === thread)
    expect(found.active_run_id === null || found.active_run_id === run).toBe(true)
    await until(
      async () => (await alice.ask('GET', `/v1/threads/${thread}`)).body.active_run_id === run,
    )
    await alice.ask('POST', `/v1/runs/${run}:cancel`)
    await finish(run)
    expect((await alice.ask('GET', `/v1/threads/${thread}`)).body.active_run_id).toBeNull()
  })

  it('are found by what they say, and starred', async () => {
    const { id } = await newThread({ title: 'Gardening in Winter' })
    const found = (await alice.ask('GET', '/v1/threads/search?q=winter')).body
    expect(found.map((t: { id: string }) => t.id)).toEqual([id])
    expect((await alice.ask('POST', `/v1/threads/${id}:star`)).status).toBe(204)
    expect((await alice.ask('POST', `/v1/threads/${id}:star`)).status).toBe(204)
    expect((await alice.ask('GET', '/v1/threads/starred')).body).toEqual([id])
    expect((await alice.ask('DELETE', `/v1/threads/${id}:star`)).status).toBe(204)
    expect((await alice.ask('GET', '/v1/threads/starred')).body).toEqual([])
    await alice.ask('POST', `/v1/threads/${id}:star`)
    await alice.ask('DELETE', `/v1/threads/${id}`)
    expect((await alice.ask('GET', '/v1/threads/starred')).body).toEqual([])
  })

  it('private ones are in no list', async () => {
    const { id, is_private } = await newThread({ title: 'Secret diary', is_private: true })
    expect(is_private).toBe(true)
    const lists = [
      (await alice.ask('GET', '/v1/threads')).body,
      (await alice.ask('GET', '/v1/threads/search?q=diary')).body,
    ]
    for (const list of lists) expect(list.some((t: { id: string }) => t.id === id)).toBe(false)
    expect((await alice.ask('GET', `/v1/threads/${id}`)).body.is_private).toBe(true)
  })
})

describe('messages', () => {
  it('are posted without starting anything, and taken by the next run in order', async () => {
    const { id } = await newThread()
    const post = (body: object) => alice.ask('POST', `/v1/threads/${id}/messages`, body)
    const first = await post({ content: 'first' })
    expect(first.status).toBe(201)
    expect(first.body).toMatchObject({
      thread_id: id,
      created_by_user_id: alice.id,
      role: 'user',
      content_json: { parts: [{ type: 'text', text: 'first' }] },
    })
    expect(first.body.run_id).toBeUndefined()
    const second = await post({
      content: 'ignored',
      content_json: { parts: [{ type: 'text', text: 'second' }] },
    })
    expect(second.body.content).toBe('second')
    expect((await alice.ask('GET', `/v1/threads/${id}/runs`)).body).toEqual([])
    const run = (await alice.ask('POST', `/v1/threads/${id}/runs`)).body.run_id
    const early = (await messagesOf(id)).map((m) => m.id).slice(0, 2)
    expect(early).toEqual([first.body.id, second.body.id])
    await finish(run)
    const all = await messagesOf(id)
    expect(all.map((m) => [m.role, m.run_id])).toEqual([
      ['user', run],
      ['user', run],
      ['assistant', run],
    ])
    expect(all[2]).toMatchObject({ created_by_user_id: null })
    expect((await alice.ask('GET', `/v1/threads/${id}/messages?limit=1`)).body).toEqual([all[2]])
    const events = await ark.world.store.read(id, 0, 1000)
    const created = events.find((e) => e.type === 'run.created')
    expect(created?.data).toMatchObject({
      input: [{ text: 'first' }, { text: 'second' }],
    })
  })

  it('may be posted while a run goes on; the next run takes them', async () => {
    const { thread, run } = await begin(alice, [[{ say: 'x' }, { pause: 200 }]])
    const late = await alice.ask('POST', `/v1/threads/${thread}/messages`, {
      content: script(says('later')),
    })
    expect(late.status).toBe(201)
    await finish(run)
    expect((await messagesOf(thread)).at(-1)?.id).toBe(late.body.id)
    const next = (await alice.ask('POST', `/v1/threads/${thread}/runs`)).body.run_id
    await finish(next)
    expect((await messagesOf(thread)).slice(-2).map((m) => [m.role, m.run_id])).toEqual([
      ['user', next],
      ['assistant', next],
    ])
  })

  it('refuse what is empty, too long, or not there', async () => {
    const { id } = await newThread()
    const part = (key: string) => ({ type: 'image', attachment: { key } })
    const cases: [object, string | undefined][] = [
      [{}, 'content_empty'],
      [{ content: '  ' }, 'content_empty'],
      [{ content_json: { parts: [] } }, 'content_empty'],
      [{ content: 'x'.repeat(20_001) }, 'content_too_long'],
      [{ content_json: { parts: [part('none')] } }, 'attachment_not_found'],
      [{ content_json: { parts: Array(9).fill(part('none')) } }, 'too_many_attachments'],
      [{ content_json: { parts: [{ type: 'video' }] } }, undefined],
    ]
    for (const [body, reason] of cases) {
      const { status, body: told } = await alice.ask('POST', `/v1/threads/${id}/messages`, body)
      expect([status, told.code, told.details?.reason]).toEqual([422, 'validation.error', reason])
    }
    expect((await alice.ask('GET', `/v1/threads/${id}/messages?limit=501`)).status).toBe(422)
    expect((await alice.ask('GET', `/v1/threads/${uuidv7()}/messages`)).body.code).toBe(
      'threads.not_found',
    )
  })

  it('carry files that were staged before, and only one’s own', async () => {
    const form = new FormData()
    form.set('file', new File(['hello file'], 'note.txt', { type: 'text/plain' }))
    const staged = await fetch(`${ark.url}/v1/attachments/stage`, {
      method: 'POST',
      headers: { authorization: `Bearer ${alice.token}` },
      body: form,
    })
    expect(staged.status).toBe(201)
    const file = (await staged.json()) as { key: string; extracted_text: string }
    expect(file).toMatchObject({ filename: 'note.txt', kind: 'file', extracted_text: 'hello file' })
    const { id } = await newThread()
    const parts = [
      { type: 'text', text: 'Read this' },
      { type: 'file', attachment: { key: file.key, filename: 'note.txt' } },
    ]
    const posted = await alice.ask('POST', `/v1/threads/${id}/messages`, {
      content_json: { parts },
    })
    expect(posted.body.content_json.parts).toEqual(parts)
    const asImage = { type: 'image', attachment: { key: file.key } }
    const wrong = { content_json: { parts: [asImage] } }
    const mistaken = await alice.ask('POST', `/v1/threads/${id}/messages`, wrong)
    expect([mistaken.status, mistaken.body.details]).toEqual([422, { reason: 'attachment_kind' }])
    const back = await alice.ask('GET', `/v1/attachments/${file.key}`)
    expect(back.body).toBe('hello file')
    expect(back.headers.get('content-type')).toBe('application/octet-stream')
    const other = await ark.register('nosy')
    expect((await other.ask('GET', `/v1/attachments/${file.key}`)).status).toBe(404)
    const bad = await alice.ask('POST', '/v1/attachments/stage', 'x')
    expect(bad.status).toBe(422)
  })

  it('are rewritten: what came after is gone, and a run answers', async () => {
    const first = await begin(alice, says('one'))
    await finish(first.run)
    const second = await beginIn(alice, first.thread, says('two'))
    await finish(second.run)
    const content = script(says('one again'))
    const at = `/v1/threads/${first.thread}/messages/${first.message}`
    const edited = await alice.ask('PATCH', at, { content })
    expect(edited.status).toBe(201)
    expect(Object.keys(edited.body)).toEqual(['run_id', 'trace_id'])
    await finish(edited.body.run_id)
    expect(
      (await messagesOf(first.thread)).map((m) => [m.id === first.message, m.content]),
    ).toEqual([
      [true, content],
      [false, 'one again'],
    ])
    const assistant = (await messagesOf(first.thread))[1]?.id
    for (const wrong of [assistant, uuidv7(), second.message])
      expect(
        await alice.ask('PATCH', `/v1/threads/${first.thread}/messages/${wrong}`, { content }),
      ).toMatchObject({ status: 404, body: { code: 'messages.not_found' } })
  })

  it('survive a cancel that was quicker than the run', async () => {
    const { id } = await newThread()
    const posted = await alice.ask('POST', `/v1/threads/${id}/messages`, {
      content: script([[{ hang: true }]]),
    })
    const run = (await alice.ask('POST', `/v1/threads/${id}/runs`)).body.run_id
    await alice.ask('POST', `/v1/runs/${run}:cancel`)
    await finish(run)
    expect((await messagesOf(id)).filter((m) => m.id === posted.body.id)).toHaveLength(1)
  })

  it('are copied into a fork up to the one that is named', async () => {
    const first = await begin(alice, says('one'))
    await finish(first.run)
    const second = await beginIn(alice, first.thread, says('two'))
    await finish(second.run)
    const old = await messagesOf(first.thread)
    for (const [upTo, count] of [
      [0, 1],
      [1, 2],
      [2, 3],
      [3, 4],
    ] as const) {
      const fork = await alice.ask('POST', `/v1/threads/${first.thread}:fork`, {
        message_id: old[upTo]?.id,
      })
      expect(fork.status).toBe(201)
      const copy = await messagesOf(fork.body.id)
      expect(copy.map((m) => [m.role, m.content])).toEqual(
        old.slice(0, count).map((m) => [m.role, m.content]),
      )
      expect(fork.body.id_mapping).toEqual(
        old.slice(0, count).map((m, i) => ({ old_id: m.id, new_id: copy[i]?.id })),
      )
      expect(new Set([...old, ...copy].map((m) => m.id)).size).toBe(old.length + count)
      // A fork of the fork, at a message that it has from its source.
      const twice = await alice.ask('POST', `/v1/threads/${fork.body.id}:fork`, {
        message_id: copy[0]?.id,
      })
      expect((await messagesOf(twice.body.id)).map((m) => m.content)).toEqual([old[0]?.content])
      const next = await beginIn(alice, fork.body.id, says('forked'))
      expect((await finish(next.run)).at(-1)?.event).toBe('run.completed')
    }
    expect(
      await alice.ask('POST', `/v1/threads/${first.thread}:fork`, { message_id: uuidv7() }),
    ).toMatchObject({ status: 404, body: { code: 'messages.not_found' } })
  })
})

describe('personas', () => {
  const persona = (change: object = {}) => ({
    persona_key: 'poet',
    version: '1',
    display_name: 'Poet',
    description: 'Writes poems',
    prompt_md: 'You are a poet. Version one.',
    ...change,
  })

  it('are made, and a new version takes over while the old one can still be asked for', async () => {
    const made = await alice.ask('POST', '/v1/personas', persona())
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({
      persona_key: 'poet',
      version: '1',
      display_name: 'Poet',
      prompt_md: 'You are a poet. Version one.',
      source: 'custom',
      is_active: true,
    })
    expect(await alice.ask('POST', '/v1/personas', persona())).toMatchObject({
      status: 409,
      body: { code: 'personas.conflict' },
    })
    const two = persona({ version: '2', prompt_md: 'You are a poet. Version two.' })
    expect((await alice.ask('POST', '/v1/personas', two)).status).toBe(201)
    const listed = (await alice.ask('GET', '/v1/personas')).body
    const poets = listed.filter((p: { persona_key: string }) => p.persona_key === 'poet')
    expect(
      poets.map((p: { version: string; is_active: boolean }) => [p.version, p.is_active]).sort(),
    ).toEqual([
      ['1', false],
      ['2', true],
    ])
    const selectable = (await alice.ask('GET', '/v1/me/selectable-personas')).body
    const chosen = selectable.filter((p: { persona_key: string }) => p.persona_key === 'poet')
    expect(chosen).toMatchObject([{ version: '2' }])
    for (const [id, text] of [
      ['poet', 'Version two'],
      ['poet@2', 'Version two'],
      ['poet@1', 'Version one'],
    ] as const) {
      const { run, thread } = await begin(alice, says('x'), { persona_id: id })
      const told = await finish(run)
      expect([id, told.at(-1)?.event]).toEqual([id, 'run.completed'])
      const events = await ark.world.store.read(thread, 0, 1000)
      const turn = events.find((e) => e.type === 'turn.started')
      const hash = turn?.type === 'turn.started' ? turn.data.instructions : ''
      expect(await ark.world.store.named('instructions', hash)).toContain(text)
      const row = (await alice.ask('GET', `/v1/runs?run_id=${run}`)).body[0]
      expect(row.persona_id).toBe('poet')
    }
    const { run } = await begin(alice, says('x'), { persona_id: 'poet@3' })
    expect((await finish(run)).at(-1)?.body.data).toMatchObject({
      error_class: 'persona.version_mismatch',
      details: { requested_version: '3', available_version: '2' },
    })
  })

  it('are changed and deleted; the server’s own are not', async () => {
    const made = (await alice.ask('POST', '/v1/personas', persona({ persona_key: 'cook' }))).body
    const at = `/v1/personas/${made.id}`
    const changed = await alice.ask('PATCH', at, { prompt_md: 'You cook.' })
    expect(changed.body).toMatchObject({ id: made.id, prompt_md: 'You cook.', version: '1' })
    const newer = await alice.ask('PATCH', at, { version: '2', prompt_md: 'You bake.' })
    expect(newer.body).toMatchObject({ version: '2', prompt_md: 'You bake.' })
    const all = (await alice.ask('GET', '/v1/personas?scope=user')).body
    const cooks = all.filter((p: { persona_key: string }) => p.persona_key === 'cook')
    expect(cooks.map((p: { prompt_md: string }) => p.prompt_md).sort()).toEqual([
      'You bake.',
      'You cook.',
    ])
    expect((await alice.ask('DELETE', `/v1/personas/${newer.body.id}`)).status).toBe(200)
    expect((await alice.ask('DELETE', `/v1/personas/${newer.body.id}`)).body.code).toBe(
      'personas.not_found',
    )
    const builtin = all.length > 0 ? 'builtin:assistant:1' : ''
    expect((await alice.ask('PATCH', `/v1/personas/${builtin}`, {})).status).toBe(422)
    expect(
      await alice.ask('POST', '/v1/personas', persona({ persona_key: 'assistant', version: '7' })),
    ).toMatchObject({ status: 403, body: { code: 'personas.system_protected' } })
    for (const wrong of [{}, persona({ persona_key: 'no space' }), persona({ prompt_md: '' })])
      expect((await alice.ask('POST', '/v1/personas', wrong)).status).toBe(422)
  })

  it('have their agents do as their budgets say; what is not named stays', async () => {
    const budgets = { reasoning_iterations: 2, temperature: 0.3, max_cost_micros: 2_500_000 }
    const made = await alice.ask('POST', '/v1/personas', {
      ...persona({ persona_key: 'careful', budgets, reasoning_mode: 'max' }),
      tool_allowlist: ['read'],
    })
    expect(made.body).toMatchObject({ budgets, reasoning_mode: 'xhigh', tool_allowlist: ['read'] })
    const agent = () => ark.world.engine.catalog.agent('careful')
    expect(agent()).toMatchObject({
      limits: { turns: 2, costUsd: 2.5 },
      temperature: 0.3,
      thinking: { budgetTokens: 32_000 },
    })
    const file = await ark.world.source('careful')
    const { name: _, ...config } = (file?.config ?? {}) as Record<string, never>
    await ark.world.engine.catalog.write('careful', {
      config: { ...config, permissions: { otherwise: { write: 'allow' } } },
    })
    const at = `/v1/personas/${made.body.id}`
    await alice.ask('PATCH', at, { budgets: { max_output_tokens: 50 }, version: '2' })
    expect(agent()).toMatchObject({ maxOutputTokens: 50, tools: { preset: 'none' } })
    expect(agent()?.temperature).toBeUndefined()
    expect(agent()?.permissions.otherwise.write).toBe('allow')
    const before = ark.world.engine.catalog.agent('careful.v1')
    expect(before).toMatchObject({ temperature: 0.3, limits: { turns: 2 } })
    const bad = persona({ persona_key: 'wild', budgets: { temperature: 'hot' } })
    expect((await alice.ask('POST', '/v1/personas', bad)).status).toBe(422)
  })

  it('are copied from one that there is', async () => {
    const copy = { copy_from_repo_persona_key: 'assistant', persona_key: 'twin', version: '1' }
    const made = await alice.ask('POST', '/v1/personas', copy)
    expect(made.status).toBe(201)
    const source = ark.world.engine.catalog.agent('assistant')
    expect(made.body).toMatchObject({ prompt_md: source?.instructions, source: 'custom' })
    const none = { ...copy, copy_from_repo_persona_key: 'nobody', persona_key: 'other' }
    expect((await alice.ask('POST', '/v1/personas', none)).body.code).toBe('personas.not_found')
  })

  it('of another account are neither seen nor used', async () => {
    await alice.ask('POST', '/v1/personas', persona({ persona_key: 'spy' }))
    const other = await ark.register('stranger')
    const listed = JSON.stringify((await other.ask('GET', '/v1/personas')).body)
    expect(listed).not.toContain('spy')
    const { run } = await begin(other, says('x'), { persona_id: 'spy' })
    const told = await listen(ark.url, other, run, isEnd)
    expect(told.at(-1)?.body.error_class).toBe('persona.not_found')
    const own = persona({ persona_key: 'spy', prompt_md: 'You watch birds.' })
    const made = await other.ask('POST', '/v1/personas', own)
    expect(made.status).toBe(201)
    const again = await begin(other, says('x'), { persona_id: 'spy' })
    expect((await listen(ark.url, other, again.run, isEnd)).at(-1)?.event).toBe('run.completed')
    const row = (await other.ask('GET', `/v1/runs?run_id=${again.run}`)).body[0]
    expect(row.persona_id).toBe('spy')
    const hers = (await alice.ask('GET', '/v1/personas')).body
    expect(hers.find((p: { persona_key: string }) => p.persona_key === 'spy').prompt_md).toBe(
      persona().prompt_md,
    )
    expect((await other.ask('DELETE', `/v1/personas/${made.body.id}`)).status).toBe(200)
  })

  it('of the platform are used by everybody, and one’s own stands before them', async () => {
    const keyed = persona({ persona_key: 'guide', scope: 'platform', prompt_md: 'The server’s.' })
    const other = await ark.register('traveller')
    expect(await other.ask('POST', '/v1/personas', keyed)).toMatchObject({
      status: 403,
      body: { code: 'auth.forbidden' },
    })
    const made = await alice.ask('POST', '/v1/personas', keyed)
    expect(made.body.scope).toBe('platform')
    const guides = async (person: Person) =>
      (await person.ask('GET', '/v1/me/selectable-personas')).body
        .filter((p: { persona_key: string }) => p.persona_key === 'guide')
        .map((p: { prompt_md: string }) => p.prompt_md)
    expect(await guides(other)).toEqual(['The server’s.'])
    const own = persona({ persona_key: 'guide', version: '2', prompt_md: 'My own.' })
    expect((await other.ask('POST', '/v1/personas', own)).status).toBe(201)
    expect(await guides(other)).toEqual(['My own.'])
    expect(await guides(alice)).toEqual(['The server’s.'])
    const theirs = (await other.ask('GET', '/v1/personas?scope=platform')).body
    const seen = theirs.find((p: { persona_key: string }) => p.persona_key === 'guide')
    expect(seen).toMatchObject({ version: '1', is_active: true })
    expect(await other.ask('PATCH', `/v1/personas/${seen.id}`, { prompt_md: 'x' })).toMatchObject({
      status: 403,
      body: { code: 'auth.forbidden' },
    })
  })
})

describe('providers', () => {
  let upstream: Server
  let address: string
  const asked: { key: string | undefined; model: string }[] = []

  beforeAll(async () => {
    upstream = createServer((req, res) => {
      let text = ''
      req.on('data', (chunk) => {
        text += String(chunk)
      })
      req.on('end', () => {
        const { model } = JSON.parse(text) as { model: string }
        asked.push({ key: req.headers.authorization, model })
        res.writeHead(200, { 'content-type': 'text/event-stream' })
        const chunk = (delta: object, finish: string | null = null) =>
          `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model, choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`
        res.write(chunk({ role: 'assistant', content: 'From upstream.' }))
        res.write(chunk({}, 'stop'))
        res.end('data: [DONE]\n\n')
      })
    })
    await new Promise<void>((done) => upstream.listen(0, '127.0.0.1', done))
    const { port } = upstream.address() as { port: number }
    address = `http://127.0.0.1:${port}/v1`
  })
  afterAll(() => void upstream.close())

  const key = `sk-${'k3y'.repeat(12)}`
  const body = (change: object = {}) => ({
    name: 'Mine',
    provider: 'openai',
    api_key: key,
    base_url: address,
    scope: 'user',
    ...change,
  })

  it('are added with a key that is never told, tested, and routed to', async () => {
    const made = await alice.ask('POST', '/v1/llm-providers', body())
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({
      name: 'Mine',
      scope: 'user',
      provider: 'openai',
      key_prefix: key.slice(0, 8),
      base_url: address,
      models: [],
    })
    const at = `/v1/llm-providers/${made.body.id}`
    const model = await alice.ask('POST', `${at}/models`, { model: 'small', priority: 5 })
    expect(model.status).toBe(201)
    expect(model.body).toMatchObject({ provider_id: made.body.id, model: 'small', priority: 5 })
    const test = await alice.ask('POST', `${at}/models/${model.body.id}/test`)
    expect(test.body).toMatchObject({ success: true, model_id: model.body.id })
    for (const choice of [
      { route_id: model.body.id },
      { model: 'Mine^small' },
      { model: 'small' },
      { output_route_id: model.body.id, route_id: uuidv7() },
    ]) {
      const { run } = await begin(alice, says('x'), choice)
      const told = await finish(run)
      expect([choice, told.at(-1)?.event]).toEqual([choice, 'run.completed'])
      const said = told.map((t) => t.body.data.content_delta ?? '').join('')
      expect(said).toBe('From upstream.')
      expect(told.find((t) => t.event === 'run.route.selected')?.body.data.model).toBe('small')
    }
    expect(asked.every((a) => a.key === `Bearer ${key}` && a.model === 'small')).toBe(true)
    const everything = JSON.stringify([
      (await alice.ask('GET', '/v1/llm-providers?scope=user')).body,
      (await alice.ask('GET', at.replace(/\/[^/]+$/, '?scope=platform'))).body,
      ...(await ark.world.store.list('arkloop.provider')),
      ...(await ark.world.store.list('endpoint')),
    ])
    expect(everything).not.toContain(key)
    const known = await alice.ask('GET', `${at}/available-models`)
    expect(known.body.models.length).toBeGreaterThan(0)
  })

  it('are changed; a key is sent nowhere that it was not given for', async () => {
    const { id } = (await alice.ask('POST', '/v1/llm-providers', body({ name: 'Other' }))).body
    const at = `/v1/llm-providers/${id}`
    expect((await alice.ask('PATCH', at, { name: 'Renamed' })).body.name).toBe('Renamed')
    expect(await alice.ask('PATCH', at, { base_url: 'https://example.com/v1' })).toMatchObject({
      status: 422,
      body: { code: 'llm_providers.api_key_missing' },
    })
    // The same server under another path has the key already; elsewhere it is not sent.
    const moved = `${body().base_url}/v2`
    expect((await alice.ask('PATCH', at, { base_url: moved })).body.base_url).toBe(moved)
    const many = await Promise.all(
      Array.from({ length: 4 }, () =>
        alice.ask('POST', '/v1/llm-providers', body({ name: 'Once' })),
      ),
    )
    expect(many.map((a) => a.status).sort()).toEqual([201, 409, 409, 409])
    const added = await Promise.all(
      ['c', 'd', 'e'].map((model) => alice.ask('POST', `${at}/models`, { model })),
    )
    expect(added.map((a) => a.status)).toEqual([201, 201, 201])
    for (const { body: row } of added) await alice.ask('DELETE', `${at}/models/${row.id}`)
    expect(await alice.ask('PATCH', at, { name: 'Mine' })).toMatchObject({
      status: 409,
      body: { code: 'llm_providers.name_conflict' },
    })
    const one = (await alice.ask('POST', `${at}/models`, { model: 'a', is_default: true })).body
    const two = (await alice.ask('POST', `${at}/models`, { model: 'b', is_default: true })).body
    expect(await alice.ask('POST', `${at}/models`, { model: 'a' })).toMatchObject({
      status: 409,
      body: { code: 'llm_provider_models.model_conflict' },
    })
    const listed = (await alice.ask('GET', '/v1/llm-providers?scope=user')).body
    const models = listed.find((p: { id: string }) => p.id === id).models
    expect(models.map((m: { is_default: boolean }) => m.is_default)).toEqual([false, true])
    expect(
      (await alice.ask('PATCH', `${at}/models/${one.id}`, { priority: 9 })).body.priority,
    ).toBe(9)
    expect((await alice.ask('DELETE', `${at}/models/${two.id}`)).body).toEqual({ ok: true })
    expect((await alice.ask('DELETE', `${at}/models/${two.id}`)).body.code).toBe(
      'llm_provider_models.not_found',
    )
    expect((await alice.ask('DELETE', at)).body).toEqual({ ok: true })
    expect((await alice.ask('DELETE', at)).body.code).toBe('llm_providers.not_found')
    const { run } = await begin(alice, says('x'), { route_id: one.id })
    expect((await finish(run)).at(-1)?.body.error_class).toBe('routing.not_found')
  })

  it('refuse addresses that could harm, and a missing key', async () => {
    const cases: [object, string][] = [
      [{ base_url: 'http://example.com/v1' }, 'validation.error'],
      [{ base_url: 'http://169.254.169.254/latest' }, 'validation.error'],
      [{ base_url: 'https://[fe80::1]/v1' }, 'validation.error'],
      [{ base_url: 'file:///etc/passwd' }, 'validation.error'],
      [{ base_url: 'https://user:pass@example.com' }, 'validation.error'],
      [{ base_url: 'nonsense' }, 'validation.error'],
      [{ api_key: ' ' }, 'llm_providers.api_key_missing'],
      [{ provider: 'acme' }, 'validation.error'],
    ]
    for (const [change, code] of cases) {
      const answer = await alice.ask('POST', '/v1/llm-providers', body({ name: 'Bad', ...change }))
      expect([change, answer.status, answer.body.code]).toEqual([change, 422, code])
    }
  })

  it('of another account are neither seen nor routed to', async () => {
    const made = (await alice.ask('POST', '/v1/llm-providers', body({ name: 'Hidden' }))).body
    const row = (await alice.ask('POST', `/v1/llm-providers/${made.id}/models`, { model: 'h' }))
      .body
    const other = await ark.register('outsider')
    expect((await other.ask('GET', '/v1/llm-providers?scope=user')).body).toEqual([])
    expect((await other.ask('GET', '/v1/llm-providers')).status).toBe(403)
    const endpoint = `ark-${made.id.replaceAll('-', '')}`
    for (const choice of [
      { route_id: row.id },
      { model: 'Hidden^h' },
      { model: `${endpoint}:h` },
    ]) {
      const { run } = await begin(other, says('x'), choice)
      const told = await listen(ark.url, other, run, isEnd)
      expect([choice, told.at(-1)?.event]).toEqual([choice, 'run.failed'])
    }
  })

  it('of the platform are used by everybody, and managed by who administers it', async () => {
    const made = await alice.ask('POST', '/v1/llm-providers', body({ name: 'Shared', scope: null }))
    expect(made.body.scope).toBe('platform')
    const at = `/v1/llm-providers/${made.body.id}`
    const row = (await alice.ask('POST', `${at}/models`, { model: 'shared-model' })).body
    const other = await ark.register('guest')
    expect((await other.ask('DELETE', at)).status).toBe(404)
    const { run } = await begin(other, says('x'), { route_id: row.id })
    const told = await listen(ark.url, other, run, isEnd)
    expect(told.at(-1)?.event).toBe('run.completed')
  })
})
