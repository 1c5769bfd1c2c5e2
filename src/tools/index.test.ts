import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Agent } from '../kernel/agent.ts'
import { isFault } from '../kernel/fault.ts'
import type { Json } from '../kernel/part.ts'
import type { ToolItem } from '../kernel/ports.ts'
import { createRunner, openWorkspace } from '../sandbox/index.ts'
import { anAgent, type Bench, collect, last, openBench } from './fixtures/bench.ts'

const sandbox = { runner: createRunner(), openWorkspace }

let bench: Bench

beforeEach(async () => {
  bench = await openBench(sandbox)
})

afterEach(async () => {
  await bench.close()
})

const outputOf = async (name: string, input: Json): Promise<string> => {
  const item = await bench.use(name, input)
  return `${item.kind}: ${item.output}`
}

describe('which tools an agent has', () => {
  const names = async (changes: Partial<Agent>): Promise<string> =>
    (await bench.toolbox.open(anAgent(changes))).tools
      .map((t) => t.name)
      .sort()
      .join(' ')
  const skills = [{ name: 's', about: 'x', file: '/x' }]

  test('follows preset, allow and deny, and deny wins', async () => {
    const all = 'ask_user edit glob grep list read shell skill task todo web_fetch write'
    expect(await names({ skills })).toBe(all)
    expect(await names({ tools: { preset: 'coding', allow: [], deny: [] }, skills })).toBe(
      'ask_user edit glob grep list read shell skill todo write',
    )
    expect(await names({ tools: { preset: 'readonly', allow: ['t*'], deny: ['task'] } })).toBe(
      'glob grep list read todo',
    )
    expect(await names({ tools: { preset: 'none', allow: ['shell', 'skill'], deny: [] } })).toBe(
      'shell',
    )
    expect(await names({ tools: { preset: 'full', allow: ['*'], deny: ['*'] } })).toBe('')
    expect(
      await names({ tools: { preset: 'none', allow: ['task'], deny: [] }, children: [] }),
    ).toBe('')
  })

  test('tells a model an object schema for each', async () => {
    const { tools } = await bench.toolbox.open(anAgent({ skills }))
    for (const tool of tools) {
      expect(tool.input, tool.name).toMatchObject({ type: 'object', additionalProperties: false })
      expect(tool.about.length, tool.name).toBeGreaterThan(10)
    }
    const nature = Object.fromEntries(
      tools.map((t) => [t.name, `${t.access} ${t.readOnly} ${t.replayable} ${t.kind}`]),
    )
    expect(nature).toEqual({
      read: 'read true true plain',
      list: 'read true true plain',
      glob: 'read true true plain',
      grep: 'read true true plain',
      skill: 'read true true plain',
      write: 'write false true plain',
      edit: 'write false false plain',
      shell: 'execute false false plain',
      web_fetch: 'network true true plain',
      todo: 'none false true plain',
      ask_user: 'none false false question',
      task: 'agent false false child',
    })
  })
})

describe('every tool', () => {
  test('says what is wrong with an input, and runs nothing', async () => {
    const { tools } = await bench.toolbox.open(
      anAgent({ skills: [{ name: 's', about: '', file: '/x' }] }),
    )
    for (const tool of tools)
      for (const input of [
        null,
        'x',
        [],
        { nonsense: 1 },
        { path: 7, command: [], url: {} },
      ] as Json[]) {
        if (tool.name === 'list' && input !== null && typeof input !== 'object') continue
        const item = last(await collect(tool.run(input, bench.context())))
        expect(item.kind, tool.name).toBe('failed')
        expect(item.output, tool.name).toContain('The input is wrong.')
        expect(tool.subject(input)).toBe('')
      }
  })

  test('ends as failed when it was cancelled before', async () => {
    const item = await bench.use(
      'write',
      { path: 'x', content: '' },
      { signal: AbortSignal.abort() },
    )
    expect(item).toEqual({ kind: 'failed', output: 'Cancelled.' })
    expect(await outputOf('list', {})).toBe('done: The folder is empty.')
  })
})

