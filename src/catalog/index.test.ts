import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Fault } from '../kernel/fault.ts'
import { clearUnfinished } from './folder-write.ts'
import { type CatalogOptions, type EditableCatalog, openCatalog } from './index.ts'

let root: string
let agents: string
const opened: EditableCatalog[] = []

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'catalog-'))
  agents = join(root, 'agents')
})

afterEach(async () => {
  for (const catalog of opened.splice(0)) await catalog.close()
  await rm(root, { recursive: true, force: true })
})

async function open(options: Partial<CatalogOptions> = {}): Promise<EditableCatalog> {
  const catalog = await openCatalog({ folders: [agents], writable: agents, ...options })
  opened.push(catalog)
  return catalog
}

/** Writes files below a folder: `put(agents, { 'a/agent.json': '{}' })`. */
async function put(folder: string, files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name)
    await mkdir(join(path, '..'), { recursive: true })
    await writeFile(path, text)
  }
}

const names = (catalog: EditableCatalog): string[] => catalog.agents().map((a) => a.name)

/** Resolves when a change was told after which the condition holds. */
function becomes(catalog: EditableCatalog, holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const stop = catalog.onChange(() => {
      if (!holds()) return
      stop()
      resolve()
    })
    if (holds()) resolve()
  })
}

const fault = (code: string) =>
  expect.objectContaining<Partial<Fault>>({ code: code as Fault['code'] })

describe('first start', () => {
  it('writes an assistant that a person can read and edit', async () => {
    const catalog = await open()
    expect(names(catalog)).toEqual(['assistant'])
    expect(catalog.agent('assistant')).toMatchObject({
      folder: join(agents, 'assistant'),
      model: null,
      tools: { preset: 'full' },
      extra: { displayName: 'Assistant' },
    })
    expect(catalog.problems()).toEqual([])
    expect(await readdir(join(agents, 'assistant'))).toEqual(['SOUL.md', 'agent.json'])
    const mode = (await stat(join(agents, 'assistant', 'agent.json'))).mode & 0o777
    expect(mode).toBe(0o600)
  })

  it('leaves it deleted when there are others, and still answers to its name', async () => {
    await (await open()).close()
    await rm(join(agents, 'assistant'), { recursive: true })
    await put(agents, { 'cook/agent.json': '{}' })
    const catalog = await open()
    expect(names(catalog)).toEqual(['cook'])
    expect(catalog.agent('assistant')).toMatchObject({ name: 'assistant', folder: null })
    expect(existsSync(join(agents, 'assistant'))).toBe(false)
  })

  it('writes it again when nothing else is left', async () => {
    await (await open()).close()
    await rm(join(agents, 'assistant'), { recursive: true })
    expect(names(await open())).toEqual(['assistant'])
  })

  it('does not put one beside another of the same name', async () => {
    const own = join(root, 'own')
    await put(own, { 'a/agent.json': '{"name":"assistant","description":"mine"}' })
    const catalog = await open({ folders: [own, agents] })
    expect(catalog.agent('assistant')?.about).toBe('mine')
    expect(existsSync(agents)).toBe(false)
  })

  it('goes on with the built-in one where nothing can be written', async () => {
    await writeFile(join(root, 'file'), '')
    const writable = join(root, 'file', 'agents')
    const catalog = await open({ folders: [writable], writable })
    expect(catalog.problems()).toEqual([
      { file: join(writable, 'assistant'), problem: expect.stringContaining('ENOTDIR') },
    ])
    expect(catalog.agents()).toMatchObject([{ name: 'assistant', folder: null }])
  })
})

