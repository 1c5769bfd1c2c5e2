/**
 * Capabilities over real sockets and a real folder: they are read back at once, seen when somebody
 * else edits them, and they work - and a name or a broken file harms nothing.
 */

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Agent, type Fields, openAgent, says, script, until } from './toolang-agent.ts'

/** Stands where GitHub is: a commit, and files in it. */
const SHA = '0123456789abcdef0123456789abcdef01234567'
const TREE = [
  ...['README.md', 'skills/tidy/SKILL.md', 'skills/tidy/notes/broom.md'],
  ...['skills/tidy/.hidden', 'skills/tidy/../../escaped.md', 'skills/other/SKILL.md'],
]
let isDown = false
const github = createServer((req, res) => {
  const url = req.url ?? ''
  if (isDown) {
    res.statusCode = 500
    res.end()
  } else if (url.includes('/commits/')) res.end(SHA)
  else if (url === `/acme/caps/${SHA}/prompts/remote.md`) res.end('Remote: {{input}}')
  else if (url === `/acme/caps/${SHA}/skills/tidy/SKILL.md`)
    res.end('---\ndescription: Tidies.\n---\n\nSweep.')
  else if (url === `/repos/acme/caps/git/trees/${SHA}?recursive=1`)
    res.end(JSON.stringify({ tree: TREE.map((path) => ({ path, type: 'blob' })) }))
  else if (url === `/acme/caps/${SHA}/skills/tidy/notes/broom.md`) res.end('The broom.')
  else {
    res.statusCode = 404
    res.end()
  }
})

let agent: Agent
let home: string
beforeAll(async () => {
  await new Promise<void>((done) => github.listen(0, '127.0.0.1', done))
  const at = `http://127.0.0.1:${(github.address() as AddressInfo).port}`
  const pollMs = { watched: 100, unwatched: 50 }
  agent = await openAgent({ caps: { github: { api: at, raw: at }, pollMs } })
  home = join(agent.data, 'agents', 'assistant')
})
afterAll(async () => {
  await agent.close()
  github.close()
})

const put = (path: string, content: string, visibility?: string) =>
  agent.ask('PUT', `/api/v1/${path}/file`, { content, ...(visibility ? { visibility } : {}) })
const get = (path: string) => agent.ask('GET', `/api/v1/${path}`)
const chat = async (body: object): Promise<Fields> =>
  (await agent.ask('POST', '/api/v1/chat', body)).body
const spoken = async (text: string): Promise<string> =>
  (await chat(says(text))).assistant.parts[0].text

/** The prompt that was really sent in the run. */
async function instructions(run: string): Promise<string> {
  const { body } = await get(`runs/${run}`)
  const { instruct } = body.output.steps[0].record.payload
  return (await get(`instruct/${instruct}`)).body.body
}

describe('a capability', () => {
  it('is there for the next request, and gone after it was deleted', async () => {
    const written = await put('prompts/demo', 'Summarise {{input}} in one line.\n')
    expect(written.body.item).toEqual({
      ...{ kind: 'prompt', name: 'demo', scope: 'home', origin: 'local', form: 'file' },
      ...{ ref: 'home://prompts/demo', definition_file: 'agents/assistant/prompts/demo.md' },
    })
    const read = await get('prompts/demo')
    expect(read.body.item).toMatchObject({
      ...{ content: 'Summarise {{input}} in one line.\n', files: null, editable: true },
    })
    expect(readFileSync(join(home, 'prompts/demo.md'), 'utf8')).toContain('Summarise')
    const gone = await agent.ask('DELETE', '/api/v1/prompts/demo/file')
    expect(gone.body).toEqual({ ok: true })
    expect(await get('prompts/demo')).toMatchObject({
      status: 404,
      body: { detail: 'prompt not found: demo' },
    })
    const again = await agent.ask('DELETE', '/api/v1/prompts/demo/file')
    expect(again.body).toEqual({ detail: 'file prompt not found: demo' })
  })

  it('is shared or private, and the private one counts', async () => {
    await put('prompts/both', 'shared', 'shared')
    expect((await get('prompts/both')).body.item).toMatchObject({
      ...{ scope: 'root', definition_file: 'prompts/both.md', ref: 'root://prompts/both' },
    })
    await put('prompts/both', 'private')
    expect((await get('prompts/both')).body.item.content).toBe('private')
    await agent.ask('DELETE', '/api/v1/prompts/both/file')
    expect((await get('prompts/both')).body.item.content).toBe('shared')
    const { body } = await get('caps')
    expect(body.counts.prompts).toBe(body.prompts.length)
  })

  it('is seen when somebody else writes it', async () => {
    mkdirSync(join(home, 'prompts'), { recursive: true })
    writeFileSync(join(home, 'prompts/outside.md'), 'From outside: {{input}}')
    await until(
      () => get('prompts/outside'),
      (a) => a.status === 200,
    )
    expect(await spoken('/outside hand')).toBe('You said: From outside: hand')
    rmSync(join(home, 'prompts/outside.md'))
    await until(
      () => get('prompts/outside'),
      (a) => a.status === 404,
    )
  })

  it('that is broken is refused with 400, and on disk harms no other', async () => {
    const wrong: [string, string, string][] = [
      ['services/blank', '', 'service description is required'],
      ['skills/blank', '---\ndescription: x\n---\n', 'skill body is required'],
      ['skills/blank', 'no head', 'skill description is required'],
      [
        'services/odd',
        '---\ndescription: x\ntransport: carrier\ntarget: y\n---\n',
        'service transport must be http or stdio',
      ],
      ['services/odd', '---\ndescription: x\ntransport: http\n---\n', 'service target is required'],
    ]
    for (const [path, content, detail] of wrong)
      expect(await put(path, content)).toMatchObject({ status: 400, body: { detail } })
    expect((await put('prompts/badfm', '---\nx: [1\n---\n')).status).toBe(400)

    mkdirSync(join(home, 'skills/broken'), { recursive: true })
    writeFileSync(join(home, 'skills/broken/SKILL.md'), '---\nx: [1\n---\n')
    const seen = await until(
      () => get('skills'),
      (a) => a.body.items.some((i: Fields) => i.name === 'broken'),
    )
    const broken = seen.body.items.find((i: Fields) => i.name === 'broken')
    expect(broken.error).toContain('not valid YAML')
    expect((await put('prompts/after', 'still {{input}}')).status).toBe(200)
    expect(await spoken('/after works')).toBe('You said: still works')
    writeFileSync(join(home, 'prompts/watched.md'), 'x')
    await until(
      () => get('prompts/watched'),
      (a) => a.status === 200,
    )
  })
})

