/**
 * Answers held against the shapes that were captured from the real server: every key, in its order,
 * with its type. `key?` may be missing, `+key` is ours, `type?` may be null, `[type]` is a list, `*`
 * lets other keys pass.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const golden = <T>(name: string): T =>
  JSON.parse(
    readFileSync(join(import.meta.dirname, '../../src/dialects/toolang/golden', name), 'utf8'),
  ) as T

type Shape = string | { [key: string]: Shape }

export interface Operation {
  method: string
  path: string
  summary: string
  status: number
  /** Parameters by name, each as its type and its default. */
  query: Record<string, string>
  body: string | null
  answer: string
}

export interface RequestShape {
  others: 'refused' | 'ignored'
  /** `! ` is required; `= ` is the default. */
  fields: Record<string, string>
}

export const OPERATIONS = golden<Operation[]>('operations.json')
export const REQUESTS = golden<Record<string, RequestShape>>('requests.json')
const SHAPES = golden<Record<string, Shape>>('shapes.json')

export const hasShape = (name: string): boolean => name === 'stream' || Object.hasOwn(SHAPES, name)

const PLAIN: Record<string, (value: unknown) => boolean> = {
  any: () => true,
  text: (v) => typeof v === 'string',
  number: (v) => typeof v === 'number',
  flag: (v) => typeof v === 'boolean',
  object: (v) => typeof v === 'object' && v !== null && !Array.isArray(v),
  second: (v) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(String(v)),
  instant: (v) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/.test(String(v)),
}

/** What is wrong with the value, place by place; empty when it has the shape. */
export function misfits(value: unknown, shape: Shape, place = 'answer'): string[] {
  if (typeof shape !== 'string') return inKeys(value, shape, place)
  if (shape.endsWith('?')) return value === null ? [] : misfits(value, shape.slice(0, -1), place)
  if (shape.startsWith('[')) {
    if (!Array.isArray(value)) return [`${place} is no list`]
    return value.flatMap((v, i) => misfits(v, shape.slice(1, -1), `${place}[${i}]`))
  }
  const plain = PLAIN[shape]
  if (plain) return plain(value) ? [] : [`${place} is no ${shape}: ${JSON.stringify(value)}`]
  const named = SHAPES[shape]
  return named === undefined ? [`${place}: no shape ${shape}`] : inKeys(value, named, place)
}

function inKeys(value: unknown, shape: Shape, place: string): string[] {
  if (typeof shape === 'string') return misfits(value, shape, place)
  if (!PLAIN.object?.(value)) return [`${place} is no object: ${JSON.stringify(value)}`]
  const given = value as Record<string, unknown>
  const names = Object.keys(shape).map((key) => key.replace(/^\+|\?$/g, ''))
  const wrong: string[] = []
  for (const [key, inner] of Object.entries(shape)) {
    const name = key.replace(/^\+|\?$/g, '')
    if (name === '*') continue
    if (Object.hasOwn(given, name)) wrong.push(...misfits(given[name], inner, `${place}.${name}`))
    else if (name === key) wrong.push(`${place}.${name} is missing`)
  }
  const others = Object.keys(given).filter((key) => !names.includes(key))
  if (!names.includes('*')) wrong.push(...others.map((key) => `${place}.${key} is not known`))
  const order = Object.keys(given).filter((key) => names.includes(key))
  const wanted = names.filter((key) => order.includes(key))
  if (order.join() !== wanted.join()) wrong.push(`${place} has its keys as ${order.join(', ')}`)
  return wrong
}
