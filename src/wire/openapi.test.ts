import { expect, test } from 'vitest'
import { route } from './dialect.ts'
import { openApi } from './openapi.ts'
import { closest, flagText, integerText, issueTexts, listText, timeText, z } from './schema.ts'

const Tree = z.object({
  name: z.string(),
  get children() {
    return z.array(Tree)
  },
})

const routes = [
  route({
    method: 'GET',
    path: '/things/{thing}',
    summary: 'One thing.',
    query: z.object({ limit: integerText({ min: 1, max: 500 }).optional() }),
    answers: { 200: { about: 'It.', schema: Tree } },
    isPublic: true,
    handle: () => ({ status: 200, empty: true }),
  }),
  route({
    method: 'POST',
    path: '/things/{thing}:make',
    summary: 'Makes it.',
    body: z.strictObject({ name: z.string(), count: z.number().default(1) }),
    answers: { 204: { about: 'Made.' } },
    handle: () => ({ status: 204, empty: true }),
  }),
]

test('documents parameters, bodies and answers from the schemas', () => {
  const about = { title: 'T', version: '1', about: 'x', refusal: z.object({ error: z.string() }) }
  const document = openApi(about, routes)
  const get = document.paths['/things/{thing}']?.get
  expect(get?.parameters).toEqual([
    { name: 'thing', in: 'path', required: true, schema: { type: 'string' } },
    {
      name: 'limit',
      in: 'query',
      required: false,
      schema: { type: 'integer', minimum: 1, maximum: 500 },
    },
  ])
  expect(get?.security).toEqual([])
  const post = document.paths['/things/{thing}:make']?.post
  expect(post?.operationId).toBe('postThingsThingMake')
  expect(post?.requestBody).toMatchObject({
    required: true,
    content: {
      'application/json': { schema: { required: ['name'], additionalProperties: false } },
    },
  })
  expect(post?.responses).toHaveProperty('default')
})

test('a schema that contains itself moves to the components', () => {
  const document = openApi({ title: 'T', version: '1', about: '' }, routes)
  const ref = '#/components/schemas/getThingsThing200'
  expect(JSON.stringify(document.paths)).toContain(ref)
  expect(document.components.schemas.getThingsThing200).toMatchObject({
    properties: { children: { items: { $ref: ref } } },
  })
})

test('query values are read strictly', () => {
  const query = z.object({
    n: integerText({ min: 0 }).optional(),
    yes: flagText().optional(),
    list: listText(z.enum(['a', 'b'])).optional(),
    at: timeText().optional(),
  })
  expect(query.parse({ n: '5', yes: '1', list: 'a,b', at: '2026-11-22' })).toEqual({
    n: 5,
    yes: true,
    list: ['a', 'b'],
    at: Date.UTC(2026, 10, 22),
  })
  expect(query.parse({ list: ['a', 'b'], at: '12' })).toEqual({ list: ['a', 'b'], at: 12 })
  for (const bad of [
    { n: '' },
    { n: '5abc' },
    { n: '-1' },
    { yes: 'maybe' },
    { list: 'c' },
    { at: 'soon' },
  ])
    expect(query.safeParse(bad).success).toBe(false)
})

test('issues are told with their place', () => {
  const found = z.strictObject({ a: z.object({ b: z.string() }) }).safeParse({ a: { b: 1 }, c: 2 })
  expect(issueTexts(found.error?.issues ?? [])).toEqual([
    'a.b: Invalid input: expected string, received number',
    'Unrecognized key: "c"',
  ])
})

test('of several forms a value is held against the one it comes closest to', () => {
  const kinds = [
    z.strictObject({ kind: z.literal('text'), text: z.string() }),
    z.strictObject({ kind: z.literal('file'), url: z.string() }),
  ] as const
  const schema = z.object({
    input: z.union([z.string(), z.array(z.discriminatedUnion('kind', kinds))]),
  })
  const told = (value: unknown) =>
    issueTexts(closest(schema.safeParse(value).error?.issues as never))
  expect(told({ input: 5 })).toEqual(['input: Expected string or array'])
  expect(told({ input: [{ kind: 'text' }] })).toEqual([
    'input.0.text: Invalid input: expected string, received undefined',
  ])
  expect(told({ input: [{ kind: 'sound' }] })[0]).toMatch(/^input\.0\.kind: /)
  expect(told({})).toEqual(['input: Expected string or array'])
})