describe('a name', () => {
  it.each([
    ['DELETE', '/api/v1/skills/../file'],
    ['DELETE', '/api/v1/skills/%2E%2E/file'],
    ['DELETE', '/api/v1/skills/..%2F..%2Fagents/file'],
    ['DELETE', '/api/v1/skills/%2Fetc/file'],
    ['PUT', '/api/v1/prompts/../file'],
    ['PUT', '/api/v1/prompts/..%2F..%2Fescaped/file'],
    ['PUT', '/api/v1/prompts/.hidden/file'],
    ['PUT', '/api/v1/prompts/a%00b/file'],
    ['PUT', '/api/v1/skills/../wired'],
  ])('that leads away is refused: %s %s', async (method, path) => {
    await put('skills/kept', '---\ndescription: Kept.\n---\n\nBody.\n')
    expect(await raw(method, path, JSON.stringify({ content: 'x' }))).toBeGreaterThanOrEqual(400)
    expect(existsSync(join(home, 'skills/kept/SKILL.md'))).toBe(true)
    expect(existsSync(join(home, 'agent.json'))).toBe(true)
    for (const place of ['escaped.md', 'agents/escaped.md', 'agents/assistant/escaped.md'])
      expect(existsSync(join(agent.data, place))).toBe(false)
  })

  /** The path as it is: other clients would tidy it. */
  const raw = (method: string, path: string, body: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(agent.own)
      const headers = { 'content-type': 'application/json' }
      const req = request({ hostname, port, method, path, headers }, (res) => {
        res.resume()
        resolve(res.statusCode ?? 0)
      })
      req.on('error', reject)
      req.end(method === 'DELETE' ? undefined : body)
    })
})

describe('in a run', () => {
  it('a slash command is the prompt with its arguments, and shown as it was written', async () => {
    await put('prompts/mail', '---\ndescription: Mail.\n---\n\nTo {{who}}: {{what}}')
    const body = await chat(says('/mail bob see you soon'))
    expect(body.assistant.parts[0].text).toBe('You said: To bob: see you soon')
    expect(body.message.parts).toEqual([{ type: 'text', text: '/mail bob see you soon' }])
    expect(body.thread.title).toBe('/mail bob see you soon')
    expect(await spoken('/etc/passwd is a path')).toBe('You said: /etc/passwd is a path')
    const unknown = await agent.ask('POST', '/api/v1/chat', says('/nosuch x'))
    expect(unknown.status).toBe(422)
    expect(unknown.body.detail).toContain('prompt not found: nosuch')
  })

  it('a psyche instructs the model in full, from the next run on', async () => {
    const before = await chat(says('a'))
    await put('psyches/pirate', '---\ndescription: x\n---\n\nYou speak like a pirate.\nArr.\n')
    const after = await chat(says('b'))
    expect(await instructions(before.run_id)).not.toContain('pirate')
    expect(await instructions(after.run_id)).toContain('You speak like a pirate.\nArr.')
  })

  it('a skill is named in the prompt and read on demand', async () => {
    await put('skills/cook', '---\ndescription: Cooks soup.\n---\n\nBoil the water first.\n')
    const body = await chat(
      script([{ call: 'skill', input: { name: 'cook' } }], [{ say: '{{result}}' }]),
    )
    const told = await instructions(body.run_id)
    expect(told).toContain('- cook: Cooks soup.')
    expect(told).not.toContain('Boil')
    expect(body.assistant.parts[0].text).toContain('Boil the water first.')
  })

  it('a service lends its tools', async () => {
    const file = join(agent.workspace, 'mcp.mjs')
    const sdk = join(import.meta.dirname, '../../node_modules/@modelcontextprotocol/sdk/dist/esm')
    writeFileSync(
      file,
      `import { McpServer } from '${sdk}/server/mcp.js'
import { StdioServerTransport } from '${sdk}/server/stdio.js'
const server = new McpServer({ name: 'clock', version: '1.0.0' })
server.registerTool('tick', { description: 'Ticks.' }, async () => ({
  content: [{ type: 'text', text: 'tock' }],
}))
await server.connect(new StdioServerTransport())
`,
    )
    const target = `${process.execPath} ${file}`
    const content = `---\ndescription: A clock.\ntransport: stdio\ntarget: ${target}\n---\n\nAsk it.\n`
    expect((await put('services/clock', content)).status).toBe(200)
    const body = await chat(script([{ call: 'clock__tick', input: {} }], [{ say: '{{result}}' }]))
    expect(body.assistant.parts[0].text).toBe('tock')
    expect(await instructions(body.run_id)).toContain('- clock: A clock.')
    await agent.ask('DELETE', '/api/v1/services/clock/file')
  })
})