describe('files', () => {
  test('are written, read, edited, listed and found', async () => {
    expect(await outputOf('write', { path: 'a/x.txt', content: 'one\ntwo\nthree\n' })).toBe(
      'done: Created a/x.txt (14 bytes).',
    )
    expect(await outputOf('write', { path: '/workspace/b.txt', content: '' })).toContain(
      'Created b.txt',
    )
    expect(await outputOf('read', { path: 'a/x.txt', offset: 2, limit: 1 })).toBe(
      'done:      2\ttwo\n[lines 2-2 of 3] Read on with offset 3.',
    )
    expect(
      await outputOf('read', { path: `${bench.root}/a/x.txt`, offset: null, limit: null }),
    ).toContain('\n[lines 1-3 of 3]')
    expect(await outputOf('read', { path: 'b.txt' })).toBe(
      'done: The file is empty.\n[lines 0-0 of 0]',
    )
    expect(await outputOf('read', { path: 'a/x.txt', offset: 9 })).toContain('ends before line 9')
    expect(await outputOf('edit', { path: 'a/x.txt', old: 'two', new: '2' })).toBe(
      'done: Edited a/x.txt in 1 place, the first at line 2.',
    )
    expect(await outputOf('edit', { path: 'a/x.txt', old: 'two', new: '2' })).toContain(
      'failed: The old text',
    )
    expect(await outputOf('list', {})).toBe('done: a/\nb.txt (0)')
    expect(await outputOf('glob', { pattern: '**/*.txt' })).toBe('done: a/x.txt\nb.txt')
    expect(await outputOf('glob', { pattern: '*.md' })).toBe('done: Nothing matches.')
    expect(await outputOf('grep', { pattern: '^T', ignoreCase: true })).toBe(
      'done: a/x.txt:3: three',
    )
    expect(await outputOf('grep', { pattern: 'zzz' })).toBe('done: Nothing matches in 2 files.')
    expect(await outputOf('grep', { pattern: '(' })).toContain('failed: Invalid regular expression')
  })

  test('outside do not exist, and the answer does not tell where they are', async () => {
    await symlink('/etc', join(bench.root, 'etc'))
    for (const path of ['../x', '/etc/passwd', 'etc/passwd', 'a\0b'])
      for (const [name, more] of [
        ['read', {}],
        ['write', { content: 'x' }],
        ['edit', { old: 'a', new: 'b' }],
        ['list', {}],
      ] as const) {
        const output = await outputOf(name, { path, ...more })
        expect(output.startsWith('failed: '), `${name} ${path}`).toBe(true)
        expect(output).not.toContain('root:')
      }
  })

  test('long lines and binaries are bounded', async () => {
    await bench.use('write', { path: 'long', content: `${'x'.repeat(50_000)}\n`.repeat(20) })
    const { output } = await bench.use('read', { path: 'long' })
    expect(output).toContain('[... line cut]')
    expect(output.length).toBeLessThan(60_000)
    await writeFile(join(bench.root, 'bin'), Buffer.alloc(10))
    expect(await outputOf('read', { path: 'bin' })).toBe(
      'failed: bin is a binary file of 10 bytes.',
    )
  })

  test('have one subject, however the path is written', async () => {
    const read = await bench.tool('read')
    for (const path of ['s/k', './s//k', 'x/../s/k', '/workspace/s/k', '/workspace/x/../s/./k'])
      expect(read.subject({ path })).toBe('s/k')
    expect(read.subject({ path: '../../x' })).toBe('../../x')
    expect(read.subject({ path: '/etc/../x' })).toBe('/x')
    expect((await bench.tool('list')).subject({})).toBe('.')
    expect(read.grant({ path: 's/k' })).toBe(null)
  })

  test.each([
    ['src/a.ts', 'src/*'],
    ['./src//deep/../deep/a.ts', 'src/deep/*'],
    ['/workspace/src/a.ts', 'src/*'],
    ['/home/me/src/a.ts', 'src/*'],
    ['a.ts', './*'],
    ['/etc/passwd', '\0'],
    ['../a', '\0'],
    ['s*/a', '\0'],
  ])('an always for %j covers %j', async (path, pattern) => {
    for (const name of ['write', 'edit']) {
      const input = { path, content: '', old: 'x', new: 'y' }
      const { content: _, ...edit } = input
      const { old: __, new: ___, ...write } = input
      const tool = await bench.tool(name)
      expect(tool.grant(name === 'edit' ? edit : write, '/home/me')).toBe(pattern)
    }
  })
})

describe('shell', () => {
  test('runs in the workspace, tells its process first, and its exit code', async () => {
    const shell = await bench.tool('shell')
    const items = await collect(
      shell.run({ command: 'echo hi > f; echo said; exit 2' }, bench.context()),
    )
    expect(items[0]).toMatchObject({ kind: 'process', process: { pid: expect.any(Number) } })
    expect(items[1]).toEqual({ kind: 'progress', text: 'said\n' })
    expect(last(items)).toMatchObject({
      kind: 'failed',
      output: 'said\n[exit 2]',
      meta: { exitCode: 2, rawBytes: 5 },
    })
    expect(await readFile(join(bench.root, 'f'), 'utf8')).toBe('hi\n')
    expect(await outputOf('shell', { command: 'true' })).toBe(
      'done: [The command printed nothing.]',
    )
    expect(await outputOf('shell', { command: 'sleep 60', timeoutMs: 100 })).toContain('time limit')
    expect(await outputOf('shell', { command: 'x', timeoutMs: 600_001 })).toContain('timeoutMs')
  })

  test('is ended by an abort, and does nothing when nobody asks for the second item', async () => {
    const controller = new AbortController()
    const items: ToolItem[] = []
    const shell = await bench.tool('shell')
    const context = bench.context({ signal: controller.signal })
    for await (const item of shell.run({ command: 'echo go; sleep 60' }, context)) {
      items.push(item)
      if (item.kind === 'progress') controller.abort()
    }
    expect(last(items)).toMatchObject({ kind: 'failed', output: 'go\n[Cancelled.]' })
    for await (const item of shell.run({ command: 'touch never' }, bench.context())) {
      expect(item.kind).toBe('process')
      break
    }
    expect(await outputOf('glob', { pattern: 'never' })).toBe('done: Nothing matches.')
  })

  test.each([
    ['git status -s', 'git *'],
    ['  npm   test ', 'npm *'],
    ['./run.sh a', './run.sh *'],
    ['ls', 'ls'],
    ['git status; rm -rf .', 'git status; rm -rf .'],
    ['echo $(id)', 'echo $(id)'],
    ['A=1 git status', 'A=1 git status'],
    ['A=1 *', '\0'],
    ['bash -c ls', 'bash -c ls'],
    ['/usr/bin/sudo ls', '/usr/bin/sudo ls'],
    ['env *', '\0'],
    ['*/x y', '\0'],
    ['rm *.tmp', 'rm *'],
  ])('an always for %j covers %j', async (command, pattern) => {
    expect((await bench.tool('shell')).grant({ command })).toBe(pattern)
  })
})

