/** Capabilities: prompts, psyches, services, skills - the same nine routes for each kind. */

import {
  CAP_NAME,
  type Cap,
  type CapAddress,
  type CapKind,
  type CapTemplate,
  type Visibility,
} from '../../kernel/caps.ts'
import { Fault, isFault } from '../../kernel/fault.ts'
import { type Route, route } from '../../wire/dialect.ts'
import { agentOf } from './chat.ts'
import type { Context } from './context.ts'
import { detail } from './faults.ts'
import { Fields, Item, Items, Problem, PutCap, VisibilityQuery, WiredCap } from './schema.ts'

const COLLECTIONS: Record<string, CapKind> = {
  prompts: 'prompt',
  psyches: 'psyche',
  services: 'service',
  skills: 'skill',
}

const tag = 'caps'
const refused = { about: 'Refused', schema: Problem }
const one = { about: 'Successful Response', schema: Item }
const many = { about: 'Successful Response', schema: Items }

export const capRoutes = (context: Context): Route[] => [
  {
    method: 'GET',
    path: '/api/v1/caps',
    summary: 'Get Caps Summary',
    tag,
    answers: { 200: { about: 'Successful Response', schema: Fields } },
    handle: () => ({ status: 200, json: summary(context) }),
  },
  ...Object.entries(COLLECTIONS).flatMap(([coll, kind]) => [
    ...readRoutes(context, coll, kind),
    ...fileRoutes(context, coll, kind),
    ...wiredRoutes(context, coll, kind),
  ]),
]

function summary(context: Context) {
  const agent = agentOf(context)
  const { caps } = context.settings
  const of = (kind: CapKind) => caps.list(agent, kind).map(capItem)
  const found = {
    psyches: of('psyche'),
    skills: of('skill'),
    services: of('service'),
    prompts: of('prompt'),
  }
  const counts = Object.fromEntries(
    Object.entries(found).map(([name, list]) => [name, list.length]),
  )
  return { agent, ...found, counts }
}

// ---- as resources -------------------------------------------------------------------------------

const scopeOf = (visibility: Visibility): string => (visibility === 'shared' ? 'root' : 'home')

const named = ({ kind, name, visibility, form, ref, definedIn }: Cap) => ({
  kind,
  name,
  scope: scopeOf(visibility),
  origin: form === 'wired' && !ref?.startsWith('/') && !ref?.startsWith('.') ? 'remote' : 'local',
  form,
  ref: ref ?? `${scopeOf(visibility)}://${kind}s/${name}`,
  definition_file: definedIn,
})

/** `error` is ours: the real server shows nothing of what it could not read. */
function capItem(cap: Cap) {
  const { kind: _, name, ...rest } = named(cap)
  const error = cap.problem === null ? {} : { error: cap.problem }
  return { name, description: cap.about, ...rest, editable: cap.form === 'file', ...error }
}

const capDetail = (cap: Cap) => ({
  ...capItem(cap),
  kind: cap.kind,
  content: cap.content,
  files: cap.files,
})

const templateItem = ({ kind, name, title, about, file }: CapTemplate) => ({
  ...{ kind, name, title, description: about, path: file },
})

// ---- reading ------------------------------------------------------------------------------------

const readRoutes = (context: Context, coll: string, kind: CapKind): Route[] => {
  const { caps } = context.settings
  const title = kind[0]?.toUpperCase() + kind.slice(1)
  return [
    {
      method: 'GET',
      path: `/api/v1/${coll}`,
      summary: `List ${title}s`,
      tag,
      answers: { 200: many },
      handle: () => ({
        status: 200,
        json: { items: caps.list(agentOf(context), kind).map(capItem) },
      }),
    },
    {
      method: 'GET',
      path: `/api/v1/${coll}/templates`,
      summary: `List ${title} Templates`,
      tag,
      answers: { 200: many },
      handle: () => ({ status: 200, json: { items: caps.templates(kind).map(templateItem) } }),
    },
    {
      method: 'GET',
      path: `/api/v1/${coll}/templates/{template_name}`,
      summary: `Get ${title} Template`,
      tag,
      answers: { 200: one, 404: refused },
      handle: ({ path }) => {
        const name = path.template_name as string
        const found = caps.templates(kind).find((t) => t.name === name)
        if (!found) throw detail('not_found', `template not found: ${kind}.${name}`)
        return { status: 200, json: { item: { ...templateItem(found), content: found.content } } }
      },
    },
    {
      method: 'GET',
      path: `/api/v1/${coll}/{name}`,
      summary: `Get ${title}`,
      tag,
      answers: { 200: one, 404: refused },
      handle: ({ path }) => {
        const found = caps.get(agentOf(context), kind, path.name as string)
        if (!found) throw detail('not_found', `${kind} not found: ${path.name}`)
        return { status: 200, json: { item: capDetail(found) } }
      },
    },
  ]
}

