/**
 * The same conversations and requests as those captured from the real server. Where its answer was
 * a fault of its own (a 500 for what a client did wrong), ours is a refusal of the client's kind.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  comparable,
  type Exchange,
  goldenExchanges,
  goldenFrames,
  grouped,
  type Said,
} from './oah-golden.ts'
import { checkCausal } from './oah-model.ts'
import { isEnd, type Json, type OahServer, script, startOah, type Told } from './oah-server.ts'

const FILES: Record<string, string> = {
  'AGENTS.md': '# Mini project\nThis is a scratch project.\n',
  '.openharness/settings.yaml': 'default_agent: build\n',
  '.openharness/agents/build.md':
    '---\ntools:\n  native: [Bash, Read, Write, Edit, Glob, Grep, TodoWrite]\nswitch: [plan]\nsubagents: [helper]\n---\n# Build\nYou build things.\n',
  '.openharness/agents/plan.md': '---\nswitch: [build]\n---\n# Plan\nYou plan things.\n',
  '.openharness/agents/helper.md': '---\nmode: subagent\n---\nYou help.\n',
}

let server: OahServer
let folder: string
let id: string
let isIsolated: boolean

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'manifold-oah-golden-'))
  for (const [path, text] of Object.entries(FILES)) {
    const file = join(folder, 'runtimes/mini', path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  server = await startOah({ world: { folder } })
  id = await server.newWorkspace({ runtime: 'mini', name: 'Mini One' })
  isIsolated = (await server.world.engine.sandbox.runner.describe()).isolated
})

afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** A call is told before its tool begins, and so without how that went. */
function askedBefore(groups: Record<string, Said[]>): Record<string, Said[]> {
  for (const [subject, said] of Object.entries(groups)) {
    if (!subject.startsWith('asks ')) continue
    for (const { data } of said) {
      const { toolStatus: _, toolDurationMs: __, ...metadata } = data.metadata as Json
      data.metadata = metadata
    }
  }
  return groups
}

describe('streams', () => {
  it('tell tools, failures and thinking as the real one does', async () => {
    if (!isIsolated) return
    const session = await server.newSession(id)
    const todo = { items: [{ text: 'a', status: 'in_progress' }] }
    const { runId } = await server.say(
      session,
      script(
        [
          { say: 'Let me look. ' },
          { call: 'shell', input: { command: 'echo hi; echo err >&2; exit 3' } },
          { call: 'read', input: { path: 'AGENTS.md' } },
        ],
        [
          { call: 'write', input: { path: 'AGENTS.md', content: 'x' } },
          { call: 'edit', input: { path: 'nope.md', old: 'a', new: 'b' } },
        ],
        [
          { call: 'todo', input: todo },
          { call: 'grep', input: { pattern: 'scratch' } },
          { call: 'glob', input: { pattern: '**/*.md' } },
        ],
        [{ think: 'thinking it over ' }, { say: 'All done now.' }],
      ),
    )
    const told = await server.stream(session, isEnd(runId))
    checkCausal(told)
    const groups = grouped(told)
    const golden = askedBefore(grouped(goldenFrames('tools')))
    // A command that fails is a failed call here, and a completed one there.
    const failed = groups['call 1']?.at(-1)
    expect(failed).toMatchObject({ event: 'tool.failed', data: { toolName: 'Bash' } })
    for (const subject of ['call 1', 'result of call 1']) {
      delete groups[subject]
      delete golden[subject]
    }
    expect(Object.keys(groups).sort()).toEqual(Object.keys(golden).sort())
    // Ours have no second text for what is to be done.
    const same = (text: unknown) => JSON.parse(JSON.stringify(text).replace('doing a', 'a'))
    for (const [subject, said] of Object.entries(golden))
      expect(groups[subject]).toMatchObject(said.map(same))
  })

  it('tell the queue as the real one does', async () => {
    const session = await server.newSession(id)
    const hang = script([{ say: 'I begin' }, { hang: true }])
    const speaks = (run: unknown) => (f: Told) =>
      f.event === 'message.delta' && f.data.runId === run
    const active = await server.say(session, hang)
    await server.stream(session, speaks(active.runId))
    const second = await server.say(session, 'second (queued)')
    const third = await server.say(session, 'third (queued)')
    await server.ask('POST', `/api/v1/runs/${third.runId}/guide`)
    await server.ended(second.runId as string)
    const next = await server.say(session, hang)
    await server.stream(session, speaks(next.runId))
    const before = await server.say(session, 'queued before the interrupt')
    const urgent = { runningRunBehavior: 'interrupt' }
    await server.say(session, 'interrupting message', urgent)
    await server.ended(before.runId as string)
    const idle = await server.say(session, 'interrupts nothing', urgent)
    const told = await server.stream(session, isEnd(idle.runId))
    // What comes after that in the capture is a queue that stalls.
    const all = goldenFrames('queue')
    const stall = all.findIndex((f) => f.data.runId === 'run_bb44513c749648d8b210d61283255b93')
    const runs = (frames: { event: string; data: Json }[]) =>
      (grouped(frames).runs ?? []).map(({ event, data: { queuedPosition: _, ...data } }) => ({
        event,
        data,
      }))
    expect(runs(told)).toEqual(runs(all.slice(0, stall)))
  })

  it('tell of subagents as the real one does', async () => {
    const session = await server.newSession(id)
    const task = { agent: `${id}.helper`, name: 'find things', prompt: 'look around' }
    const { runId } = await server.say(
      session,
      script([{ call: 'task', input: task }], [{ say: 'parent done.' }]),
    )
    const told = await server.stream(session, isEnd(runId))
    expect(grouped(told)).toMatchObject(askedBefore(grouped(goldenFrames('subagent'))))
  })
})