describe('the rest', () => {
  test('todo keeps the list and gives it back', async () => {
    const items = [
      { text: 'a', status: 'done' },
      { text: 'b', status: 'in_progress' },
      { text: 'c', status: 'pending' },
    ]
    expect(await outputOf('todo', { items })).toBe('done: [x] a\n[>] b\n[ ] c')
    expect(bench.memory.get('items')).toEqual(items)
    expect(await outputOf('todo', { items: [{ text: 'a', status: 'later' }] })).toContain(
      'items.0.status',
    )
  })

  test('ask_user makes a question that can be answered freely', async () => {
    const ask = await bench.tool('ask_user')
    expect(
      ask.question?.({ question: 'Which?', options: ['a', { label: 'b', about: 'B' }] }),
    ).toEqual({
      text: 'Which?',
      options: [{ label: 'a' }, { label: 'b', about: 'B' }],
      schema: {
        anyOf: [
          { type: 'string', enum: ['a', 'b'] },
          { type: 'string', minLength: 1 },
        ],
      },
    })
    expect(ask.question?.({ question: 'Why?' })).toEqual({
      text: 'Why?',
      schema: { type: 'string', minLength: 1 },
    })
    expect(isFault(ask.question?.({}))).toBe(true)
  })

  test('task names an agent that may be given tasks', async () => {
    const task = await bench.tool('task')
    expect(task.child?.({ prompt: 'Do it.\nNow.' })).toEqual({
      agent: null,
      name: 'Do it.',
      prompt: 'Do it.\nNow.',
    })
    const some = await bench.tool('task', anAgent({ children: ['writer'] }))
    expect(some.child?.({ prompt: 'x', agent: 'writer', name: 'n' })).toEqual({
      agent: 'writer',
      name: 'n',
      prompt: 'x',
    })
    expect(some.child?.({ prompt: 'x', agent: 'other' })).toMatchObject({ code: 'unknown_agent' })
    expect(some.child?.({ prompt: 'x' })).toMatchObject({ code: 'unknown_agent' })
    expect(isFault(some.child?.({}))).toBe(true)
  })

  test('skill reads the text as it is now, and lists when it does not know one', async () => {
    const file = join(bench.root, 'SKILL.md')
    await writeFile(file, 'First.')
    const agent = anAgent({ skills: [{ name: 'pdf', about: 'reads PDFs', file }] })
    expect((await bench.use('skill', { name: 'pdf' }, { agent })).output).toBe('First.')
    await writeFile(file, 'Second.')
    expect((await bench.use('skill', { name: 'pdf' }, { agent })).output).toBe('Second.')
    expect(await bench.use('skill', { name: 'doc' }, { agent })).toMatchObject({
      kind: 'failed',
      output: 'There is no skill "doc".\nYour skills:\n- pdf: reads PDFs',
    })
  })

  test('skill reads what lies beside its instructions, and nothing else', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'manifold-skill-'))
    try {
      await mkdir(join(folder, 'pdf', 'notes'), { recursive: true })
      await writeFile(join(folder, 'secret.txt'), 'secret')
      await writeFile(join(folder, 'pdf', 'SKILL.md'), 'How.')
      await writeFile(join(folder, 'pdf', 'notes', 'fonts.md'), 'Fonts.')
      await symlink(join(folder, 'secret.txt'), join(folder, 'pdf', 'link.md'))
      const file = join(folder, 'pdf', 'SKILL.md')
      const agent = anAgent({ skills: [{ name: 'pdf', about: 'reads PDFs', file }] })
      const read = async (more: object) =>
        (await bench.use('skill', { name: 'pdf', ...more }, { agent })).output
      const files = 'Files of this skill, to be read with `file`: notes/fonts.md'
      expect(await read({})).toBe(`How.\n\n${files}`)
      expect(await read({ file: 'notes/fonts.md' })).toBe('Fonts.')
      for (const wrong of ['../secret.txt', 'link.md', '/etc/passwd', 'nothing.md'])
        expect(await read({ file: wrong })).toContain(`has no file ${JSON.stringify(wrong)}`)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
