/** How the files of `.openharness` are found, and how what is wrong with one is reported. */

import type { Folder } from './folder.ts'
import type { Fields } from './workspace-yaml.ts'

export const HOME = '.openharness'

/** What a name of an agent, a model or a server may look like. */
export const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

export interface Reader {
  folder: Folder
  /** For a path within the workspace. */
  reportOn(path: string): (problem: string) => void
}

/** The files of a folder of `.openharness` that end so, with their names. */
export async function filesIn({ folder, reportOn }: Reader, dir: string, end: RegExp) {
  const path = `${HOME}/${dir}`
  const entries = await folder.list(path)
  if ('problem' in entries) {
    reportOn(path)(entries.problem)
    return []
  }
  return entries
    .filter((name) => end.test(name))
    .map((name) => ({ name: name.replace(end, ''), path: `${path}/${name}` }))
}

/** Words and numbers of the fields, as words. */
export const textsIn = (fields: Fields): Record<string, string> =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([key, value]) =>
      typeof value === 'string' || typeof value === 'number' ? [[key, String(value)]] : [],
    ),
  )
