import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Fault } from '../kernel/fault.ts'
import type { Workspace } from '../kernel/workspace.ts'
import { openWorkspace } from './workspace.ts'

const SECRET = 'the secret outside'
let top: string
let root: string
let outside: string
let workspace: Workspace

beforeEach(async () => {
  top = await mkdtemp(join(await realpath(tmpdir()), 'manifold-files-'))
  root = join(top, 'ws')
  outside = join(top, 'outside')
  await mkdir(join(root, 'sub/deep'), { recursive: true })
  await mkdir(join(outside, 'folder'), { recursive: true })
  await writeFile(join(outside, 'secret.txt'), SECRET)
  await writeFile(join(outside, 'folder/secret.txt'), SECRET)
  await writeFile(join(root, 'a.txt'), 'one\ntwo\nthree\n')
  workspace = await openWorkspace(root)
})

afterEach(async () => {
  await rm(top, { recursive: true, force: true })
})

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'fine',
    (error: unknown) => {
      if (!(error instanceof Fault)) throw error
      return error.code
    },
  )

async function makeTraps(): Promise<void> {
  await symlink(outside, join(root, 'out'))
  await symlink('../outside', join(root, 'rel'))
  await symlink(join(outside, 'secret.txt'), join(root, 'file'))
  await symlink('../../../outside/secret.txt', join(root, 'sub/deep/up'))
  await symlink('one', join(root, 'two'))
  await symlink('out/folder', join(root, 'one'))
  await symlink('/', join(root, 'slash'))
  await symlink('/proc/self/root', join(root, 'proc'))
  await symlink('/proc/self/cwd', join(root, 'cwd'))
  await symlink('..', join(root, 'parent'))
  await symlink('loop', join(root, 'loop'))
  await symlink('pong', join(root, 'ping'))
  await symlink('ping', join(root, 'pong'))
  await symlink('sub/../../outside', join(root, 'sneaky'))
  await symlink(`${root}/../outside`, join(root, 'mixed'))
  await symlink('/workspace/../outside', join(root, 'virtual'))
}

/** Every way out that we could think of, each leading to a file or a folder outside. */
function hostilePaths(): string[] {
  const up = ['..', './..', 'sub/../..', 'sub/deep/../../..', 'nothing/../..', '../ws/..', './/..']
  const ends = [
    '/outside/secret.txt',
    '/outside',
    '/outside/folder/secret.txt',
    '/outside/new.txt',
    '',
  ]
  const climbs = up.flatMap((u) => ends.map((end) => u + end))
  const links = ['out', 'rel', 'two', 'one', 'parent/outside', 'sneaky', 'mixed', 'virtual']
  const through = links.flatMap((l) => [
    l,
    `${l}/`,
    `${l}/secret.txt`,
    `${l}/folder`,
    `${l}/new.txt`,
    `./${l}//secret.txt`,
  ])
  const roots = ['slash', 'proc', 'parent/..'].map((l) => l + outside)
  const absolute = [
    outside,
    `${outside}/secret.txt`,
    `${root}/../outside/secret.txt`,
    `/workspace/../outside/secret.txt`,
    `/workspace/sub/../../outside/secret.txt`,
    `${root}x/secret.txt`,
    `/proc/self/root${outside}/secret.txt`,
    '/proc/self/environ',
    '/proc/1/environ',
    '/dev/null',
    '/etc/passwd',
    '/',
    '//',
    `//${outside}`,
    '/workspaces/x',
    `${root}/out/secret.txt`,
    '/workspace/out/secret.txt',
    `/proc/self/cwd/../..${outside}/secret.txt`,
  ]
  const odd = [
    'file',
    'file/',
    'sub/deep/up',
    'loop',
    'loop/x',
    'ping',
    'a\0/../../outside/secret.txt',
    '\0',
    'out\0',
    'x'.repeat(300),
    `${'x/'.repeat(3000)}y`,
    `${'../'.repeat(50)}etc/passwd`,
    'cwd/../../../etc/passwd',
    'OUT/../../outside/secret.txt',
    '\u202e../..',
    'sub/\u2025/../../../outside/secret.txt',
    '..\u2215outside',
    '%2e%2e/outside/secret.txt/../../../outside/secret.txt',
    '\ud800/../../outside',
  ]
  return [...climbs, ...through, ...roots, ...absolute, ...odd]
}