describe('reading', () => {
  it('takes settings, prompt, memory and skills from a folder', async () => {
    await put(agents, {
      'cook/agent.json': '{"name":"chef","model":"ollama:llama3.2"}',
      'cook/SOUL.md': 'You cook.\n',
      'cook/AGENTS.md': 'No nuts.\n',
      'cook/skills/sauce.md':
        '---\nname: sauces\ndescription: |\n  How to bind\n  a sauce\n---\nStir.\n',
      'cook/skills/bake/SKILL.md': '---\r\ndescription: "Bread: how"\r\n---\r\nKnead.\r\n',
      'cook/skills/off/SKILL.md': '---\nname: off\n---\n',
      'cook/skills/off/.disabled': '',
      'cook/skills/README.md': 'About these skills.',
    })
    const catalog = await open()
    const chef = catalog.agent('chef')
    expect(catalog.problems()).toEqual([])
    expect(chef).toMatchObject({
      model: 'ollama:llama3.2',
      instructions: 'You cook.\n\n# What you remember\n\nNo nuts.',
      folder: join(agents, 'cook'),
    })
    expect(chef?.skills).toEqual([
      { name: 'bake', about: 'Bread: how', file: join(agents, 'cook/skills/bake/SKILL.md') },
      { name: 'sauces', about: 'How to bind\na sauce', file: join(agents, 'cook/skills/sauce.md') },
    ])
    expect(catalog.agent('cook')).toBeNull()
  })

  it('reports a bad file with its place and harms no other', async () => {
    await put(agents, {
      'bad/agent.json': '{"name": "bad", }',
      'good/agent.json': '{}',
      'lost/SOUL.md': 'Who am I?',
      'odd name/agent.json': '{}',
      'skilled/agent.json': '{"skills":{"dirs":["skills","../good"]}}',
      'skilled/skills/a.md': 'no front matter',
      'skilled/skills/b.md': '---\nname: [\n---\n',
      'skilled/skills/c.md': '---\n- list\n---\n',
      'skilled/skills/d.md': '---\nname: &a x\ndescription: *a\n---\n',
      'stray/agent.json': '{"subagents":["good","nobody","assistant"]}',
      'notes/readme.txt': 'not an agent',
    })
    const catalog = await open()
    expect(names(catalog)).toEqual(['good', 'skilled', 'stray'])
    const problems = catalog
      .problems()
      .map((p) => `${p.file.slice(agents.length + 1)}: ${p.problem}`)
    expect(problems).toEqual([
      'bad/agent.json: is not valid JSON (line 1, column 17)',
      'lost/agent.json: is missing; the least it can say is {}',
      expect.stringMatching(/^odd name\/agent\.json: the name of an agent/),
      expect.stringMatching(/^skilled\/skills\/a\.md: needs front matter/),
      expect.stringMatching(/^skilled\/skills\/b\.md: its front matter is not valid YAML/),
      expect.stringMatching(/^skilled\/skills\/c\.md: its front matter must be fields/),
      expect.stringMatching(/^skilled\/skills\/d\.md: its front matter uses references/),
      expect.stringMatching(/^good: leads out of/),
      'stray/agent.json: subagents: there is no agent nobody',
    ])
  })

  it('uses the first of two with the same name and reports the other', async () => {
    const other = join(root, 'other')
    await put(agents, { 'a/agent.json': '{"name":"x","description":"first"}' })
    await put(other, {
      'b/agent.json': '{"name":"x","description":"second"}',
      'c/agent.json': '{"name":"y"}',
    })
    const catalog = await open({ folders: [agents, other] })
    expect(names(catalog)).toEqual(['x', 'y'])
    expect(catalog.agent('x')?.about).toBe('first')
    expect(catalog.problems()).toEqual([
      {
        file: join(other, 'b', 'agent.json'),
        problem: expect.stringContaining('there is an agent x already'),
      },
    ])
    expect(names(await open({ folders: [other, agents] }))).toEqual(['x', 'y'])
    expect(opened.at(-1)?.agent('x')?.about).toBe('second')
  })

  it('does not follow links out of an agent’s folder, nor wait for a pipe', async () => {
    await put(root, { secret: 'hush', 'else/skills/s/SKILL.md': '---\nname: s\n---\n' })
    await put(agents, { 'a/agent.json': '{}', 'b/agent.json': '{}' })
    await symlink(join(root, 'secret'), join(agents, 'a', 'SOUL.md'))
    await symlink(join(root, 'else', 'skills'), join(agents, 'b', 'skills'))
    await mkdir(join(agents, 'c', 'agent.json'), { recursive: true })
    const catalog = await open()
    expect(names(catalog)).toEqual(['b'])
    expect(catalog.agent('b')?.skills).toEqual([])
    expect(catalog.problems().map((p) => p.problem)).toEqual([
      expect.stringContaining('leads out'),
      expect.stringContaining('leads out'),
      expect.stringContaining('is not a file'),
    ])
  })

  it('follows a link that a person put in place of an agent’s folder', async () => {
    await put(root, { 'work/mine/agent.json': '{"name":"mine"}', 'work/mine/SOUL.md': 'Hi.' })
    await mkdir(agents)
    await symlink(join(root, 'work', 'mine'), join(agents, 'mine'))
    expect((await open()).agent('mine')?.instructions).toBe('Hi.')
  })

  it('gives a revision that changes with every text of the agent, and with nothing else', async () => {
    await put(agents, { 'a/agent.json': '{}', 'a/SOUL.md': 'x' })
    const catalog = await open()
    const revision = () => catalog.agent('a')?.revision
    const seen = [revision()]
    for (const [file, text] of [
      ['a/agent.json', '{ }'],
      ['a/SOUL.md', 'y'],
      ['a/AGENTS.md', 'z'],
      ['a/skills/s.md', '---\nname: s\n---\none'],
      ['a/skills/s.md', '---\nname: s\n---\ntwo'],
    ] as const) {
      await put(agents, { [file]: text })
      await catalog.refresh()
      seen.push(revision())
    }
    expect(new Set(seen).size).toBe(6)
    expect(seen.every((r) => /^[0-9a-f]{64}$/.test(r ?? ''))).toBe(true)
    await put(agents, { 'a/notes.txt': 'n', 'b/agent.json': '{}' })
    await catalog.refresh()
    expect(revision()).toBe(seen.at(-1))
  })
})

