/** What a queue must be, by its rules alone, and what must be left when it has been worked off. */

import { expect } from 'vitest'
import { type clientOf, isEnd, type Json, type Told } from './oah-server.ts'

/** The stream is replayed against a list that is kept by the rules alone. */
export function createQueueModel() {
  const behaviors = new Map<string, string>()
  return {
    note: (run: string, behavior: string) => void behaviors.set(run, behavior),
    check(told: readonly Told[]): void {
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

type Client = Pick<ReturnType<typeof clientOf>, 'ask'>

/** All items of a list, page by page. */
export async function all(client: Client, path: string): Promise<Json[]> {
  const items: Json[] = []
  for (let cursor: string | undefined; ; ) {
    const query = `?pageSize=200${cursor === undefined ? '' : `&cursor=${cursor}`}`
    const { body } = await client.ask<{ items: Json[]; nextCursor?: string }>('GET', path + query)
    items.push(...body.items)
    cursor = body.nextCursor
    if (cursor === undefined) return items
  }
}

/** Each run that completed said its own answer, exactly once; those that never began said nothing. */
export async function answersAre(client: Client, session: string, runs: string[]): Promise<void> {
  const said = await all(client, `/api/v1/sessions/${session}/messages`)
  const found = await all(client, `/api/v1/sessions/${session}/runs`)
  const states = new Map(found.map((run) => [run.id as string, run]))
  expect(found.length).toBe(runs.length)
  expect(states.size).toBe(runs.length)
  const asked = said.filter((m) => m.role === 'user').map((m) => m.runId)
  expect(new Set(asked).size).toBe(asked.length)
  runs.forEach((run, i) => {
    const answers = said.filter((m) => m.runId === run && m.role === 'assistant')
    const { status, startedAt } = states.get(run) as Json
    expect(['completed', 'cancelled']).toContain(status)
    if (status === 'completed')
      expect(answers.map((m) => m.content)).toEqual([[{ type: 'text', text: `answer ${i}` }]])
    else if (startedAt === undefined) expect(answers).toEqual([])
  })
}

/**
 * The order is causal: nothing is said of a message once it is complete, nor of a run once it has ended;
 * a call is told before it begins, begins before it ends, and has its result after that.
 */
export function checkCausal(told: readonly Told[]): void {
  const complete = new Set<unknown>()
  const over = new Set<unknown>()
  const stages = new Map<unknown, string[]>()
  for (const { event, data } of told) {
    if (event === 'engine.log' || event === 'hook.notice') continue
    expect([event, data.runId, over.has(data.runId)]).toEqual([event, data.runId, false])
    if (isEnd()({ id: 0, event, data })) over.add(data.runId)
    if (event.startsWith('message.')) {
      expect([event, complete.has(data.messageId)]).toEqual([event, false])
      if (event === 'message.completed') complete.add(data.messageId)
    }
    const part = Array.isArray(data.content) ? (data.content[0] as Json | undefined) : undefined
    const call = data.toolCallId ?? part?.toolCallId
    if (call === undefined) continue
    const stage = event === 'message.completed' ? (part?.type as string) : event
    stages.set(call, [...(stages.get(call) ?? []), stage])
  }
  const whole = /^tool-call( tool\.started tool\.(completed|failed)| tool\.failed)?( tool-result)?$/
  for (const [call, seen] of stages)
    expect([call, seen.join(' ')]).toEqual([call, expect.stringMatching(whole)])
}
