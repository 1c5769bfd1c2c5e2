/**
 * Jobs over real sockets: they run, once each, move through their stages, survive restarts, and what
 * was not begun stands in the ledger with its reason. Chores run on a clock that the test sets.
 */

import { afterEach, describe, expect, it } from 'vitest'
import { long } from '../../src/dialects/toolang/id.ts'
import { createJobs } from '../../src/jobs/index.ts'
import type { JobPatch, Jobs, Occurrence } from '../../src/kernel/jobs.ts'
import { type Agent, type AgentOptions, type Fields, openAgent, until } from './toolang-agent.ts'

let agent: Agent
afterEach(() => agent.close())

const start = async (options: AgentOptions = {}) => {
  agent = await openAgent(options)
}

const make = async (coll: string, body: object): Promise<Fields> => {
  const answer = await agent.ask('POST', `/api/v1/${coll}`, body)
  expect(answer.status, JSON.stringify(answer.body)).toBe(201)
  return answer.body.item
}
const job = async (id: string): Promise<Fields> =>
  (await agent.ask('GET', `/api/v1/jobs/${id}`)).body.item
const patch = (id: string, body: object) => agent.ask('PATCH', `/api/v1/jobs/${id}`, body)
const stage = (id: string, wanted: string) =>
  until(
    () => job(id),
    (j) => j.stage === wanted,
  )
const runsOf = async (thread: string): Promise<Fields[]> =>
  (await agent.ask('GET', `/api/v1/runs?limit=-1&thread_id=${thread}`)).body.items
const script = (...turns: unknown[][]) => `script ${JSON.stringify(turns)}`
const HANG = script([{ say: 'a' }, { hang: true }])

