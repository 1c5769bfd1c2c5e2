/**
 * Makes a Tool of a schema and a function. Whatever the function does, the tool ends with exactly one
 * `done` or `failed` and never throws; a wrong input never reaches the function.
 */

import { z } from 'zod'
import { Fault, isFault } from '../kernel/fault.ts'
import type { Json } from '../kernel/part.ts'
import type { Access } from '../kernel/policy.ts'
import type { Tool, ToolContext, ToolItem } from '../kernel/ports.ts'

export interface Definition<Input> {
  name: string
  about: string
  input: z.ZodType<Input>
  access: Access
  kind?: Tool['kind']
  readOnly?: boolean
  replayable?: boolean
  /** Is told what the model sent, checked; default ''. */
  subject?(input: Input, workspace: string | null): string
  /** Default null: every call of the tool. */
  grant?(input: Input, workspace: string | null): string | null
  run(input: Input, context: ToolContext): AsyncGenerator<ToolItem, void> | Promise<ToolItem>
}

/** A tool whose subject may depend on where the workspace is. */
export interface PlacedTool extends Tool {
  subject(input: Json, workspace?: string): string
}

/** Nothing: a grant for it covers no call at all. */
export const NO_SUBJECT = '\0'

/** Tools of agents are made at every step; what a model is told of their input is made once. */
const faces = new WeakMap<z.ZodType, Record<string, Json>>()

function faceOf(input: z.ZodType): Record<string, Json> {
  const known = faces.get(input)
  if (known) return known
  const { $schema: _, ...face } = z.toJSONSchema(input, { io: 'input' }) as Record<string, Json>
  faces.set(input, face)
  return face
}

export function defineTool<Input>(definition: Definition<Input>): PlacedTool {
  const { name, about, input, access } = definition
  const face = faceOf(input)
  return {
    name,
    about,
    input: face,
    kind: definition.kind ?? 'plain',
    access,
    readOnly: definition.readOnly ?? false,
    replayable: definition.replayable ?? definition.readOnly ?? false,
    subject: (raw, workspace) => {
      const parsed = parse(input, raw)
      if (isFault(parsed)) return ''
      return definition.subject?.(parsed.input, workspace ?? null) ?? ''
    },
    grant: (raw, workspace) => {
      if (!definition.grant) return null
      const parsed = parse(input, raw)
      return isFault(parsed) ? NO_SUBJECT : definition.grant(parsed.input, workspace ?? null)
    },
    run: (raw, context) =>
      guarded(context.signal, () => {
        const parsed = parse(input, raw)
        if (isFault(parsed)) throw parsed
        return definition.run(parsed.input, context)
      }),
  }
}

/** Exactly one last item, whatever happens. */
export async function* guarded(
  signal: AbortSignal,
  start: () => AsyncGenerator<ToolItem, void> | Promise<ToolItem>,
): AsyncGenerator<ToolItem, void> {
  try {
    if (signal.aborted) return yield failed(CANCELLED)
    const work = start()
    if (!(Symbol.asyncIterator in work)) return yield await work
    for await (const item of work) {
      yield item
      if (item.kind === 'done' || item.kind === 'failed') return
    }
    yield failed('The tool ended without a result.')
  } catch (error) {
    yield failed(signal.aborted ? CANCELLED : reasonOf(error))
  }
}

export const CANCELLED = 'Cancelled.'

export const done = (output: string, meta?: Record<string, Json>): ToolItem =>
  meta ? { kind: 'done', output, meta } : { kind: 'done', output }

export const failed = (output: string, meta?: Record<string, Json>): ToolItem =>
  meta ? { kind: 'failed', output, meta } : { kind: 'failed', output }

export const reasonOf = (error: unknown): string =>
  isFault(error)
    ? error.message
    : `The tool failed: ${error instanceof Error ? error.message : String(error)}`

/** What the model sent, checked; a Fault that tells it what is wrong. */
export function parse<Input>(schema: z.ZodType<Input>, raw: Json): { input: Input } | Fault {
  const result = schema.safeParse(withoutNulls(raw))
  if (result.success) return { input: result.data }
  const issues = result.error.issues.slice(0, 5).map((issue) => {
    const path = issue.path.join('.')
    return path ? `${path}: ${issue.message}` : issue.message
  })
  return new Fault('invalid', `The input is wrong. ${issues.join('. ')}.`)
}

/** Many models send null for what they leave out. */
function withoutNulls(raw: Json): Json {
  if (raw === null || typeof raw !== 'object' || Array.isArray(raw)) return raw
  return Object.fromEntries(Object.entries(raw).filter(([, value]) => value !== null))
}

/** Text of at most so many bytes, and a word on what was left out. */
export function bounded(text: string, maxBytes: number): { text: string; truncated: boolean } {
  const bytes = Buffer.byteLength(text)
  if (bytes <= maxBytes) return { text, truncated: false }
  const kept = Buffer.from(text)
    .subarray(0, maxBytes)
    .toString('utf8')
    .replace(/\uFFFD+$/, '')
  const left = bytes - Buffer.byteLength(kept)
  return { text: `${kept}\n[... ${left} bytes left out]`, truncated: true }
}

export const MAX_OUTPUT_BYTES = 256 * 1024