describe('watching', () => {
  it('takes up edits, new agents and removals by itself', async () => {
    await put(agents, { 'a/agent.json': '{}', 'a/SOUL.md': 'one' })
    const catalog = await open()
    await put(agents, { 'a/SOUL.md': 'two' })
    await becomes(catalog, () => catalog.agent('a')?.instructions === 'two')
    await put(agents, { 'b/agent.json': '{"description":"new"}' })
    await becomes(catalog, () => catalog.agent('b')?.about === 'new')
    await put(agents, { 'b/skills/s/SKILL.md': '---\nname: s\n---\n' })
    await becomes(catalog, () => catalog.agent('b')?.skills.length === 1)
    await put(agents, { 'b/skills/s/SKILL.md': '---\nname: t\n---\n' })
    await becomes(catalog, () => catalog.agent('b')?.skills[0]?.name === 't')
    await rename(join(agents, 'b'), join(root, 'b'))
    await becomes(catalog, () => catalog.agent('b') === null)
    await rename(join(root, 'b'), join(agents, 'b'))
    await becomes(catalog, () => catalog.agent('b') !== null)
    await rm(join(agents, 'a'), { recursive: true })
    await becomes(catalog, () => catalog.agent('a') === null)
  })

  it('needs no looking around where the system tells of changes', async () => {
    await put(agents, { 'a/agent.json': '{}', 'a/skills/s.md': '---\nname: s\n---\n' })
    const catalog = await open({ pollMs: { watched: 600_000, unwatched: 600_000 } })
    await put(agents, { 'a/SOUL.md': 'one' })
    await becomes(catalog, () => catalog.agent('a')?.instructions === 'one')
    await put(agents, { 'a/skills/s.md': '---\nname: t\n---\n' })
    await becomes(catalog, () => catalog.agent('a')?.skills[0]?.name === 't')
  })

  it('keeps the last good version of an agent whose file goes bad', async () => {
    await put(agents, { 'a/agent.json': '{"description":"good"}' })
    const catalog = await open()
    const good = catalog.agent('a')
    await put(agents, { 'a/agent.json': '{"description":' })
    await becomes(catalog, () => catalog.problems().length === 1)
    expect(catalog.agent('a')).toBe(good)
    await put(agents, { 'a/agent.json': '{"description":"better"}' })
    await becomes(catalog, () => catalog.agent('a')?.about === 'better')
    expect(catalog.problems()).toEqual([])
  })

  it('finds a folder that appears later, and one that was replaced', async () => {
    const late = join(root, 'late')
    const catalog = await open({
      folders: [late, agents],
      pollMs: { watched: 60_000, unwatched: 20 },
    })
    await put(late, { 'a/agent.json': '{"description":"one"}' })
    await becomes(catalog, () => catalog.agent('a')?.about === 'one')
    await rm(late, { recursive: true })
    await becomes(catalog, () => catalog.agent('a') === null)
    await put(late, { 'a/agent.json': '{"description":"two"}' })
    await becomes(catalog, () => catalog.agent('a')?.about === 'two')
  })

  it('sees two edits of the same length in the same moment', async () => {
    await put(agents, { 'a/agent.json': '{}', 'a/SOUL.md': '0' })
    const catalog = await open()
    for (let i = 1; i <= 20; i++) {
      await writeFile(join(agents, 'a', 'SOUL.md'), String(i % 10))
      await catalog.refresh()
      expect(catalog.agent('a')?.instructions).toBe(String(i % 10))
    }
  })

  it('tells its listeners only of changes, and nobody after close', async () => {
    await put(agents, { 'a/agent.json': '{}' })
    const catalog = await open()
    let told = 0
    const stop = catalog.onChange(() => told++)
    await catalog.refresh()
    expect(told).toBe(0)
    await put(agents, { 'a/SOUL.md': 'x' })
    await catalog.refresh()
    expect(told).toBe(1)
    stop()
    await put(agents, { 'a/SOUL.md': 'y' })
    await catalog.refresh()
    expect(told).toBe(1)
    catalog.onChange(() => told++)
    await catalog.close()
    await put(agents, { 'a/SOUL.md': 'z' })
    await catalog.refresh()
    expect(told).toBe(1)
  })

  it('keeps no process alive', async () => {
    await put(agents, { 'a/agent.json': '{}' })
    const module = fileURLToPath(new URL('./index.ts', import.meta.url))
    const code = `import(${JSON.stringify(module)}).then(async ({ openCatalog }) => {
      const folder = ${JSON.stringify(agents)}
      const catalog = await openCatalog({ folders: [folder], writable: folder })
      console.log(catalog.agents().length)
    })`
    const child = spawn(process.execPath, ['--import', 'tsx', '-e', code], { stdio: 'pipe' })
    const out: Buffer[] = []
    child.stdout.on('data', (bytes: Buffer) => out.push(bytes))
    const exit = await new Promise((resolve) => child.on('exit', resolve))
    expect([exit, Buffer.concat(out).toString().trim()]).toEqual([0, '1'])
  })
})