// ---- requests -------------------------------------------------------------------------------

/** Where ours is better, or says the same of another machine. */
const OTHERWISE: Record<string, number> = {
  'PUT /files/upload?path=/workspace/notes/b.bin&overwrite=false': 409,
  // Behind the walls the workspace is at /workspace too.
  'POST /commands/foreground {"command":"ls /workspace"}': 200,
  // The walls were there, the program was not: it is told as a shell tells it, by exit code 127.
  'POST /commands/process {"executable":"no-such-binary"}': 200,
}

/** The answers are those of this machine; their form is compared in other tests. */
const UNALIKE =
  /commands\/background|ls \/workspace|"pwd|\.openharness\/state|background-tasks|control\/drain/

class Replay {
  #ids: Map<string, string>
  #etag = ''

  constructor(ids: Record<string, string>) {
    this.#ids = new Map(Object.entries(ids))
  }

  #here(text: string): string {
    let here = text
    for (const [there, own] of this.#ids) here = here.replaceAll(there, own)
    return here.replace(/W\/\\"5-[0-9a-f]+-[0-9a-f]+\\"/, this.#etag.replaceAll('"', '\\"'))
  }

  async run({ method, path, body, status, answer }: Exchange): Promise<void> {
    const short = path.replace(/^\/(api|internal)\/v1\/(sandboxes\/ws_[0-9a-f]+)?/, '')
    const what = `${method} ${short}${body ? ` ${JSON.stringify(body)}` : ''}`
    const own = path.includes('/files/upload')
      ? new Uint8Array([1, 2, 3, 4])
      : body === null
        ? undefined
        : JSON.parse(this.#here(JSON.stringify(body)))
    const said = await server.ask(method, this.#here(path), own)
    const wanted = OTHERWISE[what] ?? (status === 500 ? 'a refusal' : status)
    const isRefusal = said.status >= 400 && said.status < 500
    const got = wanted === 'a refusal' && (isRefusal || said.status === 502) ? wanted : said.status
    expect([what, got]).toEqual([what, wanted])
    const { etag } = said.body as { etag?: string }
    if (method === 'PUT' && path.endsWith('/files/content') && etag) this.#etag = etag
    this.#learn(answer, said.body)
    if (said.status !== status || answer === null || UNALIKE.test(what)) return
    const golden = JSON.parse(this.#here(JSON.stringify(answer)))
    // Everything that was said there is said here; more may be.
    expect({ what, said: comparable(said.body) }).toMatchObject({ what, said: comparable(golden) })
  }

  /** What was made there under one id has another here. */
  #learn(golden: unknown, own: unknown): void {
    for (const key of ['id', 'runId', 'sessionId']) {
      const there = (golden as Json | null)?.[key]
      const here = (own as Json | null)?.[key]
      if (typeof there === 'string' && typeof here === 'string') this.#ids.set(there, here)
    }
  }
}

const THERE = 'ws_8a8d41099225453bb5227761f2479723'

describe('requests', () => {
  it('about sandboxes are answered as the real one does', async () => {
    if (!isIsolated) return
    const own = await server.newWorkspace({ runtime: 'mini', name: 'Mini One' })
    const replay = new Replay({ [THERE]: own })
    for (const exchange of goldenExchanges('sandboxes')) await replay.run(exchange)
  })

  it('to the model runtime are answered as the real one does', async () => {
    const replay = new Replay({
      'fake-default': 'scripted:test',
      'Hello from the fake model.': 'You said: hi',
      '"role":"user","content":"u"': '"role":"user","content":"hi"',
      'do it @@[{\\"status\\":401,\\"error\\":\\"bad key\\"}]@@':
        'script [[{\\"fail\\":\\"unauthorized\\",\\"message\\":\\"bad key\\"}]]',
    })
    for (const exchange of goldenExchanges('models')) {
      if (exchange.path.endsWith('/refresh')) continue
      await replay.run(exchange)
    }
  })
})
