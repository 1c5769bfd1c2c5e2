/**
 * Capabilities: what people author beside agents, one text file each. A psyche is part of the
 * instructions, a skill is read when it is needed, a service is an MCP server, a prompt is a command
 * that a message begins with. Here is what they are, and how a command becomes text. Pure.
 */

import type { ToolServer } from './agent.ts'

export const CAP_KINDS = ['prompt', 'psyche', 'service', 'skill'] as const
export type CapKind = (typeof CAP_KINDS)[number]

/** `private` belongs to one agent, `shared` to all. Of two of one name the private one counts. */
export const VISIBILITIES = ['private', 'shared'] as const
export type Visibility = (typeof VISIBILITIES)[number]

export interface CapAddress {
  kind: CapKind
  /** `[A-Za-z0-9][A-Za-z0-9._-]*`, at most 64 characters. */
  name: string
  visibility: Visibility
}

export interface Cap extends CapAddress {
  about: string | null
  /** `wired`: its text lies somewhere else, at `ref`. */
  form: 'file' | 'wired'
  ref: string | null
  /** The whole text as written; '' when it could not be read. */
  content: string
  /** The text without its front matter. */
  body: string
  /** Of a skill: the files of its folder, sorted, relative. */
  files: string[] | null
  /** Where it is authored, relative to the folder that holds everything. */
  definedIn: string
  /** Absolute; null when there is nothing to read. */
  file: string | null
  /** Of a service that is right. */
  server: ToolServer | null
  /** Why it does not work. It harms nothing else. */
  problem: string | null
}

export interface CapTemplate {
  kind: CapKind
  name: string
  title: string
  about: string | null
  file: string
  content: string
}

/** Told after a change was made here or seen on disk. */
export interface CapChange extends CapAddress {
  /** Null for what is shared. */
  agent: string | null
}

/** Everything authored, as it is on disk now: what was written is read back before it is answered. */
export interface Caps {
  /** What counts for the agent, sorted by kind, name and ref. */
  list(agent: string, kind?: CapKind): Cap[]
  get(agent: string, kind: CapKind, name: string): Cap | null
  /**
   * Faults: `invalid` (name, content), `conflict` (one of the other form has the name),
   * `unavailable`.
   */
  put(agent: string, address: CapAddress, content: string): Promise<Cap>
  /** Fault `not_found`. Of a skill the whole folder goes. */
  drop(agent: string, address: CapAddress): Promise<void>
  /** Answers when the text has been fetched, or could not be: then the cap has a problem. */
  wire(agent: string, address: CapAddress, ref: string): Promise<Cap>
  /** Fault `not_found`. */
  unwire(agent: string, address: CapAddress): Promise<void>
  templates(kind: CapKind): CapTemplate[]
  /**
   * The text that a message `/name arguments` stands for; null when it is no command; Fault
   * `not_found`.
   */
  expand(agent: string, message: string): string | null
  onChange(listener: (change: CapChange) => void): () => void
  close(): Promise<void>
}

export const CAP_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/** A command at the beginning of a message, and everything after it; null when there is none. */
export function commandIn(message: string): { name: string; args: string } | null {
  const found = /^\s*\/([A-Za-z0-9][A-Za-z0-9._-]*)(?:\s+([\s\S]*))?$/.exec(message)
  return found ? { name: found[1] as string, args: (found[2] ?? '').trim() } : null
}

/** Names that stand for everything that was written after the command. */
const WHOLE = ['input', 'args', 'arguments']

/**
 * Puts arguments into a prompt. `{{input}}` is all of them, `{{1}}` the first, `{{name}}` what
 * `name=value` says; other names take the words in order, the last of them all that are left.
 * Arguments that no place asks for follow the text.
 */
export function fillPrompt(template: string, args: string): string {
  const words = wordsIn(args)
  const places = [...template.matchAll(/\{\{\s*([A-Za-z0-9_.-]+)\s*\}\}/g)].map(
    (m) => m[1] as string,
  )
  const names = [...new Set(places)].filter((p) => !WHOLE.includes(p) && !/^\d+$/.test(p))
  const given = new Map<string, string>()
  const loose: string[] = []
  for (const word of words) {
    const at = word.indexOf('=')
    const name = at < 0 ? '' : word.slice(0, at)
    if (names.includes(name)) given.set(name, word.slice(at + 1))
    else loose.push(word)
  }
  const open = names.filter((n) => !given.has(n))
  open.forEach((name, i) => {
    given.set(name, i === open.length - 1 ? loose.slice(i).join(' ') : (loose[i] ?? ''))
  })
  const filled = template.replace(/\{\{\s*([A-Za-z0-9_.-]+)\s*\}\}/g, (_, name: string) => {
    if (WHOLE.includes(name)) return args
    return /^\d+$/.test(name) ? (words[Number(name) - 1] ?? '') : (given.get(name) ?? '')
  })
  if (places.length > 0 || args === '') return filled
  return `${filled.trimEnd()}\n\n${args}`
}

/** Words, and texts between quotes as one. */
const wordsIn = (args: string): string[] =>
  [...args.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g)].map(([word]) =>
    word.replace(/"([^"]*)"|'([^']*)'/g, (_, a?: string, b?: string) => a ?? b ?? ''),
  )