describe('editing', () => {
  it('makes an agent and gives it as it was read back', async () => {
    const catalog = await open()
    let told = 0
    catalog.onChange(() => told++)
    const agent = await catalog.write('cook', {
      config: { description: 'Cooks.', tools: { preset: 'readonly' }, icon: 'pot' },
      instructions: 'You cook.',
    })
    expect(agent).toMatchObject({ name: 'cook', about: 'Cooks.', instructions: 'You cook.' })
    expect(agent.extra).toEqual({ icon: 'pot' })
    expect(catalog.agent('cook')).toBe(agent)
    expect(told).toBe(1)
    expect(JSON.parse(await readFile(join(agents, 'cook/agent.json'), 'utf8'))).toEqual({
      name: 'cook',
      description: 'Cooks.',
      tools: { preset: 'readonly' },
      icon: 'pot',
    })
    expect((await readdir(agents)).sort()).toEqual(['assistant', 'cook'])
  })

  it('changes what is named and leaves the rest', async () => {
    await put(agents, {
      'kitchen/agent.json': '{"name":"cook","description":"old"}',
      'kitchen/SOUL.md': 'old',
      'kitchen/skills/s.md': '---\nname: s\n---\n',
    })
    const catalog = await open()
    const soul = await catalog.write('cook', { instructions: 'new' })
    expect(soul).toMatchObject({ about: 'old', instructions: 'new', skills: [{ name: 's' }] })
    const config = await catalog.write('cook', { config: { description: 'new' } })
    expect(config).toMatchObject({
      about: 'new',
      instructions: 'new',
      folder: join(agents, 'kitchen'),
    })
    expect(await catalog.source('cook')).toEqual({
      config: { name: 'cook', description: 'new' },
      soul: 'new',
      memory: '',
      isWritable: true,
    })
  })

  it('mends an agent that was broken', async () => {
    await put(agents, { 'cook/agent.json': '{', 'other/agent.json': '{}' })
    const catalog = await open()
    expect(catalog.agent('cook')).toBeNull()
    await catalog.write('cook', { config: {} })
    expect(names(catalog)).toEqual(['cook', 'other'])
    expect(catalog.problems()).toEqual([])
  })

  it.each(['', '.', '..', '../x', 'a/b', '/etc', '.hidden', 'a b', 'a'.repeat(65), 'a\0', 'ä'])(
    'refuses the name %j',
    async (name) => {
      const catalog = await open()
      await expect(catalog.write(name, { config: {} })).rejects.toEqual(fault('invalid'))
      await expect(catalog.remove(name)).rejects.toEqual(fault('not_found'))
      expect(await readdir(root)).toEqual(['agents'])
      expect(await readdir(agents)).toEqual(['assistant'])
    },
  )

  it('writes nothing of an edit that is not right', async () => {
    const catalog = await open()
    const wrong: [Parameters<EditableCatalog['write']>[1], string][] = [
      [{ config: { tools: { preset: 'all' } }, instructions: 'x' }, 'invalid'],
      [{ config: { name: 'other' } }, 'invalid'],
      [{ instructions: 'x'.repeat(1_048_577) }, 'too_large'],
    ]
    for (const [edit, code] of wrong)
      await expect(catalog.write('a', edit)).rejects.toEqual(fault(code))
    expect(await readdir(agents)).toEqual(['assistant'])
    await expect(catalog.write('a', { config: { maxTurns: 0 } })).rejects.toMatchObject({
      details: { issues: [{ path: 'maxTurns' }] },
    })
  })

  it('does not touch folders that it only reads', async () => {
    const own = join(root, 'own')
    await put(own, { 'a/agent.json': '{"name":"a","description":"own"}' })
    const first = await open({ folders: [own, agents] })
    await expect(first.write('a', { instructions: 'x' })).rejects.toEqual(fault('forbidden'))
    await expect(first.remove('a')).rejects.toEqual(fault('forbidden'))
    expect(await first.source('a')).toMatchObject({ isWritable: false })
    const last = await open({ folders: [agents, own] })
    expect(await last.write('a', { instructions: 'x' })).toMatchObject({
      folder: join(agents, 'a'),
    })
    await last.remove('a')
    expect(last.agent('a')?.about).toBe('own')
  })

  it('removes an agent whole, and only agents that are there', async () => {
    await put(agents, { 'a/agent.json': '{}', 'a/skills/s.md': 'x', 'b/agent.json': '{' })
    const catalog = await open()
    await catalog.remove('a')
    await catalog.remove('b')
    expect(await readdir(agents)).toEqual([])
    await expect(catalog.remove('a')).rejects.toEqual(fault('not_found'))
    await expect(catalog.remove('assistant')).rejects.toEqual(fault('forbidden'))
  })

  it('does not take another agent’s folder', async () => {
    await put(agents, { 'a/agent.json': '{"name":"b"}' })
    const catalog = await open()
    await expect(catalog.write('a', { instructions: 'x' })).rejects.toEqual(fault('conflict'))
    expect(existsSync(join(agents, 'a', 'SOUL.md'))).toBe(false)
  })

  it('does one edit after the other', async () => {
    const catalog = await open()
    const souls = Array.from({ length: 10 }, (_, i) => `soul ${i}`)
    const written = await Promise.all(
      souls.map((soul) => catalog.write('a', { instructions: soul })),
    )
    expect(written.map((a) => a.instructions)).toEqual(souls)
  })

  it('says when the folder cannot be written', async () => {
    const catalog = await open()
    await rm(agents, { recursive: true })
    await writeFile(agents, '')
    await expect(catalog.write('a', { instructions: 'x' })).rejects.toEqual(fault('unavailable'))
  })

  it('clears what a crash has left behind, but not what is being written', async () => {
    await put(agents, { '.new-0123456789ab/agent.json': '{}', '.keep/x': '' })
    await (await open()).close()
    expect((await readdir(agents)).sort()).toEqual(['.keep', '.new-0123456789ab', 'assistant'])
    await clearUnfinished(agents, 0)
    expect((await readdir(agents)).sort()).toEqual(['.keep', 'assistant'])
  })

  it('keeps what it writes from other users', async () => {
    const catalog = await open()
    await catalog.write('a', { instructions: 'x' })
    await chmod(join(agents, 'a', 'SOUL.md'), 0o644)
    await catalog.write('a', { instructions: 'y' })
    expect((await stat(join(agents, 'a'))).mode & 0o777).toBe(0o700)
    expect((await stat(join(agents, 'a', 'SOUL.md'))).mode & 0o777).toBe(0o600)
  })
})