describe('a task', () => {
  it('that is ready is done once, on its own thread', async () => {
    await start()
    const task = await make('tasks', { title: ' Fix it ', body: 'Work on ABC-12\nStatus: Open\n' })
    expect(task).toMatchObject({
      ...{ kind: 'task', state: 'active', stage: 'todo', title: 'Fix it' },
      ...{ remote_ref: 'ABC-12', remote_status: 'Open', path: `tasks/${task.id}.md` },
      body: 'Work on ABC-12\nStatus: Open',
    })
    const done = await stage(task.id, 'done')
    expect(done.runtime).toMatchObject({
      ...{ thread_id: `task_${task.id}`, active_run: null, next_run: null },
      last_run: { status: 'succeeded' },
    })
    const threads = await agent.ask('GET', '/api/v1/threads?origin=task')
    expect(threads.body.items[0]).toMatchObject({ id: `task_${task.id}`, origin: 'task' })
    expect(await runsOf(`task_${task.id}`)).toHaveLength(1)
    const chat = await agent.ask('POST', '/api/v1/chat', {
      ...{ thread: `task_${task.id}`, message: { parts: [{ type: 'text', text: 'x' }] } },
    })
    expect(chat.status).toBe(404)
    const events = await agent.ask('GET', '/api/v1/agent/events?limit=-1')
    const updates = events.body.items.filter((e: Fields) => e.type === 'task_update')
    expect(updates[0].payload).toEqual({
      ...{ id: task.id, kind: 'task', action: 'created', path: `tasks/${task.id}.md` },
    })
  })

  it('whose run fails is failed, and is done again when it is put to todo', async () => {
    await start()
    const body = script([{ fail: { message: 'no' } }])
    const { id } = await make('tasks', { body })
    expect((await stage(id, 'failed')).runtime.last_run.status).toBe('failed')
    await patch(id, { body: script([{ say: 'Now well.' }]), stage: 'todo' })
    await stage(id, 'done')
    expect(await runsOf(`task_${id}`)).toHaveLength(2)
  })

  it('that is inactive or not todo is left alone', async () => {
    await start()
    const idle = await make('tasks', { title: 'idle', state: 'inactive' })
    const done = await make('tasks', { title: 'done', stage: 'done' })
    const ready = await make('tasks', { title: 'ready' })
    await stage(ready.id, 'done')
    expect(await runsOf(`task_${idle.id}`)).toEqual([])
    expect(await runsOf(`task_${done.id}`)).toEqual([])
    await patch(idle.id, { state: 'active' })
    await stage(idle.id, 'done')
  })

  it('can be edited while it runs; that counts afterwards', async () => {
    await start()
    const { id } = await make('tasks', { title: 'first', body: HANG })
    const running = await until(
      () => job(id),
      (j) => j.runtime.active_run !== null,
    )
    expect(running.stage).toBe('running')
    const edited = await patch(id, { title: 'second', body: 'other words', stage: 'todo' })
    expect(edited.body.item).toMatchObject({ title: 'second', stage: 'running' })
    expect(await runsOf(`task_${id}`)).toHaveLength(1)
    await agent.ask('POST', `/api/v1/runs/${running.runtime.active_run.id}/stop`)
    await stage(id, 'done')
    const [second, first] = await runsOf(`task_${id}`)
    expect(first).toMatchObject({ status: 'canceled' })
    expect(second).toMatchObject({ status: 'finished', input_text: 'other words' })
  })

  it('is archived, brought back and deleted', async () => {
    await start({ runsJobs: false })
    const { id } = await make('tasks', { title: 'old', state: 'inactive' })
    const { body } = await patch(id, { state: 'archived' })
    expect(body.item.path).toMatch(new RegExp(`^archive/tasks/\\d{8}T\\d\\dZ/${id}\\.md$`))
    expect((await agent.ask('GET', `/api/v1/tasks/${id}`)).status).toBe(404)
    const archived = `/api/v1/tasks/archived/${id}`
    await agent.ask('PATCH', archived, { title: 'While archived' })
    expect((await agent.ask('GET', archived)).body.item.title).toBe('While archived')
    await agent.ask('PATCH', `/api/v1/jobs/archived/${id}`, { state: 'inactive' })
    expect((await job(id)).state).toBe('inactive')
    expect((await agent.ask('DELETE', archived)).status).toBe(404)
    expect((await agent.ask('DELETE', `/api/v1/tasks/${id}`)).status).toBe(405)
    await patch(id, { state: 'archived' })
    expect((await agent.ask('DELETE', archived)).body).toEqual({ deleted: true, id, kind: 'task' })
    expect((await agent.ask('DELETE', archived)).status).toBe(404)
  })

  it('goes on after a restart, and is never run twice', async () => {
    await start()
    const { id } = await make('tasks', { body: HANG })
    const running = await until(
      () => job(id),
      (j) => j.runtime.active_run !== null,
    )
    const { folder } = agent
    await agent.close(false)
    await start({ folder })
    const { item } = (await agent.ask('GET', `/api/v1/tasks/${id}`)).body
    expect(item).toMatchObject({
      stage: 'running',
      runtime: { active_run: { id: running.runtime.active_run.id } },
    })
    await agent.ask('POST', `/api/v1/runs/${running.runtime.active_run.id}/stop`)
    await stage(id, 'failed')
    expect(await runsOf(`task_${id}`)).toHaveLength(1)
  })

  it('whose thread was deleted is failed, and a chore switched off', async () => {
    const errors: string[] = []
    await start({ onError: (_, text) => errors.push(text) })
    const task = await make('tasks', { title: 'doomed', state: 'inactive' })
    const chore = await make('chores', { title: 'doomed', state: 'inactive' })
    for (const { id } of [task, chore]) await agent.engine.erase(long(id) as string)
    await patch(task.id, { state: 'active' })
    await stage(task.id, 'failed')
    await patch(chore.id, { state: 'active', schedule: 'FREQ=SECONDLY' })
    await until(
      () => job(chore.id),
      (j) => j.state === 'inactive',
    )
    expect(errors).toEqual([])
  })

  it('is done also when nothing of it can be noted; the log says that, and the server stops', async () => {
    const errors: string[] = []
    await start({ onError: (_, text) => errors.push(text) })
    const { store } = agent
    const putNew = store.putNew.bind(store)
    store.putNew = (documents) =>
      JSON.stringify(documents).includes('toolang.diary')
        ? Promise.reject(new Error('the disk is full'))
        : putNew(documents)
    const { id } = await make('tasks', { body: 'do it' })
    await stage(id, 'done')
    await agent.close(false)
    expect(new Set(errors)).toEqual(new Set(['a line of the diary could not be written']))
    await start({ folder: agent.folder })
    expect((await job(id)).stage).toBe('done')
  })

  it('of which there are many is run many at a time', async () => {
    await start()
    const made = await Promise.all(
      Array.from({ length: 40 }, (_, n) => make('tasks', { title: `t${n}`, body: `do ${n}` })),
    )
    for (const { id } of made) await stage(id, 'done')
    const runs = await Promise.all(made.map(({ id }) => runsOf(`task_${id}`)))
    expect(runs.map((r) => r.map((x) => x.input_text))).toEqual(made.map((_, n) => [`do ${n}`]))
  })
})

