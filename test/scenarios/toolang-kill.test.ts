/**
 * Jobs under kill -9 at random moments: each is run exactly once, its effect happens at most once, and
 * where it did not happen the log says that nobody knows. `MANIFOLD_JOBS=300 MANIFOLD_JOB_KILLS=60`
 * makes a campaign of it.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { dice } from '../crash/seed.ts'
import { ask, type Fields, until } from './toolang-agent.ts'

const JOBS = Number(process.env.MANIFOLD_JOBS ?? 40)
const KILLS = Number(process.env.MANIFOLD_JOB_KILLS ?? 5)
const SEED = Number(process.env.MANIFOLD_SEED ?? 20_261_122)

interface Server {
  url: string
  kill(): Promise<void>
}

function spawnAgent(folder: string): Promise<Server> {
  const file = join(import.meta.dirname, 'toolang-process.ts')
  const child = spawn(process.execPath, ['--import', 'tsx', file, folder], {
    cwd: join(import.meta.dirname, '../..'),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const gone = new Promise<void>((done) => child.once('exit', () => done()))
  return new Promise((resolve, reject) => {
    let errors = ''
    child.stderr?.on('data', (chunk) => {
      errors += String(chunk)
    })
    void gone.then(() => reject(new Error(`the server ended: ${errors}`)))
    onLine(child, (url) => {
      const kill = async () => {
        child.kill('SIGKILL')
        await gone
      }
      resolve({ url, kill })
    })
  })
}

function onLine(child: ChildProcess, then: (url: string) => void): void {
  let text = ''
  child.stdout?.on('data', (chunk) => {
    text += String(chunk)
    const url = /listening on (\S+)/.exec(text)?.[1]
    if (url) then(url)
  })
}

const taskOf = (n: number) => ({
  title: `job ${n}`,
  body: `script ${JSON.stringify([
    [
      { say: `working on ${n}` },
      { call: 'shell', input: { command: `echo job-${n}. >> effects.txt; sleep 0.05` } },
    ],
    [{ say: `done ${n}` }],
  ])}`,
})

describe('kill -9', () => {
  it(`${KILLS} times over ${JOBS} jobs, and each is run once`, {
    timeout: 120_000 + KILLS * 20_000 + JOBS * 2_000,
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'manifold-jobs-'))
    const random = dice(SEED)
    let server = await spawnAgent(folder)
    const tasks: string[] = []
    try {
      /** One request after the other; a kill in the middle is a request that may or may not have counted. */
      const create = async () => {
        for (let n = 0; n < JOBS; ) {
          const answer = await ask(server.url, 'POST', '/api/v1/tasks', { body: taskOf(n) }).catch(
            () => null,
          )
          if (answer?.status === 201) tasks.push(answer.body.item.id)
          if (answer?.status === 201) n++
          else await pause(50)
        }
      }
      const creating = create()
      for (let kill = 0; kill < KILLS; kill++) {
        await pause(random.between(200, 1_500))
        await server.kill()
        server = await spawnAgent(folder)
      }
      await creating
      const all = await until(
        async () =>
          (await ask(server.url, 'GET', '/api/v1/tasks')).body.items.filter((t: Fields) => t),
        (items: Fields[]) => items.every((t) => t.stage === 'done' || t.stage === 'failed'),
      )
      const findings = await judge(server.url, all, join(folder, 'workspace', 'effects.txt'))
      expect(findings.wrong).toEqual([])
      expect(tasks.every((id) => all.some((t: Fields) => t.id === id))).toBe(true)
      expect(all.length).toBeGreaterThanOrEqual(JOBS)
      console.info(JSON.stringify({ jobs: all.length, kills: KILLS, unknown: findings.unknown }))
    } finally {
      await server.kill()
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

/** A request that was cut off may have made a second task of the same title: effects are per task. */
async function judge(url: string, tasks: Fields[], file: string) {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []
  const wrong: string[] = []
  let unknown = 0
  const effects = new Map<string, { wanted: number; unknown: number }>()
  for (const task of tasks) {
    const thread = `task_${task.id}`
    const { body } = await ask(url, 'GET', `/api/v1/threads/${thread}?limit=-1`)
    if (body.runs.length !== 1) wrong.push(`${task.title}: ${body.runs.length} runs`)
    if (task.stage !== 'done') wrong.push(`${task.title}: ${task.stage}`)
    const steps = (body.runs[0]?.output.steps ?? []) as Fields[]
    const tool = steps.filter((s) => s.record.kind === 'tool_call')
    if (tool.length !== 1) wrong.push(`${task.title}: ${tool.length} tool steps`)
    const isUnknown = tool[0]?.record.status !== 'finished'
    if (isUnknown) unknown++
    const mark = effects.get(task.title) ?? { wanted: 0, unknown: 0 }
    effects.set(task.title, {
      wanted: mark.wanted + 1,
      unknown: mark.unknown + (isUnknown ? 1 : 0),
    })
  }
  for (const [title, { wanted, unknown: unsure }] of effects) {
    const n = title.replace('job ', '')
    const count = lines.filter((l) => l === `job-${n}.`).length
    if (count > wanted || count < wanted - unsure)
      wrong.push(`${title}: ${count} effects of ${wanted}, ${unsure} unknown`)
  }
  return { wrong, unknown }
}
