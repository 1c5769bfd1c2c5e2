/** Files as clients see them, where a path may lead, and how the sandbox's refusals are told. */

import { posix } from 'node:path'
import { type Fault, isFault } from '../../kernel/fault.ts'
import type { Entry, Workspace } from '../../kernel/workspace.ts'
import { refusal } from './faults.ts'
import { iso } from './frame.ts'

/** How paths are shown: below `/workspace`, or relative with `.` for the root. */
export type Manner = 'sandbox' | 'workspace'

export const ROOT = '/workspace'

/** The path relative to the root; '' is the root. Refuses what leads out by its very words. */
export function inside(path: string): string {
  const outside = (): Fault =>
    refusal(
      'invalid',
      'invalid_sandbox_path',
      `Path ${JSON.stringify(path.slice(0, 300)).slice(1, -1)} is outside sandbox root ${ROOT}.`,
    )
  if (path.includes('\0')) throw outside()
  const from = path.startsWith('/') ? path : `${ROOT}/${path}`
  if (climbs(path.startsWith('/') ? path.slice(1) : path)) throw outside()
  const clean = posix.normalize(from).replace(/\/+$/, '')
  if (clean === ROOT) return ''
  if (!clean.startsWith(`${ROOT}/`)) throw outside()
  return clean.slice(ROOT.length + 1)
}

/** Whether `..` ever goes above where the path began, even if it comes back. */
function climbs(path: string): boolean {
  let depth = 0
  for (const name of path.split('/')) {
    if (name === '..') depth--
    else if (name !== '' && name !== '.') depth++
    if (depth < 0) return true
  }
  return false
}

export const shownPath = (path: string, manner: Manner): string => {
  const relative = path === '.' ? '' : path
  if (manner === 'workspace') return relative === '' ? '.' : relative
  return relative === '' ? ROOT : `${ROOT}/${relative}`
}

export interface ShownEntry {
  path: string
  name: string
  type: 'file' | 'directory'
  sizeBytes?: number
  mimeType?: string
  etag?: string
  updatedAt: string
  readOnly: boolean
}

export function entryResource(entry: Entry, manner: Manner): ShownEntry {
  const isFolder = entry.kind === 'directory'
  const mimeType = isFolder ? undefined : mimeTypeOf(entry.name)
  return {
    path: shownPath(entry.path, manner),
    name: entry.path === '.' ? 'workspace' : entry.name,
    type: isFolder ? 'directory' : 'file',
    ...(isFolder ? {} : { sizeBytes: entry.size }),
    ...(mimeType === undefined ? {} : { mimeType }),
    ...(isFolder ? {} : { etag: entry.etag }),
    updatedAt: iso(Math.floor(entry.mtimeMs)),
    readOnly: entry.kind === 'other' || entry.kind === 'link',
  }
}

/** A link is shown as what it leads to; one that leads nowhere or out stays a link. */
export async function resolved(workspace: Workspace, entry: Entry): Promise<Entry> {
  if (entry.kind !== 'link') return entry
  const target = await workspace.stat(entry.path).catch((error: unknown) => {
    if (isFault(error)) return null
    throw error
  })
  return target ? { ...target, path: entry.path, name: entry.name } : entry
}

type Wanted = 'file' | 'directory' | 'entry'

/** Does the work, and tells its Faults in OAH's words. */
export async function told<T>(wanted: Wanted, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw isFault(error) ? inWords(error, wanted, path || '.') : error
  }
}

function inWords(fault: Fault, wanted: Wanted, path: string): Fault {
  const { reason } = fault.details
  const as = (code: string, message: string, status?: number): Fault =>
    refusal(fault.code, code, message, status)
  switch (fault.code) {
    case 'not_found':
      return absent(wanted, path)
    case 'conflict':
      if (reason === 'exists') return as('workspace_entry_exists', `Path ${path} already exists.`)
      if (reason === 'not_empty')
        return as(
          'workspace_directory_not_empty',
          `Directory ${path} is not empty. Set recursive=true to delete it.`,
        )
      if (reason === 'not_directory' && wanted !== 'entry') return absent(wanted, path)
      return as('workspace_entry_conflict', fault.message)
    case 'stale':
      return as('workspace_precondition_failed', `Path ${path} has changed since it was last read.`)
    case 'forbidden':
      return as(
        'workspace_path_not_allowed',
        reason === 'outside' ? `Path ${path} is outside the workspace root.` : fault.message,
      )
    case 'invalid':
      return reason === 'root'
        ? as(
            'workspace_root_mutation_not_allowed',
            'The workspace root cannot be modified directly.',
          )
        : as('invalid_sandbox_path', fault.message)
    default:
      return fault
  }
}

const WORDS: Record<Wanted, [string, string]> = {
  file: ['workspace_file_not_found', 'File'],
  directory: ['workspace_directory_not_found', 'Directory'],
  entry: ['workspace_entry_not_found', 'Path'],
}

export function absent(wanted: Wanted, path: string): Fault {
  const [code, word] = WORDS[wanted]
  return refusal('not_found', code, `${word} ${path} was not found.`)
}

const TYPES: Record<string, string> = {
  txt: 'text/plain; charset=utf-8',
  log: 'text/plain; charset=utf-8',
  md: 'text/markdown; charset=utf-8',
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  csv: 'text/csv; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  mjs: 'text/javascript; charset=utf-8',
  ts: 'text/typescript; charset=utf-8',
  tsx: 'text/typescript; charset=utf-8',
  py: 'text/x-python; charset=utf-8',
  json: 'application/json; charset=utf-8',
  yaml: 'application/yaml; charset=utf-8',
  yml: 'application/yaml; charset=utf-8',
  xml: 'application/xml; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  pdf: 'application/pdf',
  zip: 'application/zip',
  gz: 'application/gzip',
  mp3: 'audio/mpeg',
  wav: 'audio/wav',
  mp4: 'video/mp4',
}

export function mimeTypeOf(name: string): string | undefined {
  const dot = name.lastIndexOf('.')
  return dot < 1 ? undefined : TYPES[name.slice(dot + 1).toLowerCase()]
}
