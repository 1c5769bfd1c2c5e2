/**
 * OAH's sandboxes over real sockets: files and commands do what their fields promise, and no path leads
 * out of the workspace on any route.
 */

import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Json, type OahServer, startOah } from './oah-server.ts'

let server: OahServer
let id: string
let root: string
let base: string

beforeAll(async () => {
  server = await startOah()
  id = await server.newWorkspace()
  root = join(server.folder, 'workspaces', id)
  base = `/api/v1/sandboxes/${id}`
})

afterAll(() => server.stop())

const codeOf = (body: unknown): unknown => ((body as Json).error as Json | undefined)?.code
const q = encodeURIComponent
const put = (path: string, content: string, more: Json = {}) =>
  server.ask('PUT', `${base}/files/content`, { path, content, ...more })

describe('files', () => {
  it('are written, read, listed, moved and deleted', async () => {
    const written = await put('/workspace/notes/a.txt', 'hello')
    expect(written.body).toEqual({
      path: '/workspace/notes/a.txt',
      name: 'a.txt',
      type: 'file',
      sizeBytes: 5,
      mimeType: 'text/plain; charset=utf-8',
      etag: expect.stringMatching(/^W\/"5-[0-9a-f]+-[0-9a-f]+"$/),
      updatedAt: expect.any(String),
      readOnly: false,
    })
    const read = await server.ask('GET', `${base}/files/content?path=notes/a.txt`)
    expect(read.body).toMatchObject({ workspaceId: id, content: 'hello', truncated: false })
    const cut = await server.ask(
      'GET',
      `${base}/files/content?path=notes/a.txt&encoding=base64&maxBytes=2`,
    )
    expect(cut.body).toMatchObject({ content: 'aGU=', truncated: true, sizeBytes: 5 })
    const list = await server.ask<{ items: Json[] }>('GET', `${base}/files/entries`)
    expect(list.body.items.map((e) => [e.path, e.type])).toEqual([
      ['/workspace/AGENTS.md', 'file'],
      ['/workspace/notes', 'directory'],
    ])
    const stat = await server.ask('GET', `${base}/files/stat?path=/workspace/notes/a.txt`)
    expect(stat.body).toMatchObject({ kind: 'file', size: 5, path: '/workspace/notes/a.txt' })
    const moved = await server.ask('PATCH', `${base}/files/move`, {
      sourcePath: 'notes/a.txt',
      targetPath: '/workspace/notes/b.txt',
    })
    expect(moved.body).toMatchObject({ path: '/workspace/notes/b.txt' })
    const gone = await server.ask('DELETE', `${base}/files/entry?path=notes/b.txt`)
    expect(gone.body).toEqual({
      workspaceId: id,
      path: '/workspace/notes/b.txt',
      type: 'file',
      deleted: true,
    })
  })

  it('keep what overwrite=false, recursive=false and ifMatch protect (fault 7)', async () => {
    const { body } = await put('keep/a.txt', 'one')
    const again = await put('keep/a.txt', 'two', { overwrite: false })
    expect([again.status, codeOf(again.body)]).toEqual([409, 'workspace_entry_exists'])
    const upload = await server.ask(
      'PUT',
      `${base}/files/upload?path=keep/a.txt&overwrite=false`,
      new Uint8Array([1]),
    )
    expect([upload.status, codeOf(upload.body)]).toEqual([409, 'workspace_entry_exists'])
    const stale = await put('keep/a.txt', 'two', { ifMatch: 'W/"bad"' })
    expect([stale.status, codeOf(stale.body)]).toEqual([412, 'workspace_precondition_failed'])
    const staleUpload = await server.ask(
      'PUT',
      `${base}/files/upload?path=keep/a.txt&ifMatch=${q('W/"bad"')}`,
      new Uint8Array([1]),
    )
    expect(staleUpload.status).toBe(412)
    for (const query of ['', '&recursive=false', '&recursive=0']) {
      const kept = await server.ask('DELETE', `${base}/files/entry?path=keep${query}`)
      expect([kept.status, codeOf(kept.body)]).toEqual([409, 'workspace_directory_not_empty'])
    }
    expect(readFileSync(join(root, 'keep/a.txt'), 'utf8')).toBe('one')
    const fresh = await put('keep/a.txt', 'three', { ifMatch: body.etag })
    expect(fresh.status).toBe(200)
    const gone = await server.ask('DELETE', `${base}/files/entry?path=keep&recursive=true`)
    expect(gone.body).toMatchObject({ type: 'directory', deleted: true })
  })

  it('say in 4xx what a client did wrong (fault 9)', async () => {
    const wrong: [string, string, unknown, number, string][] = [
      ['GET', '/files/stat?path=none', undefined, 404, 'workspace_entry_not_found'],
      ['GET', '/files/content?path=none', undefined, 404, 'workspace_file_not_found'],
      ['GET', '/files/content', undefined, 400, 'invalid_request'],
      ['GET', '/files/entries?path=none', undefined, 404, 'workspace_directory_not_found'],
      ['GET', '/files/entries?path=AGENTS.md', undefined, 404, 'workspace_directory_not_found'],
      ['GET', '/files/entries?pageSize=0', undefined, 400, 'invalid_request'],
      ['GET', '/files/download?path=none', undefined, 404, 'workspace_file_not_found'],
      ['DELETE', '/files/entry?path=none', undefined, 404, 'workspace_entry_not_found'],
      ['DELETE', '/files/entry?path=.', undefined, 400, 'workspace_root_mutation_not_allowed'],
      ['DELETE', '/files/entry?path=x&recursive=maybe', undefined, 400, 'invalid_request'],
      ['PUT', '/files/content', { path: 'x' }, 400, 'invalid_request'],
      ['PUT', '/files/content', '{bad', 400, 'invalid_request'],
      [
        'POST',
        '/directories',
        { path: 'p/q/r', createParents: false },
        404,
        'workspace_entry_not_found',
      ],
      [
        'PATCH',
        '/files/move',
        { sourcePath: 'none', targetPath: 'q' },
        404,
        'workspace_entry_not_found',
      ],
      [
        'PATCH',
        '/files/move',
        { sourcePath: 'AGENTS.md', targetPath: 'AGENTS.md/x' },
        400,
        'invalid_request',
      ],
      ['POST', '/commands/foreground', {}, 400, 'invalid_request'],
      [
        'POST',
        '/commands/foreground',
        { command: 'true', cwd: '/etc' },
        400,
        'invalid_sandbox_path',
      ],
      [
        'POST',
        '/commands/foreground',
        { command: 'true', cwd: 'none' },
        404,
        'workspace_directory_not_found',
      ],
      ['GET', '/files/nonsense', undefined, 404, 'none'],
    ]
    for (const [method, path, body, status, code] of wrong) {
      const answer = await server.ask(method, base + path, body)
      expect([path, answer.status, codeOf(answer.body) ?? 'none']).toEqual([path, status, code])
    }
    const folder = await server.ask('GET', `${base}/files/content?path=.`)
    expect([folder.status, codeOf(folder.body)]).toEqual([404, 'workspace_file_not_found'])
  })

  it('are streamed in both directions, and an upload that breaks off leaves nothing', async () => {
    const size = 24 * 1024 * 1024
    const bytes = new Uint8Array(size).map((_, i) => (i * 31) & 255)
    const up = await server.ask(
      'PUT',
      `${base}/files/upload?path=big.bin&mtimeMs=1700000000000`,
      bytes,
    )
    expect(up.body).toMatchObject({ sizeBytes: size, updatedAt: '2023-11-14T22:13:20.000Z' })
    const response = await fetch(`${server.url}${base}/files/download?path=big.bin`)
    expect(response.headers.get('content-length')).toBe(String(size))
    expect(response.headers.get('content-disposition')).toBe("attachment; filename*=UTF-8''big.bin")
    expect(Buffer.compare(Buffer.from(await response.arrayBuffer()), bytes)).toBe(0)
    const stop = new AbortController()
    let sent = 0
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 2))
        if (++sent === 20) return stop.abort()
        controller.enqueue(new Uint8Array(65_536))
      },
    })
    const broken = fetch(`${server.url}${base}/files/upload?path=half.bin`, {
      method: 'PUT',
      body,
      signal: stop.signal,
      ...({ duplex: 'half' } as object),
    })
    await expect(broken).rejects.toThrow()
    for (;;) {
      const { body: list } = await server.ask<{ items: Json[] }>('GET', `${base}/files/entries`)
      const names = list.items.map((e) => e.name as string)
      expect(names).not.toContain('half.bin')
      if (!names.some((name) => name.endsWith('.tmp'))) break
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  })

  it('have the same routes under the workspace, with relative paths', async () => {
    const own = `/api/v1/workspaces/${id}`
    await server.ask('PUT', `${own}/files/content`, { path: 'w/x.md', content: '# x' })
    const list = await server.ask<{ items: Json[] }>('GET', `${own}/entries?path=w`)
    expect(list.body).toMatchObject({ path: 'w', items: [{ path: 'w/x.md', name: 'x.md' }] })
    const moved = await server.ask('PATCH', `${own}/entries/move`, {
      sourcePath: 'w/x.md',
      targetPath: 'w/y.md',
    })
    expect(moved.body).toMatchObject({ path: 'w/y.md' })
    const gone = await server.ask('DELETE', `${own}/entries?path=w&recursive=true`)
    expect(gone.body).toMatchObject({ path: 'w', deleted: true })
    const inner = await server.ask('GET', `/internal/v1/sandboxes/${id}/files/entries`)
    expect(inner.status).toBe(200)
  })
})

