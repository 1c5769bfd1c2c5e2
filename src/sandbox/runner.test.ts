import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { chown, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ProcessMark } from '../kernel/event.ts'
import type { Exit, RunItem, Runner, RunSpec } from '../kernel/workspace.ts'
import { createCapture } from './capture.ts'
import { createRunner } from './runner.ts'

const works = (await createRunner({ mode: 'auto' }).describe()).mode === 'bubblewrap'
let top: string
let root: string

beforeEach(async () => {
  top = await mkdtemp(join(await realpath(tmpdir()), 'manifold-run-'))
  root = join(top, 'ws')
  await mkdir(root)
})

afterEach(async () => {
  await rm(top, { recursive: true, force: true })
})

interface Ran {
  exit: Exit
  text: string
  told: string
  mark: ProcessMark | null
}

async function finish(items: AsyncIterable<RunItem>): Promise<Ran> {
  let told = ''
  let mark: ProcessMark | null = null
  for await (const item of items) {
    if (item.kind === 'process') mark = item.process
    else if (item.kind === 'output') told += item.text
    else return { exit: item.exit, text: item.exit.stdout.text, told, mark }
  }
  throw new Error('no exit')
}

/** A number of seconds to sleep that nobody else on the machine sleeps for. */
const nap = (): string => `3${Math.floor(Math.random() * 1e9)}`

const isNapping = (seconds: string): boolean =>
  readdirSync('/proc').some((pid) => {
    if (!/^[0-9]+$/.test(pid)) return false
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8') === `sleep\0${seconds}\0`
    } catch {
      return false
    }
  })

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(10)
}