describe('two processes on one store', () => {
  /** What another process would have: its own runner on the same log. */
  const other = () =>
    createJobs({
      ...{ engine: agent.engine, clock: Date.now, timeZone: 'UTC', pollMs: 200 },
      log: { error: (fields, text) => expect.fail(`${text}: ${JSON.stringify(fields)}`) },
    })

  it('that edit one job lose nothing of each other', async () => {
    await start({ runsJobs: false })
    const { id } = await make('tasks', { title: 'both', state: 'inactive' })
    const uuid = long(id) as string
    const edits = Array.from({ length: 20 }, (_, n) => n)
    const chain = async (jobs: Jobs, patchOf: (n: number) => JobPatch) => {
      for (const n of edits) await jobs.patch(uuid, patchOf(n))
    }
    await Promise.all([
      chain(agent.jobs, (n) => ({ title: `t${n}` })),
      chain(other(), (n) => ({ body: `b${n}` })),
    ])
    expect(await job(id)).toMatchObject({ title: 't19', body: 'b19' })
  })

  it('that both look run each job once', async () => {
    await start()
    const second = other()
    await second.start()
    try {
      const made = await Promise.all(
        Array.from({ length: 20 }, (_, n) => make('tasks', { title: `t${n}`, body: `do ${n}` })),
      )
      for (const { id } of made) await stage(id, 'done')
      const runs = await Promise.all(made.map(({ id }) => runsOf(`task_${id}`)))
      expect(runs.map((r) => r.map((x) => x.input_text))).toEqual(made.map((_, n) => [`do ${n}`]))
    } finally {
      await second.close()
    }
  })
})

