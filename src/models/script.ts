/**
 * The language of `scripted:*`: turns of acts, written as JSON in a prompt or in a file. What is
 * not understood is refused with the place where it stands.
 */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Stop } from '../kernel/event.ts'
import type { Json, Message } from '../kernel/part.ts'
import type { Usage } from '../kernel/usage.ts'
import { wordsOf } from './transcript.ts'

export type Act =
  | { do: 'say'; text: string; chunk?: number; everyMs?: number }
  | { do: 'think'; text: string; chunk?: number }
  | { do: 'pause'; ms: number }
  | { do: 'call'; tool: string; args: string; id?: string; chunk?: number }
  | {
      do: 'fail'
      code: string
      message: string
      status: number | null
      retryable: boolean
      retryAfterMs: number | null
      attempts: number
    }
  | { do: 'cut'; attempts: number }
  | { do: 'hang' }
  | { do: 'stop'; stop: Stop }
  | { do: 'usage'; usage: Partial<Usage> }

/** A script, and the message from which its turns are counted. */
export interface Script {
  turns: Act[][]
  from: number
}

export class ScriptProblem extends Error {}

/** Null when nobody gave a script. Throws a ScriptProblem when one was given that is none. */
export async function scriptOf(
  messages: readonly Message[],
  name: string,
  fixtures: string | null,
): Promise<Script | null> {
  const from = messages.findLastIndex((m) => m.role === 'user' && isScript(wordsOf(m)))
  const message = messages[from]
  if (message) {
    const text = wordsOf(message).trim()
    const file = /^script-file\s+(\S+)$/.exec(text)?.[1]
    if (file === undefined) return { turns: parse(text.slice('script '.length)), from }
    const read = fixtures === null ? null : await fixture(fixtures, file)
    if (read === null) throw new ScriptProblem(`There is no script file ${file}.json.`)
    return { turns: parse(read), from }
  }
  const text = fixtures === null ? null : await fixture(fixtures, name)
  if (text === null) return null
  return {
    turns: parse(text),
    from: messages.findLastIndex((m) => m.role === 'user' && !m.steered),
  }
}

const isScript = (text: string): boolean =>
  /^\s*script\s+\[/.test(text) || /^\s*script-file\s+\S+\s*$/.test(text)

async function fixture(folder: string, name: string): Promise<string | null> {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) return null
  try {
    return await readFile(join(folder, name.endsWith('.json') ? name : `${name}.json`), 'utf8')
  } catch {
    return null
  }
}

export function parse(text: string): Act[][] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new ScriptProblem(`The script is no JSON: ${(error as Error).message}`)
  }
  if (!Array.isArray(value)) throw new ScriptProblem('A script is a list of turns.')
  return value.map((turn, t) => {
    if (!Array.isArray(turn)) throw new ScriptProblem(`Turn ${t + 1} is no list of acts.`)
    return turn.map((act, a) => readAct(act, `turn ${t + 1}, act ${a + 1}`))
  })
}

type Fields = Record<string, unknown>

const KINDS = ['say', 'think', 'pause', 'call', 'fail', 'cut', 'hang', 'stop', 'usage'] as const

function readAct(value: unknown, place: string): Act {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ScriptProblem(`Not an act: ${place}.`)
  const fields = value as Fields
  const kind = KINDS.find((k) => k in fields)
  const get = reader(fields, place)
  const chunk = get.optional('chunk')
  const sized = chunk === undefined ? {} : { chunk }
  switch (kind) {
    case 'say': {
      const everyMs = get.optional('everyMs')
      return {
        do: 'say',
        text: get.text('say'),
        ...sized,
        ...(everyMs === undefined ? {} : { everyMs }),
      }
    }
    case 'think':
      return { do: 'think', text: get.text('think'), ...sized }
    case 'pause':
      return { do: 'pause', ms: get.number('pause') }
    case 'call': {
      const args =
        typeof fields.raw === 'string' ? fields.raw : JSON.stringify((fields.input as Json) ?? {})
      const id = typeof fields.id === 'string' ? { id: fields.id } : {}
      return { do: 'call', tool: get.text('call'), args, ...id, ...sized }
    }
    case 'fail':
      return readFailure(fields.fail, place)
    case 'cut':
      return { do: 'cut', attempts: get.optional('attempts') ?? Number.POSITIVE_INFINITY }
    case 'hang':
      return { do: 'hang' }
    case 'stop':
      return { do: 'stop', stop: get.text('stop') as Stop }
    case 'usage':
      return { do: 'usage', usage: fields.usage as Partial<Usage> }
    default:
      throw new ScriptProblem(`No such act: ${place}. There are ${KINDS.join(', ')}.`)
  }
}

function readFailure(value: unknown, place: string): Act {
  const fields = (typeof value === 'object' && value !== null ? value : {}) as Fields
  const get = reader(fields, place)
  const code = typeof fields.code === 'string' ? fields.code : 'provider_error'
  return {
    do: 'fail',
    code,
    message: typeof fields.message === 'string' ? fields.message : `Scripted failure ${code}.`,
    status: get.optional('status') ?? null,
    retryable: fields.retryable === true,
    retryAfterMs: get.optional('retryAfterMs') ?? null,
    attempts: get.optional('attempts') ?? Number.POSITIVE_INFINITY,
  }
}

function reader(fields: Fields, place: string) {
  const must = <T>(name: string, isRight: boolean, value: unknown): T => {
    if (!isRight) throw new ScriptProblem(`"${name}" is not right: ${place}.`)
    return value as T
  }
  return {
    text: (name: string): string => must(name, typeof fields[name] === 'string', fields[name]),
    number: (name: string): number => must(name, typeof fields[name] === 'number', fields[name]),
    optional: (name: string): number | undefined =>
      must(name, fields[name] === undefined || typeof fields[name] === 'number', fields[name]),
  }
}
