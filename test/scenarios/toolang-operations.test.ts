/**
 * Every operation of the real system's API document, exercised over a real socket: its status, its
 * answer key by key as captured, its refusals word by word, and what our own document says of it. An
 * operation without a case, or a case without an operation, fails.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Agent, type Fields, openAgent, says } from './toolang-agent.ts'
import { type Asked, CASES, type Make, type World } from './toolang-cases.ts'
import { hasShape, misfits, OPERATIONS, REQUESTS } from './toolang-shape.ts'

let agent: Agent
let world: World

beforeAll(async () => {
  agent = await openAgent({ runsJobs: false })
  const chat = await agent.ask('POST', '/api/v1/chat', says('hello'))
  const { run_id: run, thread_id: thread } = chat.body
  const { body } = await agent.ask('GET', `/api/v1/runs/${run}`)
  world = { agent, run, thread, hash: body.output.steps[0].record.payload.instruct }
})

afterAll(() => agent.close())

const address = (path: string, { path: values = {}, query = '' }: Asked): string =>
  path.replace(/\{([^}]+)\}/g, (_, name: string) => values[name] ?? 'none') +
  (query === '' ? '' : `?${query}`)

/** Streams that never end are left after their first frame. */
async function stream(method: string, at: string, body: unknown) {
  const aborted = new AbortController()
  const answer = await fetch(agent.own + at, {
    ...{ method, signal: aborted.signal, headers: { 'content-type': 'application/json' } },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const { value } = await (answer.body as ReadableStream<Uint8Array>).getReader().read()
  aborted.abort()
  return { status: answer.status, type: answer.headers.get('content-type'), text: textOf(value) }
}

const textOf = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString()

describe('every operation', () => {
  it('has a case and a shape, and no case is of an operation that is not there', () => {
    const names = OPERATIONS.map((o) => `${o.method} ${o.path}`)
    expect(Object.keys(CASES).sort()).toEqual([...names].sort())
    expect(names).toHaveLength(79)
    expect(OPERATIONS.filter((o) => !hasShape(o.answer))).toEqual([])
    expect(OPERATIONS.filter((o) => o.body !== null && !(o.body in REQUESTS))).toEqual([])
  })

  it.each(OPERATIONS)('$method $path', async ({ method, path, status, answer: shape }) => {
    const { refuses = [], ...asked } = await (CASES[`${method} ${path}`] as Make)(world)
    const at = address(path, asked)
    if (shape === 'stream') {
      const answer = await stream(method, at, asked.body)
      expect(answer).toMatchObject({ status, type: 'text/event-stream; charset=utf-8' })
      expect(answer.text).toMatch(/^(id: \d+\nevent: event\ndata: \{"id":\d+,|data: \{|: ok\n\n)/)
    } else {
      const answer = await agent.ask(method, at, asked.body)
      expect(answer.status, JSON.stringify(answer.body)).toBe(status)
      expect(answer.headers.get('content-type')).toBe('application/json')
      expect(misfits(answer.body, shape)).toEqual([])
      const { items } = answer.body
      if (items !== undefined) expect(items.length, 'there is something to look at').not.toBe(0)
    }
    for (const { status, detail, ...wrong } of refuses) {
      const answer = await agent.ask(method, address(path, wrong), wrong.body)
      const told = Array.isArray(answer.body.detail) ? answer.body.detail[0] : answer.body.detail
      expect({ status: answer.status, detail: told }, JSON.stringify(wrong)).toEqual({
        ...{ status, detail },
      })
    }
  })

  it('is in our own document, with its parameters and its body', async () => {
    const { body: document } = await agent.ask('GET', '/openapi.json')
    expect(document.info).toMatchObject({ title: 'Toolang Agent API', version: '0.1.0' })
    for (const { method, path, query, body, summary } of OPERATIONS) {
      const operation = document.paths[path]?.[method.toLowerCase()]
      expect(operation, `${method} ${path}`).toBeDefined()
      expect(operation.summary).toBe(summary)
      const own = operation.parameters.filter((p: Fields) => p.in === 'query')
      // What may be left out of an address is never null in it.
      const optional = (schema: Fields) => (schema.default === undefined ? '?' : '')
      const told = Object.fromEntries(
        own.map((p: Fields) => [p.name, wordOf(p.schema) + optional(p.schema)]),
      )
      expect(told, `${method} ${path}`).toEqual(query)
      expect(operation.requestBody !== undefined, `${method} ${path}`).toBe(body !== null)
      if (body !== null) checkBody(document, operation.requestBody, body)
    }
  })
})

/** A schema in the words of the captured facts. */
function wordOf(schema: Fields): string {
  const given =
    schema.default === undefined ? '' : ` = ${schema.default === '' ? "''" : schema.default}`
  return plainWord(schema) + given
}

function plainWord(schema: Fields): string {
  const { anyOf, $ref, type, items, title } = schema
  if ($ref) return String($ref).split('/').at(-1) as string
  if (anyOf) {
    const words = (anyOf as Fields[]).map(plainWord)
    return words.filter((w) => w !== 'null').join('|') + (words.includes('null') ? '?' : '')
  }
  if (Array.isArray(type)) return `${plainWord({ ...schema, type: type[0] })}?`
  if (type === 'object' && title) return title
  if (schema.enum) return (schema.enum as string[]).join('|')
  if (type === 'array') return `[${plainWord(items)}${schema.minItems ? ' 1..' : ''}]`
  return type === 'string' && schema.minLength ? 'text' : String(type)
}

function checkBody(document: Fields, body: Fields, name: string): void {
  const { fields, others } = REQUESTS[name] as (typeof REQUESTS)[string]
  let schema = body.content['application/json'].schema as Fields
  if (schema.anyOf) schema = (schema.anyOf as Fields[]).find((s) => s.type !== 'null') as Fields
  if (schema.$ref) schema = document.components.schemas[String(schema.$ref).split('/').at(-1) ?? '']
  const told = Object.entries(schema.properties as Record<string, Fields>).map(([key, value]) => {
    const isRequired = ((schema.required ?? []) as string[]).includes(key)
    return [key, `${isRequired ? '! ' : ''}${wordOf(value)}`]
  })
  expect(Object.fromEntries(told), name).toEqual(fields)
  expect(schema.additionalProperties === false, name).toBe(others === 'refused')
}
