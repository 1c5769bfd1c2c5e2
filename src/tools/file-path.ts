/** The path of a call in the one form that permissions are decided on. */

import { ROOT_FILES } from '../kernel/policy.ts'
import { NO_SUBJECT } from './define.ts'

/**
 * Relative to the workspace, without `.`, `..` and doubled slashes, so that a rule about `secrets/*` is
 * not got around by writing the path in another way. What leads out keeps its `..` or its slash.
 */
export function pathSubject(path: string, workspace: string | null): string {
  const clean = path.replace(/\/+/g, '/')
  const inside = withoutRoot(clean, workspace)
  const isAbsolute = inside.startsWith('/')
  const names: string[] = []
  for (const name of inside.split('/')) {
    if (name === '' || name === '.') continue
    if (name === '..' && names.length > 0 && names.at(-1) !== '..') names.pop()
    else if (name !== '..' || !isAbsolute) names.push(name)
  }
  if (isAbsolute) return `/${names.join('/')}`
  return names.join('/') || '.'
}

/** `src/a.ts` -> `src/*`: an "always" covers the folder of the file, and what is below it. */
export function folderGrant(path: string, workspace: string | null): string {
  const subject = pathSubject(path, workspace)
  const folder = subject.slice(0, Math.max(0, subject.lastIndexOf('/')))
  const isOutside = subject.startsWith('/') || subject === '..' || subject.startsWith('../')
  if (isOutside || folder.includes('*')) return NO_SUBJECT
  return folder === '' ? ROOT_FILES : `${folder}/*`
}

function withoutRoot(path: string, workspace: string | null): string {
  for (const root of [workspace, '/workspace']) {
    if (root === null) continue
    if (path === root) return '.'
    if (path.startsWith(`${root}/`)) return path.slice(root.length + 1)
  }
  return path
}
