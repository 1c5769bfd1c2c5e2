/**
 * The skills in an agent's folder: `skills/<name>.md` or `skills/<name>/SKILL.md`, each with front
 * matter that says its name and what it is for. Only that is read here; a skill's text is read when
 * the model asks for it.
 */

import { join, sep } from 'node:path'
import type { Skill } from '../kernel/agent.ts'
import type { Folder } from './folder.ts'
import { parseYaml } from './yaml.ts'

const MOST_SKILLS = 200

export interface Skills {
  skills: Skill[]
  /** The texts that were read, for the revision. */
  texts: string[]
  problems: { file: string; problem: string }[]
}

export async function readSkills(folder: Folder, dirs: string[]): Promise<Skills> {
  const found: Skills = { skills: [], texts: [], problems: [] }
  for (const dir of dirs) {
    for (const file of await skillFiles(folder, dir, found)) await readSkill(folder, file, found)
  }
  return found
}

async function skillFiles(folder: Folder, dir: string, found: Skills): Promise<string[]> {
  const report = (path: string, problem: string) =>
    found.problems.push({ file: join(folder.path, path), problem })
  const entries = await folder.list(dir)
  if ('problem' in entries) {
    report(dir, entries.problem)
    return []
  }
  const files: string[] = []
  for (const entry of entries) {
    const path = join(dir, entry)
    if (/\.md$/i.test(entry)) {
      if (!/^readme\.md$/i.test(entry)) files.push(path)
      continue
    }
    const inside = await folder.list(path)
    if ('problem' in inside) {
      report(path, inside.problem)
      continue
    }
    const file = inside.find((name) => name.toLowerCase() === 'skill.md')
    if (file !== undefined && !inside.includes('.disabled')) files.push(join(path, file))
  }
  if (files.length > MOST_SKILLS)
    report(dir, `has ${files.length} skills; only the first ${MOST_SKILLS} are used`)
  return files.slice(0, MOST_SKILLS)
}

async function readSkill(folder: Folder, path: string, found: Skills): Promise<void> {
  const file = join(folder.path, path)
  const report = (problem: string) => found.problems.push({ file, problem })
  const text = await folder.text(path)
  if (typeof text !== 'string') {
    if (text !== null) report(text.problem)
    return
  }
  found.texts.push(`${path}\n${text}`)
  const head = await frontMatter(text)
  if (typeof head === 'string') return void report(head)
  const name = typeof head.name === 'string' && head.name !== '' ? head.name : nameOf(path)
  if (found.skills.some((s) => s.name === name))
    return void report(`another skill is called ${name} already; this one is left out`)
  const about = typeof head.description === 'string' ? head.description.trim() : ''
  found.skills.push({ name, about, file })
}

/** `skills/tidy/SKILL.md` and `skills/tidy.md` are both `tidy`. */
function nameOf(path: string): string {
  const parts = path.split(sep)
  const last = parts.at(-1) ?? ''
  return last.toLowerCase() === 'skill.md' ? (parts.at(-2) ?? '') : last.replace(/\.md$/i, '')
}

/** The fields at the head of the text, or what is wrong with them. */
export async function frontMatter(text: string): Promise<Record<string, unknown> | string> {
  const found = /^\uFEFF?---[ \t]*\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)/.exec(text)
  if (!found)
    return 'needs front matter: a block between two lines of --- with name and description'
  const parsed = await parseYaml(found[1] ?? '')
  if ('problem' in parsed) return `its front matter ${parsed.problem}; put the text in quotes`
  const { value } = parsed
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : 'its front matter must be fields such as "name: tidy"'
}