// ---- writing ------------------------------------------------------------------------------------

function addressOf(kind: CapKind, name: string, visibility: Visibility): CapAddress {
  if (!CAP_NAME.test(name))
    throw detail(
      'invalid',
      `invalid ${kind} name: ${name} (begin with a letter or digit; letters, digits, dots, dashes and underscores follow)`,
      400,
    )
  return { kind, name, visibility }
}

/** What the real server refuses with 400. */
async function tried<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (isFault(error) && (error.code === 'invalid' || error.code === 'conflict'))
      throw detail(error.code, error.message, 400)
    throw error
  }
}

const fileRoutes = (context: Context, coll: string, kind: CapKind): Route[] => {
  const { caps } = context.settings
  const path = `/api/v1/${coll}/{name}/file`
  const title = kind[0]?.toUpperCase() + kind.slice(1)
  return [
    route({
      method: 'PUT',
      path,
      summary: `Upsert File ${title}`,
      tag,
      body: PutCap,
      answers: { 200: one, 400: refused, 422: refused },
      handle: async ({ path, body }) => {
        const address = addressOf(kind, path.name as string, body.visibility)
        if (body.content === undefined || body.content === null)
          throw detail('invalid', 'missing cap content', 400)
        const cap = await tried(caps.put(agentOf(context), address, body.content))
        return { status: 200, json: { item: named(cap) } }
      },
    }),
    route({
      method: 'DELETE',
      path,
      summary: `Delete File ${title}`,
      tag,
      query: VisibilityQuery,
      answers: { 200: { about: 'Successful Response' }, 404: refused, 422: refused },
      handle: async ({ path, query }) => {
        const address = addressOf(kind, path.name as string, query.visibility)
        await absent('file', address, caps.drop(agentOf(context), address))
        return { status: 200, json: { ok: true } }
      },
    }),
  ]
}

const wiredRoutes = (context: Context, coll: string, kind: CapKind): Route[] => {
  const { caps } = context.settings
  const path = `/api/v1/${coll}/{name}/wired`
  const title = kind[0]?.toUpperCase() + kind.slice(1)
  return [
    route({
      method: 'PUT',
      path,
      summary: `Wire ${title}`,
      tag,
      body: WiredCap,
      answers: { 200: one, 400: refused, 422: refused },
      handle: async ({ path, body }) => {
        const address = addressOf(kind, path.name as string, body.visibility)
        const cap = await tried(caps.wire(agentOf(context), address, body.ref))
        const error = cap.problem === null ? {} : { error: cap.problem }
        return { status: 200, json: { item: { ...named(cap), ...error } } }
      },
    }),
    route({
      method: 'DELETE',
      path,
      summary: `Unwire ${title}`,
      tag,
      query: VisibilityQuery,
      answers: { 200: { about: 'Successful Response' }, 404: refused, 422: refused },
      handle: async ({ path, query }) => {
        const address = addressOf(kind, path.name as string, query.visibility)
        await absent('wired', address, caps.unwire(agentOf(context), address))
        return { status: 200, json: { ok: true } }
      },
    }),
  ]
}

async function absent(form: string, { kind, name }: CapAddress, work: Promise<void>) {
  try {
    await work
  } catch (error) {
    if (!isFault(error) || error.code !== 'not_found') throw error
    throw new Fault('not_found', `${form} ${kind} not found: ${name}`)
  }
}