describe('a wired ref', () => {
  const wire = (path: string, ref: string) => agent.ask('PUT', `/api/v1/${path}/wired`, { ref })

  it('to GitHub is fetched at a commit that is kept, and works', async () => {
    const { body } = await wire('prompts/remote', 'acme/caps/remote')
    expect(body.item).toEqual({
      ...{ kind: 'prompt', name: 'remote', scope: 'home', origin: 'remote', form: 'wired' },
      ...{ ref: 'acme/caps/remote', definition_file: 'agents/assistant/wired.json' },
    })
    const kept = JSON.parse(readFileSync(join(home, 'wired.json'), 'utf8'))
    expect(kept.prompts.remote).toEqual({ ref: 'acme/caps/remote', revision: SHA })
    expect(await spoken('/remote word')).toBe('You said: Remote: word')
    isDown = true
    const again = await wire('prompts/remote', 'acme/caps/remote')
    expect(again).toMatchObject({
      status: 503,
      body: { detail: expect.stringContaining('What was fetched before stays.') },
    })
    isDown = false
    expect(await spoken('/remote word')).toBe('You said: Remote: word')
    const skill = await wire('skills/tidy', 'github://acme/caps/skills/tidy@main')
    expect(skill.body.item.error).toBeUndefined()
    expect((await get('skills/tidy')).body.item).toMatchObject({
      ...{ description: 'Tidies.', files: ['SKILL.md', 'notes/broom.md'] },
    })
    const broom = { name: 'tidy', file: 'notes/broom.md' }
    const read = await chat(script([{ call: 'skill', input: broom }], [{ say: '{{result}}' }]))
    expect(read.assistant.parts[0].text).toBe('The broom.')
    expect((await agent.ask('DELETE', '/api/v1/skills/tidy/wired')).body).toEqual({ ok: true })
    expect(existsSync(join(home, '.caps/wired/skills/tidy'))).toBe(false)
    const file = await put('prompts/remote', 'local of the same name')
    expect(file).toMatchObject({
      status: 400,
      body: { detail: 'conflicting entries in one visibility: kind=prompt name=remote' },
    })
    expect((await agent.ask('DELETE', '/api/v1/prompts/remote/wired')).body).toEqual({ ok: true })
    expect((await get('prompts/remote')).status).toBe(404)
  })

  it('to a path is read where it is, within the workspace only', async () => {
    writeFileSync(join(agent.workspace, 'near.md'), 'Near: {{input}}')
    expect((await wire('prompts/near', './near.md')).body.item.origin).toBe('local')
    expect(await spoken('/near by')).toBe('You said: Near: by')
    writeFileSync(join(agent.data, 'secret.md'), 'secret')
    await wire('prompts/secret', join(agent.data, 'secret.md'))
    const { item } = (await get('prompts/secret')).body
    expect(item).toMatchObject({ content: '', error: expect.stringContaining('workspace') })
  })

  it('that cannot be fetched says why, and harms nothing', async () => {
    const { status, body } = await wire('prompts/gone', 'acme/caps/gone')
    expect(status).toBe(200)
    expect(body.item.error).toContain('could not be fetched')
    await wire('services/web', 'https://example.com/web.md')
    expect((await get('services/web')).body.item.error).toContain('only GitHub')
    expect((await put('prompts/zz', 'x')).status).toBe(200)
    expect((await get('prompts/zz')).status).toBe(200)
    expect(await agent.ask('POST', '/api/v1/chat', says('still here'))).toMatchObject({
      status: 200,
    })
    const wrong = await wire('prompts/demo', 'https://example.com/other.md')
    expect(wrong).toMatchObject({
      status: 400,
      body: {
        detail:
          "Wired prompt ref 'https://example.com/other.md' does not match requested name 'demo'.",
      },
    })
    expect((await wire('prompts/demo', 'demo')).status).toBe(400)
  })
})