describe('a chore', () => {
  const at = (text: string): number => Date.parse(text)
  let now = 0
  const clocked = async (text: string, options: AgentOptions = {}) => {
    now = at(text)
    await start({ ...options, clock: () => now, runsJobs: false })
  }
  /** Everything that is owed at that time is begun and comes to its end. */
  const pass = async (text: string) => {
    now = at(text)
    await agent.jobs.look()
    await idle()
    await agent.jobs.look()
  }
  const idle = () =>
    until(
      () => agent.ask('GET', '/api/v1/runs?limit=-1'),
      (a) => a.body.items.every((r: Fields) => r.status !== 'running'),
    )
  const ledger = async (id: string): Promise<Occurrence[]> => agent.jobs.ledger(long(id) as string)
  const begun = async (id: string): Promise<string[]> =>
    (await ledger(id))
      .filter((o) => o.run !== null)
      .map((o) => new Date(o.dueAt).toISOString().slice(0, 16))
  const skipped = async (id: string) =>
    (await ledger(id))
      .filter((o) => o.run === null)
      .map((o) => ({ reason: o.reason, skipped: o.skipped }))

  it('runs at each occurrence once, through a change of the clock', async () => {
    await clocked('2026-03-27T12:00:00Z')
    const chore = await make('chores', {
      title: 'Sweep',
      body: 'Sweep the floor',
      schedule: 'DTSTART;TZID=Europe/Berlin:20260328T090000\nRRULE:FREQ=DAILY',
    })
    expect(chore.runtime.next_run).toEqual({ at: '2026-03-28T08:00:00+00:00' })
    for (const day of ['27', '28', '29', '30'])
      for (const hour of ['06', '07', '08', '09', '10']) {
        await pass(`2026-03-${day}T${hour}:00:00Z`)
        await pass(`2026-03-${day}T${hour}:00:30Z`)
      }
    expect(await begun(chore.id)).toEqual([
      '2026-03-28T08:00',
      '2026-03-29T07:00',
      '2026-03-30T07:00',
    ])
    expect(await skipped(chore.id)).toEqual([])
    const [last] = await runsOf(`chore_${chore.id}`)
    expect(last?.input_text).toBe('# Sweep Sweep the floor')
    expect((await job(chore.id)).runtime).toMatchObject({
      last_run: { status: 'succeeded' },
      next_run: { at: '2026-03-31T07:00:00+00:00' },
    })
  })

  it('is not run twice when the clock is set back', async () => {
    await clocked('2026-06-01T00:00:30Z')
    const { id } = await make('chores', { title: 'Hourly' })
    await pass('2026-06-01T01:00:00Z')
    await pass('2026-06-01T00:10:00Z')
    await pass('2026-06-01T01:00:00Z')
    await pass('2026-06-01T02:00:00Z')
    expect(await begun(id)).toEqual(['2026-06-01T01:00', '2026-06-01T02:00'])
    expect(await skipped(id)).toEqual([{ reason: 'missed', skipped: 1 }])
  })

  it('catches up once after the server was away, and says what it missed', async () => {
    await clocked('2026-06-01T00:00:00Z')
    const { id } = await make('chores', { title: 'Hourly' })
    await pass('2026-06-01T00:00:00Z')
    const { folder } = agent
    await agent.close(false)
    await clocked('2026-06-03T05:30:00Z', { folder })
    await pass('2026-06-03T05:30:00Z')
    await pass('2026-06-03T05:31:00Z')
    expect(await begun(id)).toEqual(['2026-06-01T00:00', '2026-06-03T05:00'])
    expect(await skipped(id)).toEqual([{ reason: 'missed', skipped: 52 }])
    expect(await runsOf(`chore_${id}`)).toHaveLength(2)
  })

  it('does not overlap itself; what came due meanwhile is one run', async () => {
    await clocked('2026-06-01T00:00:00Z')
    const { id } = await make('chores', { title: 'Long', body: HANG })
    await agent.jobs.look()
    const active = await until(
      () => job(id),
      (j) => j.runtime.active_run !== null,
    )
    for (const hour of ['01', '02', '03']) {
      now = at(`2026-06-01T${hour}:00:00Z`)
      await agent.jobs.look()
    }
    expect(await begun(id)).toEqual(['2026-06-01T00:00'])
    await patch(id, { body: 'short' })
    await agent.ask('POST', `/api/v1/runs/${active.runtime.active_run.id}/stop`)
    await pass('2026-06-01T03:00:01Z')
    expect(await begun(id)).toEqual(['2026-06-01T00:00', '2026-06-01T03:00'])
    expect(await skipped(id)).toEqual([{ reason: 'busy', skipped: 2 }])
  })

  it('waits for room no longer than others do', async () => {
    await clocked('2026-06-01T00:00:00Z')
    const made: string[] = []
    for (let n = 0; n < 6; n++)
      made.push((await make('chores', { title: `c${n}`, schedule: 'FREQ=SECONDLY' })).id)
    for (const second of ['01', '02', '03']) {
      now = at(`2026-06-01T00:00:${second}Z`)
      await agent.jobs.look()
      await idle()
    }
    const counts = await Promise.all(made.map(async (id) => (await begun(id)).length))
    expect(Math.min(...counts)).toBeGreaterThan(0)
  })

  it('that is switched off owes nothing for that time', async () => {
    await clocked('2026-06-01T00:00:00Z')
    const { id } = await make('chores', { title: 'Hourly' })
    await pass('2026-06-01T00:00:10Z')
    await patch(id, { state: 'inactive' })
    await pass('2026-06-01T03:30:00Z')
    now = at('2026-06-01T04:30:00Z')
    await patch(id, { state: 'active' })
    await pass('2026-06-01T04:31:00Z')
    await pass('2026-06-01T05:00:00Z')
    expect(await begun(id)).toEqual(['2026-06-01T00:00', '2026-06-01T05:00'])
    expect(await skipped(id)).toEqual([{ reason: 'inactive', skipped: 4 }])
  })

  it('is refused in the words of the real server when its schedule means nothing', async () => {
    await clocked('2026-06-01T00:00:00Z')
    for (const [schedule, words] of [
      ['EVERY=DAY', "unknown parameter 'EVERY'"],
      ['nope', 'not enough values to unpack (expected 2, got 1)'],
      ['FREQ=DAILY;BYHOUR=99', "invalid 'BYHOUR': 99"],
    ]) {
      const { status, body } = await agent.ask('POST', '/api/v1/chores', { schedule })
      expect(status).toBe(400)
      expect(body.detail).toContain(
        `1 validation error for ChoreFile\nschedule\n  Value error, ${words} [type=value_error`,
      )
    }
    const blank = await make('chores', { schedule: ' ', state: 'inactive' })
    expect(blank.schedule).toBe('FREQ=HOURLY;INTERVAL=1')
    const wrong = await patch(blank.id, { schedule: 'nope' })
    expect(wrong.status).toBe(400)
    expect((await job(blank.id)).schedule).toBe('FREQ=HOURLY;INTERVAL=1')
  })

  it('is what the agent will do next', async () => {
    await clocked('2026-06-01T00:00:30Z')
    expect((await agent.ask('GET', '/api/v1/will')).body).toEqual({ item: null })
    await make('chores', { title: 'Daily', schedule: 'FREQ=DAILY;BYHOUR=9;BYMINUTE=0' })
    await make('chores', { title: 'Off', state: 'inactive' })
    await make('tasks', { title: 'Now' })
    const { item } = (await agent.ask('GET', '/api/v1/will')).body
    expect(item.next).toBe('2026-06-01T00:00:30Z')
    expect(item.items.map((i: Fields) => [i.job.title, i.at])).toEqual([
      ['Now', '2026-06-01T00:00:30Z'],
      ['Daily', '2026-06-01T09:00:00Z'],
    ])
  })
})
