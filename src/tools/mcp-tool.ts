/** A tool of an MCP server as a Tool of ours: its name, what it may touch, and its results as text. */

import { createHash } from 'node:crypto'
import type { CallToolResult, Tool as McpTool } from '@modelcontextprotocol/sdk/types.js'
import type { ValidateFunction } from 'ajv'
import type { Json } from '../kernel/part.ts'
import type { Tool, ToolContext, ToolItem } from '../kernel/ports.ts'
import { bounded, done, failed, guarded, MAX_OUTPUT_BYTES } from './define.ts'
import type { Connection } from './mcp-connection.ts'
import { patternless } from './patternless.ts'

const MAX_NAME = 64

/** `<server>__<tool>` in the characters and the length that every provider takes. */
export function mcpName(server: string, tool: string): string {
  const name = `${server}__${tool}`
  const plain = name.replace(/[^A-Za-z0-9_-]/g, '_')
  if (plain.length <= MAX_NAME) return plain
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8)
  return `${plain.slice(0, MAX_NAME - 9)}_${hash}`
}

export function createMcpTool(server: string, tool: McpTool, connection: Connection): Tool {
  const { readOnlyHint = false, idempotentHint = false } = tool.annotations ?? {}
  const check = createCheck(tool.inputSchema)
  return {
    name: mcpName(server, tool.name),
    about: tool.description ?? tool.annotations?.title ?? tool.title ?? `${tool.name} of ${server}`,
    input: tool.inputSchema as Json,
    kind: 'plain',
    access: readOnlyHint ? 'read' : 'network',
    readOnly: readOnlyHint,
    replayable: readOnlyHint || idempotentHint,
    subject: () => '',
    grant: () => null,
    run: (input, context) =>
      guarded(context.signal, () => run({ connection, tool: tool.name, check }, input, context)),
  }
}

interface Called {
  connection: Connection
  tool: string
  check(input: Json): Promise<string | null>
}

async function* run(
  { connection, tool, check }: Called,
  input: Json,
  { key, signal }: ToolContext,
): AsyncGenerator<ToolItem, void> {
  const problem = await check(input)
  if (problem !== null) return yield failed(problem)
  const told: string[] = []
  let wake: () => void = () => {}
  let ended = false
  const onProgress = (text: string): void => {
    told.push(text)
    wake()
  }
  const call = { tool, input: input as Record<string, Json>, key, signal, onProgress }
  const result = connection.call(call).finally(() => {
    ended = true
    wake()
  })
  result.catch(() => {})
  while (!ended || told.length > 0) {
    if (told.length > 0) yield { kind: 'progress', text: `${told.splice(0).join('\n')}\n` }
    else
      await new Promise<void>((resolve) => {
        wake = resolve
        if (ended) resolve()
      })
  }
  yield toItem(await result)
}

function toItem(result: CallToolResult): ToolItem {
  const said = result.content.map(textOf).join('\n')
  const whole = said || (result.structuredContent ? JSON.stringify(result.structuredContent) : '')
  const { text, truncated } = bounded(whole, MAX_OUTPUT_BYTES)
  const meta = { rawBytes: Buffer.byteLength(whole), truncated }
  if (result.isError) return failed(text || 'The tool failed and did not say why.', meta)
  return done(text || '[The tool said nothing.]', meta)
}

function textOf(part: CallToolResult['content'][number]): string {
  switch (part.type) {
    case 'text':
      return part.text
    case 'image':
    case 'audio':
      return `[${part.type}: ${part.mimeType}, ${Math.floor((part.data.length * 3) / 4)} bytes, not shown]`
    case 'resource_link':
      return `[resource: ${part.name}, ${part.uri}]`
    case 'resource':
      return 'text' in part.resource
        ? part.resource.text
        : `[resource: ${part.resource.uri}, not text]`
  }
}

const checks = new WeakMap<object, Promise<ValidateFunction | null>>()

/** Says what is wrong with an input, or null. A schema that cannot be compiled is the server's own affair. */
function createCheck(schema: object): (input: Json) => Promise<string | null> {
  return async (input) => {
    if (input === null || typeof input !== 'object' || Array.isArray(input))
      return 'The input is wrong. It must be an object.'
    const compiled = checks.get(schema) ?? compile(schema).catch(() => null)
    checks.set(schema, compiled)
    const validate = await compiled
    if (!validate || validate(input)) return null
    const errors = (validate.errors ?? []).slice(0, 5).map((error) => {
      const path = error.instancePath.slice(1).replaceAll('/', '.')
      const extra = error.params.additionalProperty
      const what = `${error.message ?? 'is wrong'}${extra ? ` (${String(extra)})` : ''}`
      return path ? `${path}: ${what}` : what
    })
    return `The input is wrong. ${errors.join('. ')}.`
  }
}

async function compile(given: object): Promise<ValidateFunction> {
  const schema = patternless(given as Json) as object
  const options = { strict: false, validateFormats: false, logger: false, allErrors: true } as const
  const dialect = (schema as { $schema?: unknown }).$schema
  const isOld = typeof dialect === 'string' && /draft-0[67]/.test(dialect)
  if (isOld) {
    const { Ajv } = await import('ajv')
    return new Ajv(options).compile(schema)
  }
  const { Ajv2020 } = await import('ajv/dist/2020.js')
  return new Ajv2020(options).compile(schema)
}
