/** What the files of a workspace look like from outside: kind, size, time, and a tag that changes with them. */

import type { Stats } from 'node:fs'
import type { Entry } from '../kernel/workspace.ts'

export function toEntry(path: string, stats: Stats): Entry {
  return {
    path: path === '' ? '.' : path,
    name: path.slice(path.lastIndexOf('/') + 1),
    kind: kindOf(stats),
    size: stats.size,
    mtimeMs: stats.mtimeMs,
    birthtimeMs: stats.birthtimeMs,
    mode: stats.mode & 0o7777,
    etag: etagOf(stats),
  }
}

function kindOf(stats: Stats): Entry['kind'] {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'directory'
  return stats.isSymbolicLink() ? 'link' : 'other'
}

function etagOf(stats: Stats): string {
  const hex = (n: number): string => Math.floor(n).toString(16)
  return `W/"${hex(stats.size)}-${hex(stats.mtimeMs)}-${hex(stats.ino)}"`
}
