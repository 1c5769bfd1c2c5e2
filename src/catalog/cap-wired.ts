/**
 * Capabilities that are wired: named here, written elsewhere. A local path is read where it is, within
 * the workspace only; a GitHub ref is fetched once, at a commit that is kept with it, and its text
 * stays here. What cannot be fetched says why.
 */

import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { CAP_KINDS, CAP_NAME, type CapKind } from '../kernel/caps.ts'
import type { Fetched } from './cap-fetch.ts'
import { parseRef } from './cap-ref.ts'
import type { Folder } from './folder.ts'
import { replaceFile } from './folder-write.ts'

export const WIRED_FILE = 'wired.json'

export interface Wired {
  kind: CapKind
  name: string
  ref: string
  /** The commit that a fetched text is of. */
  revision: string | null
  /** Why it could not be fetched. */
  problem: string | null
}

type Entries = Record<string, Record<string, { ref: string; revision?: string; problem?: string }>>

/** All refs of a folder; a file that is no JSON names none. */
export async function readWired(folder: Folder): Promise<Wired[]> {
  const text = await folder.text(WIRED_FILE)
  const entries = typeof text === 'string' ? parsed(text) : {}
  return CAP_KINDS.flatMap((kind) =>
    Object.entries(entries[`${kind}s`] ?? {})
      .filter(([name, entry]) => CAP_NAME.test(name) && typeof entry?.ref === 'string')
      .map(([name, { ref, revision, problem }]) => ({
        ...{ kind, name, ref },
        revision: revision ?? null,
        problem: problem ?? null,
      })),
  )
}

function parsed(text: string): Entries {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Entries) : {}
  } catch {
    return {}
  }
}

/** Writes the refs of a folder, in the order of their names. */
export async function writeWired(path: string, wired: readonly Wired[]): Promise<void> {
  const entries: Entries = {}
  for (const { kind, name, ref, revision, problem } of [...wired].sort(byName)) {
    entries[`${kind}s`] ??= {}
    ;(entries[`${kind}s`] as Entries[string])[name] = {
      ref,
      ...(revision === null ? {} : { revision }),
      ...(problem === null ? {} : { problem }),
    }
  }
  await mkdir(path, { recursive: true, mode: 0o700 })
  await replaceFile(join(path, WIRED_FILE), `${JSON.stringify(entries, null, 2)}\n`)
}

const byName = (a: Wired, b: Wired): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)

// ---- texts --------------------------------------------------------------------------------------

type Named = Pick<Wired, 'kind' | 'name'>

const keptAt = ({ kind, name }: Named): string =>
  join('.caps', 'wired', `${kind}s`, kind === 'skill' ? join(name, 'SKILL.md') : `${name}.md`)

export async function wiredText(
  folder: Folder,
  local: Folder,
  wired: Wired,
): Promise<{ text: string; file: string } | { problem: string }> {
  const ref = parseRef(wired.kind, wired.ref)
  if (ref?.at === 'local') return localText(local, wired.kind, ref.path)
  const text = await folder.text(keptAt(wired))
  if (typeof text === 'string') return { text, file: join(folder.path, keptAt(wired)) }
  return { problem: wired.problem ?? text?.problem ?? 'has not been fetched yet' }
}

async function localText(local: Folder, kind: CapKind, path: string) {
  const whole = isAbsolute(path) ? path : resolve(local.path, path)
  const places = /\.md$/i.test(whole)
    ? [whole]
    : kind === 'skill'
      ? [join(whole, 'SKILL.md')]
      : [`${whole}.md`]
  for (const place of places) {
    const text = await local.text(place)
    if (typeof text === 'string') return { text, file: place }
    if (text !== null) return { problem: `${path} ${text.problem}; paths lie in the workspace` }
  }
  return { problem: `there is nothing at ${path}` }
}

/** Keeps what was fetched in place of what was kept before; no text: nothing any more. */
export async function keepWired(
  path: string,
  wired: Named,
  { text, files }: Pick<Fetched, 'text' | 'files'>,
): Promise<void> {
  const file = join(path, keptAt(wired))
  if (wired.kind === 'skill') await rm(dirname(file), { recursive: true, force: true })
  if (text === null) return await rm(file, { force: true })
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  for (const [name, bytes] of files) {
    const beside = join(dirname(file), name)
    await mkdir(dirname(beside), { recursive: true, mode: 0o700 })
    await writeFile(beside, bytes, { mode: 0o600 })
  }
  // Last, so that a skill whose text is there is there whole.
  await replaceFile(file, text)
}

/** Nothing is kept. */
export const NOTHING: Pick<Fetched, 'text' | 'files'> = { text: null, files: new Map() }
