/** What the text of a capability says, kind by kind, and what is wrong with it. Pure but for the parser. */

import type { ToolServer } from '../kernel/agent.ts'
import type { CapKind } from '../kernel/caps.ts'
import type { ServerEntry } from './agent-file.ts'
import { frontMatter } from './skill.ts'
import { type Secret, toolServers } from './tool-server.ts'

export interface CapText {
  about: string | null
  body: string
  server: ToolServer | null
  problem: string | null
}

type Fields = Record<string, unknown>

const HEAD = /^\uFEFF?---[ \t]*\r?\n[\s\S]*?\r?\n---[ \t]*(?:\r?\n|$)/

/** Never rejects. A text with a problem says it in words that a person can act on. */
export async function readCapText(
  kind: CapKind,
  name: string,
  text: string,
  secret: Secret,
): Promise<CapText> {
  const hasHead = HEAD.test(text)
  const read = hasHead ? await frontMatter(text) : {}
  const body = hasHead ? text.replace(HEAD, '').trim() : text.trim()
  if (typeof read === 'string') return { about: null, body, server: null, problem: read }
  const about = typeof read.description === 'string' ? read.description.trim() || null : null
  const found = { about, body, server: null }
  switch (kind) {
    case 'prompt':
    case 'psyche':
      return { ...found, problem: null }
    case 'skill':
      return { ...found, problem: skillProblem(about, body) }
    case 'service':
      return service(name, read, found, secret)
  }
}

function skillProblem(about: string | null, body: string): string | null {
  if (about === null) return 'skill description is required'
  return body === '' ? 'skill body is required' : null
}

const SERVICE_FIELDS = ['name', 'description', 'transport', 'target', 'headers', 'env']

function service(
  name: string,
  fields: Fields,
  found: Omit<CapText, 'problem'>,
  secret: Secret,
): CapText {
  const wrong = serviceProblem(fields, found.about)
  if (wrong !== null) return { ...found, problem: wrong }
  const { servers, problems } = toolServers({ [name]: entryOf(fields) }, secret)
  return { ...found, server: servers[name] ?? null, problem: problems[0] ?? null }
}

function serviceProblem(fields: Fields, about: string | null): string | null {
  if (about === null) return 'service description is required'
  const other = Object.keys(fields).find((k) => !SERVICE_FIELDS.includes(k))
  if (other !== undefined) return `unknown service field: ${other}`
  if (fields.transport !== 'http' && fields.transport !== 'stdio')
    return 'service transport must be http or stdio'
  if (typeof fields.target !== 'string' || fields.target.trim() === '')
    return 'service target is required'
  if (fields.headers !== undefined && !isTexts(fields.headers))
    return 'service headers must be a map of strings'
  return envNames(fields.env) === null ? 'service env must be a list of names' : null
}

const isTexts = (value: unknown): value is Record<string, string> =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((v) => typeof v === 'string')

/** `A, B` or a list; null when it is neither. */
function envNames(value: unknown): string[] | null {
  if (value === undefined || value === null) return []
  const names = typeof value === 'string' ? value.split(',') : value
  if (!Array.isArray(names) || !names.every((n) => typeof n === 'string')) return null
  const trimmed = names.map((n: string) => n.trim()).filter((n) => n !== '')
  return trimmed.every((n) => /^[A-Za-z_]\w*$/.test(n)) ? trimmed : null
}

function entryOf({ transport, target, headers, env }: Fields): ServerEntry {
  const names = envNames(env) ?? []
  const vars = Object.fromEntries(names.map((n) => [n, `\${env:${n}}`]))
  if (transport === 'http')
    return {
      transport: 'http',
      url: String(target).trim(),
      headers: (headers ?? {}) as Record<string, string>,
    }
  const [command = '', ...args] = wordsOf(String(target))
  return { transport: 'stdio', command, args, env: vars }
}

/** A command line in words; quotes keep words together. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g)].map(([word]) =>
    word.replace(/"([^"]*)"|'([^']*)'/g, (_, a?: string, b?: string) => a ?? b ?? ''),
  )
