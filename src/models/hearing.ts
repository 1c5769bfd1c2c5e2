/**
 * Listens to a provider's stream and says it in the words of the port. Call ids are unique within
 * a stream, every call gets its input, and no text is cut through a surrogate pair.
 */

import type { Json } from '../kernel/part.ts'
import type { ModelItem } from '../kernel/ports.ts'
import type { Meta, StreamPart } from './library.ts'
import type { Token } from './prompt.ts'
import { openSeam, type Seam } from './well-formed.ts'

export interface Hearing {
  hear(part: StreamPart): ModelItem[]
  /** What is still owed when the stream ends well. */
  rest(): ModelItem[]
  /** Characters that were said, and calls that were begun. */
  readonly chars: number
  readonly calls: number
  /** The model's name as the provider gave it. */
  readonly model: string | null
}

/** `toolOf` undoes what the adapter had to do to a tool's name. */
export function listen(
  of: { provider: string; model: string },
  toolOf: (name: string) => string,
): Hearing {
  const text = openSeam()
  const thinking = openThinking(of)
  const calls = openCalls(of, toolOf)
  let chars = 0
  let model: string | null = null
  const count = (items: ModelItem[]): ModelItem[] => {
    for (const item of items) if ('text' in item) chars += item.text.length
    return items
  }
  const hear = (part: StreamPart): ModelItem[] => {
    switch (part.type) {
      case 'text-delta':
        thinking.leave()
        return said('text', text.join(part.delta))
      case 'text-end':
        return said('text', text.rest())
      case 'reasoning-start':
        return thinking.begin(part.providerMetadata)
      case 'reasoning-delta':
        return thinking.say(part.delta, part.providerMetadata)
      case 'reasoning-end':
        return thinking.end(part.providerMetadata)
      case 'tool-input-start':
        if (part.providerExecuted) return []
        return calls.begin(part.id, part.toolName, part.providerMetadata, thinking.leave())
      case 'tool-input-delta':
        return calls.say(part.id, part.delta)
      case 'tool-call':
        if (part.providerExecuted) return []
        return calls.whole(part, thinking)
      case 'response-metadata':
        model = part.modelId ?? model
        return []
      default:
        return []
    }
  }
  return {
    hear: (part) => count(hear(part)),
    rest: () => count([...said('text', text.rest()), ...thinking.end(undefined), ...calls.rest()]),
    get chars() {
      return chars
    },
    get calls() {
      return calls.count()
    },
    get model() {
      return model
    },
  }
}

const said = (kind: 'text' | 'thinking', text: string): ModelItem[] =>
  text === '' ? [] : [{ kind, text }]

const SECRETS = ['signature', 'redactedData', 'reasoningEncryptedContent', 'thoughtSignature']

/** Does the provider want to have this back? */
const isToken = (meta: Meta | undefined): boolean =>
  Object.values(meta ?? {}).some((m) => SECRETS.some((name) => m?.[name] != null))

function mergeMeta(a: Meta | undefined, b: Meta | undefined): Meta | undefined {
  if (!a || !b) return a ?? b
  const merged: Meta = { ...a }
  for (const [name, facts] of Object.entries(b)) merged[name] = { ...merged[name], ...facts }
  return merged
}

type Block = NonNullable<Token['blocks']>[number]

interface Thinking {
  begin(meta: Meta | undefined): ModelItem[]
  say(delta: string, meta: Meta | undefined): ModelItem[]
  end(meta: Meta | undefined): ModelItem[]
  /** Something else is said now. Returns blocks without any text, which only a call can carry. */
  leave(): Block[]
}

/**
 * Blocks that follow each other are one part to the engine, so one token speaks for all of them and
 * says how much of the text each one is.
 */
