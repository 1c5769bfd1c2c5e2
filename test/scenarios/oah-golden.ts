/**
 * What the real server said, in a form in which it can be compared: ids, times and figures are put
 * away, deltas are counted as one whatever their number, and frames are grouped by what they are
 * about, because the real server lets those of one thing overtake those of another.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Json } from './oah-server.ts'

const FOLDER = join(import.meta.dirname, '../../src/dialects/oah/golden')

const linesOf = <T>(name: string): T[] =>
  readFileSync(join(FOLDER, name), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T)

export interface Said {
  event: string
  data: Json
}

export interface Exchange {
  method: string
  path: string
  body: Json | null
  status: number
  answer: unknown
}

export const goldenFrames = (name: string): Said[] => linesOf(`${name}.jsonl`)

export const goldenExchanges = (name: string): Exchange[] => linesOf(`${name}.http.jsonl`)

/** Frames by their subject: runs and queue, each message, each call, other agents. */
export function grouped(frames: readonly Said[]): Record<string, Said[]> {
  const names = new Map<string, string>()
  const name = (id: string): string => {
    const kind = id.includes('_') ? id.slice(0, id.indexOf('_')) : 'call'
    const known = names.get(id)
    if (known) return known
    const count = [...names.values()].filter((n) => n.startsWith(`${kind} `)).length
    names.set(id, `${kind} ${count + 1}`)
    return names.get(id) as string
  }
  // Calls and runs are numbered first, in the order in which they come up anywhere.
  for (const { data } of frames) for (const id of idsIn(data)) name(id)
  const groups: Record<string, Said[]> = {}
  let texts = 0
  const textNames = new Map<string, string>()
  for (const { event, data } of frames) {
    if (event === 'engine.log') continue
    let subject = event.startsWith('message.')
      ? messageSubject(data, name)
      : event.startsWith('tool.')
        ? name(data.toolCallId as string)
        : event.split('.')[0]
    if (subject === 'run' || subject === 'queue') subject = 'runs'
    if (subject === 'text') {
      const id = String(data.messageId)
      if (!textNames.has(id)) textNames.set(id, `text ${++texts}`)
      subject = textNames.get(id) as string
    }
    const group = groups[subject as string] ?? []
    groups[subject as string] = group
    const said = { event, data: plain(data, name) as Json }
    const before = group.at(-1)
    if (event === 'message.delta') {
      const isMore = before?.event === 'message.delta'
      if (!isMore) group.push({ event, data: { metadata: said.data.metadata } })
      continue
    }
    group.push(said)
  }
  return groups
}

const idsIn = (data: Json): string[] => {
  const ids: string[] = []
  if (typeof data.runId === 'string') ids.push(data.runId)
  if (typeof data.childRunId === 'string') ids.push(data.childRunId)
  const part = Array.isArray(data.content) ? (data.content[0] as Json | undefined) : undefined
  const call = data.toolCallId ?? part?.toolCallId
  if (typeof call === 'string') ids.push(call)
  return ids
}

function messageSubject(data: Json, name: (id: string) => string): string {
  const part = Array.isArray(data.content) ? (data.content[0] as Json | undefined) : undefined
  if (part?.type === 'tool-call') return `asks ${name(part.toolCallId as string)}`
  if (part?.type === 'tool-result') return `result of ${name(part.toolCallId as string)}`
  return 'text'
}

/** Nobody can say the same of these twice: they are told by their kind. */
const FIGURES = new Set([
  'durationMs',
  'toolDurationMs',
  'output',
  'errorMessage',
  'stdout',
  'value',
  'mtimeMs',
  'birthtimeMs',
  'size',
  'pid',
  'inputTokens',
  'outputTokens',
  'totalTokens',
])

function plain(value: unknown, name: (id: string) => string, key = ''): unknown {
  if (typeof value === 'string') return plainText(value, key, name)
  if (typeof value === 'number') return FIGURES.has(key) ? 'a number' : value
  if (Array.isArray(value)) return value.map((v) => plain(v, name, key))
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value)
    // Ours have no such field; it says nothing that the call itself does not say.
    .filter(([k]) => !(k === 'description' && 'command' in value))
    .map(([k, v]) => [k, FIGURES.has(k) && isOutput(v) ? 'told' : plain(v, name, k)])
  return Object.fromEntries(fields)
}

const isOutput = (value: unknown): boolean =>
  typeof value === 'string' || (typeof value === 'object' && value !== null && 'exitCode' in value)

function plainText(text: string, key: string, name: (id: string) => string): string {
  if (key === 'errorCode') return 'a code'
  if (key === 'toolCallId' || /^(run)_[0-9a-f]{32}$/.test(text)) return name(text)
  const id = /^(ws|ses|msg|step)_[0-9a-f]{32}$/.exec(text)
  if (id) return `a ${id[1]}`
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text)) return 'a time'
  if (/^W\/"[0-9a-f]+-[0-9a-f]+-[0-9a-f]+"$/.test(text)) return 'an etag'
  return text
}

/** An answer without what differs from server to server. */
export const comparable = (answer: unknown): unknown => {
  const names = new Map<string, string>()
  return plain(answer, (id) => {
    if (!names.has(id)) names.set(id, `the ${names.size + 1}.`)
    return names.get(id) as string
  })
}
