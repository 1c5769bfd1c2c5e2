/**
 * OAH's queue over real sockets: what is told is what the real system told in the same situation, and
 * a thousand messages with random cancels, guides and interrupts lose nothing.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isEnd, type Json, type OahServer, script, startOah, type Told } from './oah-server.ts'

let server: OahServer

beforeAll(async () => {
  server = await startOah()
})

afterAll(() => server.stop())

const HANG = script([{ say: 'I begin' }, { hang: true }])

const items = async (session: string): Promise<Json[]> =>
  (await server.ask<{ items: Json[] }>('GET', `/api/v1/sessions/${session}/queue`)).body.items

describe('the queue', () => {
  it('is a resource, and guide promotes and interrupts', async () => {
    const session = await server.newSession()
    const active = await server.say(session, HANG)
    await server.stream(session, (f) => f.event === 'message.delta')
    const second = await server.say(session, 'second (queued)')
    const third = await server.say(session, 'third (queued)')
    expect(second).toMatchObject({ delivery: 'session_queue', queuedPosition: 1 })
    expect(third).toMatchObject({ delivery: 'session_queue', queuedPosition: 2 })
    const item = (r: Json, content: string, position: number) => ({
      runId: r.runId,
      messageId: r.messageId,
      content,
      createdAt: r.createdAt,
      position,
    })
    const waiting = [item(second, 'second (queued)', 1), item(third, 'third (queued)', 2)]
    expect(await items(session)).toEqual(waiting)
    const guided = await server.ask('POST', `/api/v1/runs/${third.runId}/guide`)
    expect([guided.status, guided.body]).toEqual([
      202,
      { runId: third.runId, status: 'interrupt_requested' },
    ])
    const told = await server.stream(session, isEnd(second.runId))
    const about = told
      .filter((f) => !f.event.startsWith('message.') && f.event !== 'engine.log')
      .map((f) => [f.event, f.data.action ?? null, f.data.runId])
    expect(about).toEqual([
      ['run.queued', null, active.runId],
      ['run.started', null, active.runId],
      ['run.queued', null, second.runId],
      ['queue.updated', 'enqueued', second.runId],
      ['run.queued', null, third.runId],
      ['queue.updated', 'enqueued', third.runId],
      ['queue.updated', 'promoted', third.runId],
      ['run.cancelled', null, active.runId],
      ['queue.updated', 'dequeued', third.runId],
      ['run.started', null, third.runId],
      ['run.completed', null, third.runId],
      ['queue.updated', 'dequeued', second.runId],
      ['run.started', null, second.runId],
      ['run.completed', null, second.runId],
    ])
    const promoted = told.find((f) => f.data.action === 'promoted')?.data.items as Json[]
    expect(promoted.map((i) => [i.runId, i.position])).toEqual([
      [third.runId, 1],
      [second.runId, 2],
    ])
    const again = await server.ask('POST', `/api/v1/runs/${third.runId}/guide`)
    expect(again.status).toBe(202)
  })

  it('lets an interrupting message go before those that waited', async () => {
    const session = await server.newSession()
    const active = await server.say(session, HANG)
    await server.stream(session, (f) => f.event === 'message.delta')
    const waited = await server.say(session, 'waits')
    const urgent = await server.say(session, 'urgent', { runningRunBehavior: 'interrupt' })
    const told = await server.stream(session, isEnd(waited.runId))
    const order = told.filter((f) => /^run\.(started|cancelled|completed)$/.test(f.event))
    expect(order.map((f) => [f.event, f.data.runId])).toEqual([
      ['run.started', active.runId],
      ['run.cancelled', active.runId],
      ['run.started', urgent.runId],
      ['run.completed', urgent.runId],
      ['run.started', waited.runId],
      ['run.completed', waited.runId],
    ])
  })

  it('goes on when a queued run is cancelled (fault 3)', async () => {
    const session = await server.newSession()
    const active = await server.say(session, HANG)
    await server.stream(session, (f) => f.event === 'message.delta')
    const head = await server.say(session, 'never said')
    const behind = await server.say(session, 'behind')
    const cancelled = await server.ask('POST', `/api/v1/runs/${head.runId}/cancel`)
    expect([cancelled.status, cancelled.body]).toEqual([
      202,
      { runId: head.runId, status: 'cancellation_requested' },
    ])
    const run = (await server.ask('GET', `/api/v1/runs/${head.runId}`)).body
    expect(run).toMatchObject({ status: 'cancelled', cancelRequestedAt: expect.any(String) })
    expect(run.startedAt).toBeUndefined()
    expect((await items(session)).map((i) => i.runId)).toEqual([behind.runId])
    await server.ask('POST', `/api/v1/runs/${active.runId}/cancel`)
    expect(await server.ended(behind.runId as string)).toMatchObject({ status: 'completed' })
    const removed = await server.stream(session, isEnd(head.runId))
    expect(removed.at(-2)).toMatchObject({ event: 'queue.updated', data: { action: 'removed' } })
    const late = await server.ask('POST', `/api/v1/runs/${head.runId}/cancel`)
    expect(late.status).toBe(202)
  })

  it('keeps what waits out of what earlier runs read (fault 4)', async () => {
    const session = await server.newSession()
    const first = await server.say(session, HANG)
    await server.stream(session, (f) => f.event === 'message.delta')
    const b = await server.say(session, 'B follow-up')
    const c = await server.say(session, 'C follow-up')
    await server.ask('POST', `/api/v1/runs/${first.runId}/cancel`)
    await server.ended(c.runId as string)
    const steps = await server.ask<{ items: Json[] }>('GET', `/api/v1/runs/${b.runId}/steps`)
    const call = steps.body.items.find((s) => s.stepType === 'model_call') as Json
    const asked = JSON.stringify((call.input as Json).request)
    expect(asked).toContain('B follow-up')
    expect(asked).not.toContain('C follow-up')
    const said = await server.ask<{ items: Json[] }>('GET', `/api/v1/sessions/${session}/messages`)
    const users = said.body.items.filter((m) => m.role === 'user').map((m) => m.runId)
    expect(users).toEqual([first.runId, b.runId, c.runId])
  })

  it('ends a run that goes on within a moment, and keeps what it had said', async () => {
    const session = await server.newSession()
    const { runId } = await server.say(session, HANG)
    await server.stream(session, (f) => f.event === 'message.delta')
    await server.ask('POST', `/api/v1/runs/${runId}/cancel`)
    expect(await server.ended(runId as string)).toMatchObject({ status: 'cancelled' })
    const said = await server.ask<{ items: Json[] }>('GET', `/api/v1/sessions/${session}/messages`)
    expect(said.body.items.at(-1)?.content).toEqual([{ type: 'text', text: 'I begin' }])
  })
})

describe('a thousand messages', () => {
  it('are each answered once or cancelled, in the allowed order, and none is lost', async () => {
    const session = await server.newSession()
    const random = seeded(20_261_122)
    const sent: Json[] = []
    const model = createModel()
    for (let i = 0; i < 1000; i++) {
      const behavior = random() < 0.05 ? 'interrupt' : 'queue'
      const say = script([{ say: `answer ${i}` }])
      const receipt = await server.say(session, say, { runningRunBehavior: behavior })
      sent.push(receipt)
      model.note(receipt.runId as string, behavior)
      const aim = sent[Math.floor(random() * sent.length)] as Json
      const dice = random()
      if (dice < 0.06) await server.ask('POST', `/api/v1/runs/${aim.runId}/cancel`)
      else if (dice < 0.12) await server.ask('POST', `/api/v1/runs/${aim.runId}/guide`)
    }
    const runs = sent.map((r) => r.runId as string)
    const open = new Set(runs)
    const told = await server.stream(session, (f) => {
      if (isEnd()(f)) open.delete(f.data.runId as string)
      return open.size === 0
    })
    expect(told.map((f) => f.id)).toEqual(told.map((_, i) => i))
    model.check(told)
    await answersAre(session, runs)
  }, 240_000)
})

/** Each run that completed said its own answer, exactly once; those that never began said nothing. */
async function answersAre(session: string, runs: string[]): Promise<void> {
  const said: Json[] = []
  for (let cursor = ''; ; ) {
    const query = `?pageSize=200${cursor && `&cursor=${cursor}`}`
    const path = `/api/v1/sessions/${session}/messages${query}`
    const { body } = await server.ask<{ items: Json[]; nextCursor?: string }>('GET', path)
    said.push(...body.items)
    if (!body.nextCursor) break
    cursor = body.nextCursor
  }
  const states = new Map<string, Json>()
  for (let cursor = '0'; ; ) {
    const path = `/api/v1/sessions/${session}/runs?pageSize=200&cursor=${cursor}`
    const { body } = await server.ask<{ items: Json[]; nextCursor?: string }>('GET', path)
    for (const run of body.items) states.set(run.id as string, run)
    if (!body.nextCursor) break
    cursor = body.nextCursor
  }
  expect(states.size).toBe(runs.length)
  runs.forEach((run, i) => {
    const answers = said.filter((m) => m.runId === run && m.role === 'assistant')
    const { status, startedAt } = states.get(run) as Json
    expect(['completed', 'cancelled']).toContain(status)
    if (status === 'completed')
      expect(answers.map((m) => m.content)).toEqual([[{ type: 'text', text: `answer ${i}` }]])
    else if (startedAt === undefined) expect(answers).toEqual([])
  })
}

/** What a queue must be: the stream is replayed against a list that is kept by the rules alone. */
function createModel() {
  const behaviors = new Map<string, string>()
  return {
    note: (run: string, behavior: string) => void behaviors.set(run, behavior),
    check(told: Told[]): void {
      let waiting: string[] = []
      let active: string | null = null
      const over = new Set<string>()
      for (const { event, data } of told) {
        const run = data.runId as string
        if (event === 'run.queued')
          waiting = behaviors.get(run) === 'interrupt' ? [run, ...waiting] : [...waiting, run]
        if (event === 'queue.updated' && data.action === 'promoted')
          waiting = [run, ...waiting.filter((r) => r !== run)]
        if (event === 'run.started') {
          expect(active).toBe(null)
          expect(run).toBe(waiting[0])
          waiting = waiting.slice(1)
          active = run
        }
        if (!isEnd()({ id: 0, event, data })) continue
        expect(over.has(run)).toBe(false)
        over.add(run)
        if (active === run) active = null
        else waiting = waiting.filter((r) => r !== run)
      }
      expect([active, waiting]).toEqual([null, []])
      expect(over.size).toBe(behaviors.size)
    },
  }
}

function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
