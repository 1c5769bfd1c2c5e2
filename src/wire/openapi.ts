/**
 * Builds the OpenAPI 3.1 document of a table of routes, from the same schemas that validate its
 * requests: what is documented and what is accepted cannot differ.
 */

import type { Route } from './dialect.ts'
import { z } from './schema.ts'

export interface ApiInfo {
  title: string
  version: string
  about: string
  /** What every refusal looks like. */
  refusal?: z.ZodType
}

type Schema = Record<string, unknown>

export interface ApiDocument {
  openapi: '3.1.0'
  info: { title: string; version: string; description: string }
  paths: Record<string, Record<string, Schema>>
  components: { schemas: Record<string, Schema>; securitySchemes: Schema }
  security: Schema[]
}

export function openApi(info: ApiInfo, routes: readonly Route[]): ApiDocument {
  const schemas: Record<string, Schema> = {}
  const paths: ApiDocument['paths'] = {}
  for (const route of routes) {
    paths[route.path] ??= {}
    const path = paths[route.path] as Record<string, Schema>
    path[route.method.toLowerCase()] = operation(route, info, schemas)
  }
  return {
    openapi: '3.1.0',
    info: { title: info.title, version: info.version, description: info.about },
    paths,
    components: { schemas, securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    security: [{}, { bearer: [] }],
  }
}

function operation(route: Route, info: ApiInfo, shared: Record<string, Schema>): Schema {
  const id = operationId(route)
  const { body, bodyOptional, query, isPublic, tag } = route
  return {
    operationId: id,
    summary: route.summary,
    ...(tag ? { tags: [tag] } : {}),
    ...(isPublic ? { security: [] } : {}),
    parameters: [
      ...pathParameters(route.path),
      ...(query ? queryParameters(query) : []),
      ...headerParameters(route.headers ?? {}),
    ],
    ...(body
      ? {
          requestBody: {
            required: !bodyOptional,
            content: json(embed(body, 'input', `${id}Body`, shared)),
          },
        }
      : {}),
    responses: responses(route, id, info, shared),
  }
}

function responses(
  route: Route,
  id: string,
  info: ApiInfo,
  shared: Record<string, Schema>,
): Schema {
  const entries = Object.entries(route.answers).map(([status, { about, schema, media }]) => {
    const content = {
      ...(schema ? json(embed(schema, 'output', `${id}${status}`, shared)) : {}),
      ...(media ? { [media]: { schema: { type: 'string' } } } : {}),
    }
    const isEmpty = Object.keys(content).length === 0
    return [status, { description: about, ...(isEmpty ? {} : { content }) }]
  })
  if (info.refusal) {
    const content = json(embed(info.refusal, 'output', 'refusal', shared))
    entries.push(['default', { description: 'The request is refused.', content }])
  }
  return Object.fromEntries(entries)
}

const json = (schema: Schema): Schema => ({ 'application/json': { schema } })

/** `POST /threads/{thread}/submit` -> `postThreadsThreadSubmit`. */
const operationId = ({ method, path }: Route): string =>
  method.toLowerCase() +
  path
    .split(/[^A-Za-z0-9]+/)
    .filter(Boolean)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')

const pathParameters = (path: string): Schema[] =>
  [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))

function queryParameters(query: z.ZodType): Schema[] {
  const { properties = {}, required = [] } = toJson(query, 'input') as {
    properties?: Record<string, Schema>
    required?: string[]
  }
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    ...(description ? { description } : {}),
    schema,
  }))
}

const headerParameters = (headers: Record<string, string>): Schema[] =>
  Object.entries(headers).map(([name, description]) => ({
    name,
    in: 'header',
    required: false,
    description,
    schema: { type: 'string' },
  }))

function toJson(schema: z.ZodType, io: 'input' | 'output'): Schema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      // The pattern of a number's text means nothing once the number is documented as such.
      if (jsonSchema.type === 'integer' || jsonSchema.type === 'boolean') {
        delete jsonSchema.pattern
        delete jsonSchema.enum
      }
      // Its default is a text where it is parsed, and a number for whoever reads the document.
      if (jsonSchema.type === 'integer' && typeof jsonSchema.default === 'string')
        jsonSchema.default = Number(jsonSchema.default)
    },
  }) as Schema
  return rest
}

/**
 * A schema that names parts of itself cannot stand inside another document as it is: it moves to
 * the components, and its references follow it.
 */
function embed(
  schema: z.ZodType,
  io: 'input' | 'output',
  name: string,
  shared: Record<string, Schema>,
): Schema {
  const { $defs = {}, ...own } = toJson(schema, io) as { $defs?: Record<string, Schema> }
  if (!JSON.stringify({ $defs, own }).includes('"$ref"')) return own
  shared[name] = rename(own, name) as Schema
  for (const [part, def] of Object.entries($defs))
    shared[`${name}.${part}`] = rename(def, name) as Schema
  return { $ref: `#/components/schemas/${name}` }
}

function rename(value: unknown, name: string): unknown {
  if (Array.isArray(value)) return value.map((item) => rename(item, name))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (key !== '$ref' || typeof inner !== 'string') return [key, rename(inner, name)]
      const part = inner.startsWith('#/$defs/') ? `.${inner.slice('#/$defs/'.length)}` : ''
      return [key, `#/components/schemas/${name}${part}`]
    }),
  )
}