describe('commands', () => {
  const run = (kind: string, body: Json) => server.ask('POST', `${base}/commands/${kind}`, body)

  it('run in the workspace with their input, environment and folder', async () => {
    mkdirSync(join(root, 'sub'), { recursive: true })
    const { body } = await run('foreground', {
      command: 'pwd; echo $FOO; cat; echo e >&2; exit 7',
      cwd: '/workspace/sub',
      env: { FOO: 'bar' },
      stdinText: 'in',
    })
    expect(body).toEqual({ stdout: `${root}/sub\nbar\nin`, stderr: 'e\n', exitCode: 7 })
    const program = await run('process', { executable: 'echo', args: ['a b', 'c'] })
    expect(program.body).toEqual({ stdout: 'a b c\n', stderr: '', exitCode: 0 })
  })

  it('see nothing of the environment of the server (fault 14)', async () => {
    process.env.MANIFOLD_TEST_SECRET = 'swordfish'
    const { body } = await run('foreground', { command: 'env' })
    expect(body.stdout).not.toContain('swordfish')
    expect(body.stdout).toContain(`OPENHARNESS_WORKSPACE_ROOT=${root}`)
  })

  it('are ended whole at their time limit, which is a 408 (fault 10)', async () => {
    const { status, body } = await run('foreground', {
      command: '(while true; do date +%N > tick; sleep 0.01; done) & wait',
      timeoutMs: 300,
    })
    expect([status, codeOf(body)]).toEqual([408, 'tool_timed_out'])
    const after = readFileSync(join(root, 'tick'), 'utf8')
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(readFileSync(join(root, 'tick'), 'utf8')).toBe(after)
  })

  it('go on in the background, with an output that can be read', async () => {
    const { status, body } = await run('background', { command: 'echo begin; sleep 0.1; echo end' })
    expect(status).toBe(200)
    expect(body).toMatchObject({ taskId: expect.any(String), pid: expect.any(Number) })
    const path = `${base}/files/content?path=${q(body.outputPath as string)}`
    for (;;) {
      const { body: file } = await server.ask('GET', path)
      if (file.content === 'begin\nend\n') break
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })
})

// ---- hostile paths ----------------------------------------------------------------------------

/** Ways out of a folder, by words, encodings and links. */
function hostilePaths(): string[] {
  const targets = ['etc/passwd', 'secret.txt', 'data/manifold.db', '']
  const climbs = Array.from({ length: 16 }, (_, n) => '../'.repeat(n + 1))
  const plain = climbs.flatMap((up) => targets.map((t) => up + t))
  const nested = climbs.flatMap((up) => [`sub/${up}../secret.txt`, `./${up}secret.txt`])
  const rooted = climbs.flatMap((up) => [`/workspace/${up}etc/passwd`, `/workspace/sub/../${up}x`])
  const absolute = [
    '/etc/passwd',
    '//etc/passwd',
    '/etc/../etc/passwd',
    '/proc/self/environ',
    '/proc/self/root/etc/passwd',
    '/proc/self/cwd/package.json',
    '/dev/null',
    '/dev/stdin',
    '/sys/kernel',
    '/tmp',
    '/root/.ssh/id_rsa',
    '/workspaces/x',
    '/workspace2/x',
    '/workspace/../workspace2',
    '/Workspace/x',
    '/',
    '//',
    '/..',
    '/workspace/..',
    '/workspace/../',
    '/workspace/./../x',
    `/workspace/a/../../${'x'.repeat(200)}`,
  ]
  const bytes = ['a\0b', '\0', 'x/\0/../../secret.txt', '/workspace/\0', '..\0/secret.txt']
  const links = [
    'out',
    'out/passwd',
    'up/secret.txt',
    'secret-link',
    'loop',
    'loop/x',
    'far/etc/passwd',
    'proc/self/environ',
    'proc/1/cmdline',
    'chain',
    'chain/passwd',
    'dangling',
    'dangling/x',
    'sub/back/../../../secret.txt',
    'out/../../secret.txt',
    'up/../../secret.txt',
    'sub/out2/passwd',
  ].flatMap((path) => [path, `/workspace/${path}`, `./${path}`, `sub/../${path}`])
  const long = ['a/'.repeat(3000), 'x'.repeat(5000), `${'../'.repeat(2000)}etc/passwd`]
  return [...plain, ...nested, ...rooted, ...absolute, ...bytes, ...links, ...long]
}

describe('hostile paths', () => {
  it('lead nowhere, on every route', async () => {
    const outside = join(server.folder, 'secret.txt')
    writeFileSync(outside, 'SECRET')
    mkdirSync(join(root, 'sub'), { recursive: true })
    const links: [string, string][] = [
      ['/etc', 'out'],
      ['..', 'up'],
      [outside, 'secret-link'],
      ['loop', 'loop'],
      ['/', 'far'],
      ['/proc', 'proc'],
      ['out', 'chain'],
      [join(server.folder, 'not-there'), 'dangling'],
      ['../..', 'sub/back'],
      ['../out', 'sub/out2'],
    ]
    for (const [target, name] of links) symlinkSync(target, join(root, name))
    const paths = hostilePaths()
    expect(new Set(paths).size).toBeGreaterThanOrEqual(200)
    for (const own of [base, `/api/v1/workspaces/${id}`, `/internal/v1/sandboxes/${id}`])
      for (let i = 0; i < paths.length; i += 16)
        await Promise.all(paths.slice(i, i + 16).map((path) => tryAll(own, path)))
    expect(readFileSync(outside, 'utf8')).toBe('SECRET')
    expect(readFileSync('/etc/passwd', 'utf8')).toContain('root')
    expect(() => readFileSync(join(server.folder, 'not-there'))).toThrow()
    expect(server.logged.filter((line) => line.includes('internal'))).toEqual([])
  }, 240_000)

  /** The path as what is read, written, made, moved from and to, and run in. Nothing of it succeeds. */
  async function tryAll(own: string, path: string): Promise<void> {
    const isSandbox = own.includes('/sandboxes/')
    const entries = isSandbox ? '/files/entries' : '/entries'
    const entry = isSandbox ? '/files/entry' : '/entries'
    const move = isSandbox ? '/files/move' : '/entries/move'
    const requests: [string, string, unknown?][] = [
      ['GET', `${entries}?path=${q(path)}`],
      ['GET', `/files/content?path=${q(path)}`],
      ['GET', `/files/download?path=${q(path)}`],
      ['PUT', '/files/content', { path: `${path}/planted`, content: 'x' }],
      ['PUT', `/files/upload?path=${q(`${path}/planted`)}`, new Uint8Array([1])],
      ['POST', '/directories', { path: `${path}/planted`, createParents: true }],
      ['PATCH', move, { sourcePath: 'AGENTS.md', targetPath: `${path}/planted` }],
      ['PATCH', move, { sourcePath: `${path}/passwd`, targetPath: 'stolen' }],
      ['DELETE', `${entry}?path=${q(`${path}/planted`)}&recursive=true`],
    ]
    if (isSandbox) {
      requests.push(['GET', `/files/stat?path=${q(path)}`])
      requests.push(['POST', '/commands/process', { executable: 'true', cwd: path }])
    }
    for (const [method, rest, body] of requests) {
      const answer = await server.ask(method, own + rest, body)
      const told = JSON.stringify(answer.body)
      const isRoot = ['', '.', './'].includes(path)
      if (isRoot) continue
      expect([method, rest.slice(0, 200), path.slice(0, 80), answer.status]).toEqual([
        method,
        rest.slice(0, 200),
        path.slice(0, 80),
        expect.toSatisfy((status: number) => status >= 400 && status < 500),
      ])
      expect(told).not.toContain('SECRET')
      expect(told).not.toContain('root:x:')
      expect(told).not.toContain(server.folder)
    }
  }

  it('in the address itself lead nowhere either', async () => {
    const raw = (path: string): Promise<number> =>
      new Promise((resolve, reject) => {
        const { port } = new URL(server.url)
        get({ host: '127.0.0.1', port, path }, (response) => {
          response.resume()
          resolve(response.statusCode ?? 0)
        }).on('error', reject)
      })
    for (const path of [
      '/api/v1/sandboxes/../../etc/files/entries',
      '/api/v1/sandboxes/..%2f..%2f/files/entries',
      '/api/v1/sandboxes/%2e%2e/files/entries',
      `/api/v1/sandboxes/${id}%2f..%2f/files/entries`,
      '/api/v1/sandboxes/ws_../files/entries',
      `/api/v1/sandboxes/${id.toUpperCase()}/files/entries`,
      '/api/v1/workspaces/%00/entries',
    ]) {
      const status = await raw(path)
      expect([path, status >= 400 && status < 500]).toEqual([path, true])
    }
  })
})