const seen = async (): Promise<string> =>
  JSON.stringify([
    (await readdir(outside, { recursive: true })).sort(),
    await readFile(join(outside, 'secret.txt'), 'utf8'),
    (await readdir(top)).sort(),
  ])

describe('a workspace', () => {
  test('lets no hostile path out, with any operation', async () => {
    await makeTraps()
    const before = await seen()
    const paths = hostilePaths()
    expect(paths.length).toBeGreaterThan(100)
    for (const path of paths) {
      const read = await workspace.read(path).then(
        (piece) => piece.bytes.toString(),
        (error: unknown) => String((error as Fault).code),
      )
      expect(read, path).not.toContain('secret')
      const entries = await workspace.list(path).catch(() => [])
      expect(JSON.stringify(entries), path).not.toContain('secret.txt')
      const work = [
        workspace.write(path, 'x'),
        workspace.append(path, 'x'),
        workspace.edit(path, { old: 'secret', new: 'x' }),
        workspace.mkdir(`${path}/made`),
        workspace.move('a.txt', `${path}/moved`),
        workspace.remove(`${path}/secret.txt`),
        workspace.remove(`${path}/folder`, { recursive: true }),
        workspace.stream(`${path}/secret.txt`).then(({ body }) => body.destroy()),
        workspace.grep('secret', { path }),
        workspace.glob('**', { path }),
      ]
      for (const w of await Promise.allSettled(work))
        if (w.status === 'rejected') expect(w.reason, path).toBeInstanceOf(Fault)
      expect(await seen(), path).toBe(before)
      await writeFile(join(root, 'a.txt'), 'one\n').catch(() => {})
    }
  })

  test('is not left when a folder is swapped for a link during the operation', async () => {
    await mkdir(join(root, 'd'))
    await writeFile(join(root, 'd/secret.txt'), 'inside')
    // What a write makes while the folder is away is cleared, so that the folder can come back.
    const swap = `const fs = require('fs'); process.chdir(${JSON.stringify(root)})
      const clear = () => fs.rmSync('d', { recursive: true, force: true })
      const attempt = (act) => { try { act() } catch {} }
      process.stdout.write('go')
      for (;;) {
        attempt(() => fs.renameSync('d', 't'))
        attempt(() => fs.symlinkSync(${JSON.stringify(outside)}, 'd'))
        attempt(clear)
        attempt(() => fs.renameSync('t', 'd'))
        if (fs.existsSync('t')) attempt(clear)
        attempt(() => fs.renameSync('t', 'd'))
      }`
    const swapper = spawn(process.execPath, ['-e', swap], { stdio: ['ignore', 'pipe', 'inherit'] })
    const gone = once(swapper, 'exit')
    await once(swapper.stdout, 'data')
    const before = await seen()
    const outcomes = new Set<string>()
    try {
      for (let i = 0; i < 300; i++) {
        const piece = await workspace.read('d/secret.txt').catch((error: Fault) => error)
        const text = piece instanceof Fault ? piece.code : Buffer.from(piece.bytes).toString()
        outcomes.add(text)
        await workspace
          .write('d/new.txt', 'x')
          .catch((error) => expect(error).toBeInstanceOf(Fault))
        await workspace.remove('d/folder', { recursive: true }).catch(() => {})
        await workspace.remove('d/secret.tx_', {}).catch(() => {})
      }
    } finally {
      swapper.kill('SIGKILL')
      await gone
    }
    expect(outcomes).toContain('inside')
    expect(outcomes).not.toContain(SECRET)
    expect(await seen()).toBe(before)
  })

  test('follows links that stay inside, absolute ones and virtual ones too', async () => {
    await symlink('sub', join(root, 's1'))
    await symlink(join(root, 's1'), join(root, 's2'))
    await symlink('/workspace/s2', join(root, 's3'))
    await workspace.write('s3/deep/new/x.txt', 'hello')
    expect(await readFile(join(root, 'sub/deep/new/x.txt'), 'utf8')).toBe('hello')
    for (const path of [`${root}/s2/deep/new/x.txt`, '/workspace/sub//deep/./new/../new/x.txt'])
      expect((await workspace.read(path)).entry.path).toBe('sub/deep/new/x.txt')
    expect((await workspace.stat('/workspace')).path).toBe('.')
  })

  test('refuses what is neither file nor folder, without waiting for it', async () => {
    const fifo = spawn('mkfifo', [join(root, 'fifo')])
    await once(fifo, 'exit')
    for (const work of [
      workspace.read('fifo'),
      workspace.write('fifo', 'x'),
      workspace.append('fifo', 'x'),
    ])
      expect(await codeOf(work)).toBe('unsupported')
    expect((await workspace.list('')).find((e) => e.name === 'fifo')?.kind).toBe('other')
    expect(await codeOf(openWorkspace('/proc'))).toBe('unsupported')
    expect(await codeOf(openWorkspace('/'))).toBe('invalid')
    expect(await codeOf(openWorkspace(join(top, 'nothing')))).toBe('not_found')
  })

  test('does not have the folders that are hidden', async () => {
    await workspace.write('data/key', SECRET)
    await symlink('data', join(root, 'alias'))
    const guarded = await openWorkspace(root, { hidden: [join(root, 'data')] })
    for (const path of ['data/key', 'alias/key', 'data', `${root}/data/key`])
      expect(await codeOf(guarded.read(path)), path).toBe('not_found')
    expect(await codeOf(guarded.write('data/x', ''))).toBe('not_found')
    expect((await guarded.list('')).map((e) => e.name)).not.toContain('data')
    expect((await guarded.glob('**')).paths.join()).not.toContain('data')
    expect((await guarded.grep('secret')).hits).toEqual([])
  })

  test('writes whole files, keeps their mode, and minds etag and overwrite', async () => {
    await chmod(join(root, 'a.txt'), 0o751)
    const { entry, created } = await workspace.write('a.txt', 'new')
    expect(created).toBe(false)
    expect((await stat(join(root, 'a.txt'))).mode & 0o777).toBe(0o751)
    expect(await codeOf(workspace.write('a.txt', 'x', { overwrite: false }))).toBe('conflict')
    expect(await codeOf(workspace.write('a.txt', 'x', { ifMatch: 'W/"0-0-0"' }))).toBe('stale')
    expect(await codeOf(workspace.write('none.txt', 'x', { ifMatch: entry.etag }))).toBe('stale')
    const again = await workspace.write('a.txt', 'newer', {
      ifMatch: entry.etag,
      mtimeMs: 1_000_000,
    })
    expect(again.entry.mtimeMs).toBe(1_000_000)
    expect((await workspace.write('b/c.txt', 'x', { overwrite: false })).created).toBe(true)
    expect((await workspace.append('b/c.txt', 'yz')).size).toBe(3)
    expect(await codeOf(workspace.write('sub', 'x'))).toBe('conflict')
    expect(await codeOf(workspace.write('a.txt/x', 'x'))).toBe('conflict')
    expect((await readdir(root)).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  test('makes of many changes at once one after another', async () => {
    await workspace.write('n.txt', 'x')
    const work = Array.from({ length: 20 }, (_, i) =>
      workspace.edit('n.txt', { old: 'x', new: `${i},x` }),
    )
    await Promise.all(work)
    const numbers = (await workspace.read('n.txt')).bytes.toString().split(',').slice(0, -1)
    expect(numbers.map(Number).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, i) => i),
    )
  })

  test('moves and removes, and never the root', async () => {
    await workspace.write('x/1.txt', '1')
    await workspace.write('x/2.txt', '2')
    expect(await codeOf(workspace.move('x/1.txt', 'x/2.txt'))).toBe('conflict')
    expect((await workspace.move('x/1.txt', 'y/z/2.txt')).path).toBe('y/z/2.txt')
    await workspace.move('y/z/2.txt', 'x/2.txt', { overwrite: true })
    expect((await workspace.read('x/2.txt')).bytes.toString()).toBe('1')
    expect(await codeOf(workspace.remove('x'))).toBe('conflict')
    await symlink(outside, join(root, 'x/link'))
    expect((await workspace.remove('x', { recursive: true })).kind).toBe('directory')
    expect(await readdir(outside)).toContain('secret.txt')
    for (const path of ['', '.', '/workspace', 'sub/..', root])
      expect(await codeOf(workspace.remove(path, { recursive: true })), path).toBe('invalid')
    expect(await codeOf(workspace.move('sub', 'sub/deep/in'))).toBe('invalid')
    expect(await codeOf(workspace.mkdir('no/parent', { parents: false }))).toBe('not_found')
    expect((await workspace.mkdir('sub')).kind).toBe('directory')
  })

  test('edits exactly what was meant', async () => {
    await workspace.write('e.txt', 'a\r\nb\r\na\r\n')
    expect(await codeOf(workspace.edit('e.txt', { old: 'a', new: 'x' }))).toBe('conflict')
    expect(await codeOf(workspace.edit('e.txt', { old: 'q', new: 'x' }))).toBe('not_found')
    expect(await codeOf(workspace.edit('e.txt', { old: 'a', new: 'a' }))).toBe('invalid')
    expect(await workspace.edit('e.txt', { old: 'b\na', new: '$&\nc' })).toMatchObject({
      replaced: 1,
      line: 2,
    })
    expect(await workspace.edit('e.txt', { old: 'a', new: 'z', all: true })).toMatchObject({
      replaced: 1,
    })
    expect((await workspace.read('e.txt')).bytes.toString()).toBe('z\r\n$&\r\nc\r\n')
    await writeFile(join(root, 'bin'), Buffer.from([0x61, 0xff, 0xfe]))
    expect(await codeOf(workspace.edit('bin', { old: 'a', new: 'b' }))).toBe('unsupported')
  })

  test('reads pieces and lines of any file', async () => {
    const lines = Array.from({ length: 5000 }, (_, i) => `line ${i + 1} ${'\u00e4'.repeat(40)}`)
    await workspace.write('big.txt', lines.join('\n'))
    const some = await workspace.lines('big.txt', { from: 4999, count: 10 })
    expect(some).toMatchObject({ lines: lines.slice(4998), total: 5000, from: 4999 })
    const few = await workspace.lines('big.txt', { maxBytes: 250 })
    expect(few).toMatchObject({ lines: lines.slice(0, 2), total: 5000 })
    expect((await workspace.lines('a.txt', {})).lines).toEqual(['one', 'two', 'three'])
    const piece = await workspace.read('a.txt', { offset: 4, maxBytes: 3 })
    expect([piece.bytes.toString(), piece.truncated]).toEqual(['two', true])
    await writeFile(join(root, 'bin'), Buffer.from([1, 0, 2]))
    expect(await codeOf(workspace.lines('bin'))).toBe('unsupported')
    expect(await codeOf(workspace.lines('sub'))).toBe('conflict')
  })
})

describe('a write from a stream', () => {
  test('is seen whole or not at all, and keeps nobody else waiting', async () => {
    let release: () => void = () => {}
    const waiting = new Promise<void>((resolve) => {
      release = resolve
    })
    async function* slow() {
      yield Buffer.from('one ')
      await waiting
      yield Buffer.from('two')
    }
    const writing = workspace.write('slow.txt', slow())
    await workspace.write('other.txt', 'meanwhile')
    await expect(workspace.stat('slow.txt')).rejects.toMatchObject({ code: 'not_found' })
    release()
    expect(await writing).toMatchObject({ created: true, entry: { size: 7 } })
  })

  test('is refused when the file has changed before its end, and leaves nothing behind', async () => {
    const { entry } = await workspace.write('race.txt', 'first')
    async function* slow() {
      yield Buffer.from('late')
      await workspace.write('race.txt', 'second, longer')
    }
    const late = workspace.write('race.txt', slow(), { ifMatch: entry.etag })
    await expect(late).rejects.toMatchObject({ code: 'stale' })
    const broken = (async function* () {
      yield Buffer.from('half')
      throw new Error('the line broke')
    })()
    await expect(workspace.write('race.txt', broken)).rejects.toThrow('the line broke')
    expect(Buffer.from((await workspace.read('race.txt')).bytes).toString()).toBe('second, longer')
    expect((await workspace.list('')).filter((e) => e.name.endsWith('.tmp'))).toEqual([])
  })
})
