/** The YAML files of a workspace: their fields, or a word on what is wrong. */

import type { Folder } from './folder.ts'
import { parseYaml } from './yaml.ts'

export type Fields = Record<string, unknown>

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The fields of a file; null when there is none. */
export async function readYaml(
  folder: Folder,
  path: string,
  report: (problem: string) => void,
): Promise<Fields | null> {
  const text = await folder.text(path)
  if (text === null) return null
  const parsed = typeof text === 'string' ? await parseYaml(text) : text
  if ('problem' in parsed) {
    report(parsed.problem)
    return null
  }
  if (isFields(parsed.value)) return parsed.value
  if (parsed.value !== null) report('must be fields such as "name: value"')
  return null
}

/** A text with front matter: its fields, and what stands below them. */
export async function splitFrontMatter(
  text: string,
): Promise<{ head: Fields; body: string } | { problem: string }> {
  const found = /^\uFEFF?---[ \t]*\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)/.exec(text)
  if (!found) return { head: {}, body: text.trim() }
  const parsed = await parseYaml(found[1] ?? '')
  if ('problem' in parsed) return { problem: `its front matter ${parsed.problem}` }
  const body = text.slice(found[0].length).trim()
  return { head: isFields(parsed.value) ? parsed.value : {}, body }
}

export const textAt = (fields: Fields, ...names: string[]): string | undefined => {
  for (const name of names) {
    const value = fields[name]
    if (typeof value === 'string' && value !== '') return value
  }
  return undefined
}

export const numberAt = (fields: Fields, name: string): number | undefined => {
  const value = fields[name]
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

/** A list of words; undefined when there is no list. */
export function wordsAt(fields: Fields, name: string): string[] | undefined {
  const value = fields[name]
  return Array.isArray(value) ? value.filter((v): v is string => typeof v === 'string') : undefined
}

export const fieldsAt = (fields: Fields, name: string): Fields => {
  const value = fields[name]
  return isFields(value) ? value : {}
}