describe.each(['bubblewrap', 'plain'] as const)('commands with mode %s', (mode) => {
  const runs = mode === 'plain' || works ? test : test.skip
  let runner: Runner
  const run = (command: RunSpec['command'], more: Partial<RunSpec> = {}): Promise<Ran> =>
    finish(runner.run({ root, command, timeoutMs: 20_000, ...more }))

  beforeEach(() => {
    runner = createRunner({ mode })
  })

  runs('gives output in order, exit code, and says what walls there are', async () => {
    const { exit, text, told, mark } = await run('echo a; echo b >&2; echo c; pwd; exit 3')
    expect(text).toBe(`a\nb\nc\n${root}\n`)
    expect(told).toBe(text)
    expect(exit).toMatchObject({ cause: 'exited', code: 3, isolation: { mode } })
    expect(exit.isolation.notice === null).toBe(mode === 'bubblewrap')
    expect(mark?.pid).toBeGreaterThan(1)
  })

  runs('tells the outputs apart, takes input and arguments, and folders inside only', async () => {
    const apart = await run('cat; echo e >&2', { streams: 'apart', stdin: 'in' })
    expect([apart.exit.stdout.text, apart.exit.stderr.text]).toEqual(['in', 'e\n'])
    const args = await run({ file: 'printf', args: ['%s|', '$HOME', ';id'] })
    expect(args.text).toBe('$HOME|;id|')
    await mkdir(join(root, 'in'))
    await symlink('/usr', join(root, 'out'))
    expect((await run('pwd', { cwd: join(root, 'in') })).text).toBe(`${root}/in\n`)
    for (const cwd of [join(root, 'out'), '/', join(root, 'none')])
      expect((await run('pwd', { cwd })).exit.cause).toBe('failed')
    expect((await run({ file: 'no-such-program', args: [] })).exit.code).toBe(127)
  })

  runs('has nothing of the server in its environment', async () => {
    const { text } = await run('env', { env: { MORE: 'given' } })
    const names = text
      .trim()
      .split('\n')
      .map((line) => line.split('=')[0])
    const known = [
      'HOME',
      'LANG',
      'MANIFOLD_PROCESS',
      'MORE',
      'OLDPWD',
      'PATH',
      'PWD',
      'SHLVL',
      'TERM',
      '_',
    ]
    expect(names.filter((name) => !known.includes(name as string))).toEqual([])
    expect(text).toContain(`HOME=${root}\n`)
    expect((await run('ls /proc/self/fd')).text.trim().split('\n').length).toBeLessThan(6)
  })

  runs('does nothing until the next item is asked for', async () => {
    const file = join(root, 'acted')
    const items = runner
      .run({ root, command: 'touch acted', timeoutMs: null })
      [Symbol.asyncIterator]()
    expect((await items.next()).value).toMatchObject({ kind: 'process' })
    await sleep(200)
    expect(existsSync(file)).toBe(false)
    await items.next()
    expect(existsSync(file)).toBe(true)
    await items.return?.()
    await rm(file)
    const never = runner
      .run({ root, command: 'touch acted', timeoutMs: null })
      [Symbol.asyncIterator]()
    const first = (await never.next()).value as Extract<RunItem, { kind: 'process' }>
    await never.return?.()
    await until(() => !existsSync(`/proc/${first.process.pid}`))
    expect(existsSync(file)).toBe(false)
  })

  runs('ends everything when time is up, also what ignores being told', async () => {
    const [a, b] = [nap(), nap()]
    const command = `trap "" TERM; (trap "" TERM; sleep ${a}) & echo ready; while :; do sleep ${b}; done`
    const { exit, text } = await run(command, { timeoutMs: 500 })
    expect(exit).toMatchObject({ cause: 'timeout' })
    expect(text).toContain('ready')
    await until(() => !isNapping(a) && !isNapping(b))
  })

  runs('lets a command that listens clean up when time is up', async () => {
    const { exit, text } = await run(
      'trap "echo bye; exit 0" TERM; echo ready; while :; do sleep 0.05; done',
      {
        timeoutMs: 700,
      },
    )
    expect(exit.cause).toBe('timeout')
    expect(text).toMatch(/^ready\n(Terminated\n)?bye\n$/)
  })

  runs('is ended at once by an abort', async () => {
    const seconds = nap()
    const controller = new AbortController()
    const command = `trap "" TERM INT HUP; echo ready; sleep ${seconds} & wait; sleep ${seconds}`
    const items = runner.run({ root, command, timeoutMs: null, signal: controller.signal })
    for await (const item of items) {
      if (item.kind === 'output') controller.abort()
      if (item.kind === 'exit') expect(item.exit.cause).toBe('aborted')
    }
    await until(() => !isNapping(seconds))
    const before = await run('touch acted', { signal: AbortSignal.abort() })
    expect(before.exit.cause).toBe('aborted')
    expect(existsSync(join(root, 'acted'))).toBe(false)
  })

  runs('does not wait for what was left behind, and leaves nothing', async () => {
    const [a, b] = [nap(), nap()]
    const { exit, text } = await run(`sleep ${a} & setsid sleep ${b} & echo done`)
    expect([exit.cause, exit.code, text]).toEqual(['exited', 0, 'done\n'])
    expect(exit.durationMs).toBeLessThan(30_000)
    await until(() => !isNapping(a) && !isNapping(b))
  })

  runs('keeps a bounded part of a flood', async () => {
    const before = process.memoryUsage().rss
    const { exit, told } = await run(
      'echo first; head -c 100000000 /dev/zero | tr "\\0" x; echo last',
    )
    expect(exit.stdout).toMatchObject({ bytes: 100_000_011, truncated: true })
    expect(exit.stdout.text.length).toBeLessThan(257 * 1024)
    expect(exit.stdout.text.startsWith('first\nx')).toBe(true)
    expect(exit.stdout.text.endsWith('xlast\n')).toBe(true)
    expect(told.length).toBeLessThan(257 * 1024)
    expect(process.memoryUsage().rss - before).toBeLessThan(90_000_000)
  })

  runs('reaps the process that was marked and no other', async () => {
    const seconds = nap()
    const items = runner
      .run({ root, command: `sleep ${seconds}`, timeoutMs: null })
      [Symbol.asyncIterator]()
    const { process: mark } = (await items.next()).value as Extract<RunItem, { kind: 'process' }>
    const end = items.next()
    await until(() => isNapping(seconds))
    expect(runner.reap({ ...mark, startTicks: mark.startTicks - 1 })).toBe(false)
    expect(runner.reap({ ...mark, startTicks: mark.startTicks + 1 })).toBe(false)
    expect(runner.reap({ ...mark, bootId: '00000000-0000-0000-0000-000000000000' })).toBe(false)
    expect(runner.reap({ ...mark, pid: 1 })).toBe(false)
    expect(isNapping(seconds)).toBe(true)
    expect(runner.reap(mark)).toBe(true)
    expect((await end).value).toMatchObject({ kind: 'exit', exit: { signal: 'SIGKILL' } })
    await until(() => !isNapping(seconds))
    expect(runner.reap(mark)).toBe(false)
  })

  runs('launches what goes on, with its output in a file', async () => {
    const output = join(root, 'log.txt')
    const marks: ProcessMark[] = []
    const seconds = nap()
    const { process: mark } = await runner.launch({
      root,
      command: `echo out; echo err >&2; sleep ${seconds}`,
      output,
      onMark: async (m) => {
        marks.push(m)
        expect(existsSync(output) && readFileSync(output, 'utf8')).toBe('')
      },
    })
    await until(() => isNapping(seconds))
    expect(await readFile(output, 'utf8')).toBe('out\nerr\n')
    expect(marks).toEqual([mark])
    expect(runner.reap(mark as ProcessMark)).toBe(true)
    await until(() => !isNapping(seconds))
  })

  runs('is found again by a later server after the first one was killed', async () => {
    const seconds = nap()
    const source = `
      import { createRunner } from ${JSON.stringify(new URL('./runner.ts', import.meta.url).href)}
      const runner = createRunner({ mode: ${JSON.stringify(mode)} })
      const command = ${JSON.stringify(`setsid sleep ${seconds} & sleep ${seconds}`)}
      for await (const item of runner.run({ root: ${JSON.stringify(root)}, command, timeoutMs: null }))
        if (item.kind === 'process') console.log(JSON.stringify(item.process))`
    const script = join(top, 'server.mts')
    await writeFile(script, source)
    const tsx = new URL('../../node_modules/tsx/dist/loader.mjs', import.meta.url).href
    const server = spawn(process.execPath, ['--import', tsx, script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(server.stdout, 'data')) as [Buffer]
    const mark = JSON.parse(line.toString()) as ProcessMark
    await until(() => isNapping(seconds))
    server.kill('SIGKILL')
    await once(server, 'exit')
    if (mode === 'plain') expect(runner.reap(mark)).toBe(true)
    await until(() => !isNapping(seconds))
    expect(runner.reap(mark)).toBe(false)
  })
})

describe.skipIf(!works)('behind walls', () => {
  test('only the workspace can be written, and what is hidden cannot be seen', async () => {
    const data = join(top, 'data')
    const inner = join(root, 'state')
    await mkdir(data)
    await mkdir(inner)
    await writeFile(join(data, 'key'), 'secret')
    await writeFile(join(inner, 'key'), 'secret')
    const runner = createRunner({ mode: 'bubblewrap', hidden: [data, inner, join(top, 'none')] })
    const command = `cat ${data}/key ${inner}/key; touch ${top}/x /usr/manifold-x /etc/manifold-x; ls /root /home; echo hi > w; cat /workspace/w`
    const { text } = await finish(runner.run({ root, command, timeoutMs: 20_000 }))
    expect(text).not.toContain('secret')
    expect(text.endsWith('hi\n')).toBe(true)
    expect([join(top, 'x'), '/usr/manifold-x', '/etc/manifold-x'].some(existsSync)).toBe(false)
    expect(await readFile(join(root, 'w'), 'utf8')).toBe('hi\n')
  })

  test('a variable that a workspace sets has no effect before the walls are there', async () => {
    const runner = createRunner({ mode: 'bubblewrap' })
    // Every program that runs in front of the walls would write a trace of itself.
    const env = { LD_DEBUG: 'files', LD_DEBUG_OUTPUT: join(top, 'trace'), EXTRA: 'a b\n"c"' }
    const ran = runner.run({ root, command: 'printf %s "$EXTRA"', env, timeoutMs: 20_000 })
    expect((await finish(ran)).text).toContain('a b\n"c"')
    expect(readdirSync(top)).toEqual(['ws'])
  })

  test('a variable cannot take the walls down', async () => {
    const runner = createRunner({ mode: 'bubblewrap' })
    const inject = `x\0--bind\0${top}\0${top}`
    const wrong: Record<string, string>[] = [{ A: inject }, { 'A=B': 'x' }, { '': 'x' }]
    for (const env of wrong) {
      const { exit } = await finish(runner.run({ root, command: 'true', env, timeoutMs: 20_000 }))
      expect(exit).toMatchObject({ cause: 'failed', problem: expect.stringContaining('variable') })
    }
  })

  test('files of another owner in the workspace can be changed', async () => {
    const shared = join(root, 'shared')
    await mkdir(shared)
    await writeFile(join(shared, 'f'), 'old')
    if (process.getuid?.() === 0)
      for (const path of [join(shared, 'f'), shared]) await chown(path, 1234, 1234)
    const runner = createRunner({ mode: 'bubblewrap' })
    const command = 'echo new > shared/f && touch shared/g && cat shared/f'
    const { text } = await finish(runner.run({ root, command, timeoutMs: 20_000 }))
    expect(text).toBe('new\n')
  })

  test('the settings of the kernel cannot be changed, not even by root', async () => {
    const runner = createRunner({ mode: 'bubblewrap' })
    const command =
      'for f in kernel/core_pattern kernel/hostname vm/overcommit_memory; do (cat /proc/sys/$f > v; cat v > /proc/sys/$f) && echo changed; done; cat /proc/sys/kernel/pid_max'
    const { text } = await finish(runner.run({ root, command, timeoutMs: 20_000 }))
    expect(text).not.toContain('changed')
    expect(text).toMatch(/\d+\n$/)
  })

  test('there is no network unless it is allowed', async () => {
    const count = async (network: boolean): Promise<number> => {
      const runner = createRunner({ mode: 'bubblewrap', network })
      const { text } = await finish(
        runner.run({ root, command: 'cat /proc/net/dev', timeoutMs: 20_000 }),
      )
      return text.trim().split('\n').length - 2
    }
    expect(await count(false)).toBe(1)
    expect(await count(true)).toBe(
      readFileSync('/proc/net/dev', 'utf8').trim().split('\n').length - 2,
    )
  })
})

test('nothing runs where walls are demanded and there are none', async () => {
  const runner = createRunner({ mode: 'bubblewrap', path: join(top, 'nothing') })
  const { exit } = await finish(runner.run({ root, command: 'touch x', timeoutMs: 1000 }))
  expect(exit.cause).toBe('failed')
  expect(exit.problem).toContain('bubblewrap is not installed')
  expect(existsSync(join(root, 'x'))).toBe(false)
  const auto = createRunner({ mode: 'auto', path: join(top, 'nothing') })
  expect(await auto.describe()).toMatchObject({ mode: 'plain', isolated: false })
})

describe('a capture', () => {
  test.each([0, 1, 5, 99, 100, 101, 150, 1000])('keeps both ends of %i characters', (length) => {
    for (const unit of ['x', '\u00e4', '\u20ac', '\u{1f600}']) {
      const whole = Buffer.from(unit.repeat(length))
      for (const step of [1, 7, 64, 5000]) {
        const capture = createCapture(100)
        for (let i = 0; i < whole.length; i += step) capture.add(whole.subarray(i, i + step))
        const { text, bytes, truncated } = capture.result()
        expect([bytes, truncated]).toEqual([whole.length, whole.length > 100])
        expect(text).not.toContain('\ufffd')
        if (!truncated) expect(text).toBe(whole.toString())
        else expect(Buffer.byteLength(text)).toBeLessThan(150)
      }
    }
  })
})
