/**
 * OAH's queue over real sockets: what is told is what the real system told in the same situation, and
 * many messages with random cancels, guides and interrupts lose nothing. `MANIFOLD_OAH_MESSAGES=1000`
 * makes more of them.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dice } from '../crash/seed.ts'
import { answersAre, checkCausal, createQueueModel } from './oah-model.ts'
import { isEnd, type Json, type OahServer, script, startOah } from './oah-server.ts'

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

const MESSAGES = Number(process.env.MANIFOLD_OAH_MESSAGES ?? 250)

/** One message in eight is followed by one of them. */
const VERBS = ['cancel', 'guide', ...Array.from({ length: 14 }, () => null)]

describe(`${MESSAGES} messages`, () => {
  it(
    'are each answered once or cancelled, in the allowed order, and none is lost',
    async () => {
      const session = await server.newSession()
      const random = dice(20_261_122)
      const sent: Json[] = []
      const model = createQueueModel()
      for (let i = 0; i < MESSAGES; i++) {
        const behavior = random.chance(0.05) ? 'interrupt' : 'queue'
        const say = script([{ say: `answer ${i}` }])
        const receipt = await server.say(session, say, { runningRunBehavior: behavior })
        sent.push(receipt)
        model.note(receipt.runId as string, behavior)
        const aim = random.pick(sent)
        const verb = random.pick(VERBS)
        if (verb) await server.ask('POST', `/api/v1/runs/${aim.runId}/${verb}`)
      }
      const runs = sent.map((r) => r.runId as string)
      const open = new Set(runs)
      const told = await server.stream(session, (f) => {
        if (isEnd()(f)) open.delete(f.data.runId as string)
        return open.size === 0
      })
      expect(told.map((f) => f.id)).toEqual(told.map((_, i) => i))
      model.check(told)
      checkCausal(told)
      await answersAre(server, session, runs)
    },
    60_000 + MESSAGES * 500,
  )
})