function openThinking(of: { provider: string; model: string }): Thinking {
  const seam = openSeam()
  let blocks: Block[] = []
  let open: { length: number; meta: Meta | undefined } | null = null
  let told = 0
  const say = (text: string): ModelItem[] => {
    open ??= { length: 0, meta: undefined }
    open.length += text.length
    return said('thinking', text)
  }
  const end = (meta: Meta | undefined): ModelItem[] => {
    if (!open) return []
    const items = say(seam.rest())
    const block = open
    open = null
    blocks.push({ length: block.length, meta: mergeMeta(block.meta, meta) ?? {} })
    const hasText = blocks.some((b) => b.length > 0)
    const tokens = blocks.filter((b) => isToken(b.meta)).length
    if (!hasText || tokens === told) return items
    told = tokens
    const opaque = { ...of, blocks: [...blocks] } satisfies Token
    return [...items, { kind: 'opaque', opaque: opaque as unknown as Json }]
  }
  return {
    begin(meta) {
      const items = end(undefined)
      open = { length: 0, meta }
      return items
    },
    say(delta, meta) {
      const items = say(seam.join(delta))
      if (open && meta) open.meta = mergeMeta(open.meta, meta)
      return items
    },
    end,
    leave() {
      const orphans = blocks.some((b) => b.length > 0) ? [] : blocks.filter((b) => isToken(b.meta))
      blocks = []
      open = null
      told = 0
      return orphans
    },
  }
}

interface OpenCall {
  /** The provider's name for it, which may come twice. */
  given: string
  call: string
  seam: Seam
  hasArgs: boolean
  hasToken: boolean
  isWhole: boolean
}

interface Calls {
  begin(given: string, tool: string, meta: Meta | undefined, before: Block[]): ModelItem[]
  say(given: string, delta: string): ModelItem[]
  whole(part: Extract<StreamPart, { type: 'tool-call' }>, thinking: Thinking): ModelItem[]
  rest(): ModelItem[]
  count(): number
}

function openCalls(
  of: { provider: string; model: string },
  toolOf: (name: string) => string,
): Calls {
  const open: OpenCall[] = []
  const args = (call: OpenCall, text: string): ModelItem[] => {
    if (text === '') return []
    call.hasArgs = true
    return [{ kind: 'args', call: call.call, text }]
  }
  const begin: Calls['begin'] = (given, tool, meta, before) => {
    const name = given || 'call'
    let call = name
    for (let n = 2; open.some((c) => c.call === call); n++) call = `${name}_${n}`
    const opaque = callToken(of, meta, before)
    const hasToken = opaque !== undefined
    open.push({ given, call, seam: openSeam(), hasArgs: false, hasToken, isWhole: false })
    return [{ kind: 'call', call, tool: toolOf(tool), ...(hasToken ? { opaque } : {}) }]
  }
  return {
    begin,
    say(given, delta) {
      const call = open.findLast((c) => c.given === given)
      return call ? args(call, call.seam.join(delta)) : []
    },
    whole(part, thinking) {
      const items: ModelItem[] = []
      let call = open.find((c) => c.given === part.toolCallId && !c.isWhole)
      if (!call) {
        items.push(
          ...begin(part.toolCallId, part.toolName, part.providerMetadata, thinking.leave()),
        )
        call = open.at(-1) as OpenCall
      }
      call.isWhole = true
      items.push(...args(call, call.seam.rest()))
      if (!call.hasArgs) items.push(...args(call, openSeam().join(part.input.trim() || '{}')))
      const opaque = callToken(of, part.providerMetadata, [])
      if (opaque !== undefined && !call.hasToken && call === open.at(-1))
        items.push({ kind: 'opaque', opaque })
      return items
    },
    rest: () =>
      open.flatMap((c) => [...args(c, c.seam.rest()), ...(c.hasArgs ? [] : args(c, '{}'))]),
    count: () => open.length,
  }
}

function callToken(
  of: { provider: string; model: string },
  meta: Meta | undefined,
  before: Block[],
): Json | undefined {
  if (!isToken(meta) && before.length === 0) return undefined
  const token: Token = {
    ...of,
    ...(isToken(meta) && meta ? { meta } : {}),
    ...(before.length > 0 ? { blocks: before } : {}),
  }
  return token as unknown as Json
}
