/**
 * Copies what the compiler leaves behind (SQL, JSON) from src to dist with the same layout, and
 * notes which sources a build was made from.
 */

import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { root } from './install.mjs'

/** The two things that are built: each has its sources, its place, and a note of the former. */
export const SERVER = {
  folders: [join(root, 'src')],
  files: ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json', 'scripts/bundle.mjs'].map(
    (f) => join(root, f),
  ),
  stampFile: join(root, 'dist', '.built'),
}
/** The console takes its types from the kernel, which leaves no trace in what is built of it. */
export const CONSOLE = {
  folders: [join(root, 'web')],
  files: [join(root, 'package-lock.json')],
  stampFile: join(root, 'dist', '.built-web'),
}

/** Names the sources as they are now: another list, size or time is another build. */
export function fingerprint({ folders, files }) {
  const all = [...folders.flatMap(filesBelow).filter((f) => !/\.test\.tsx?$/.test(f)), ...files]
  const hash = createHash('sha256')
  for (const file of all.sort()) {
    const { mtimeMs, size } = statSync(file)
    hash.update(`${relative(root, file)}\0${mtimeMs}\0${size}\n`)
  }
  return hash.digest('hex')
}

export const isBuilt = ({ stampFile }, stamp) =>
  existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp

export const note = ({ stampFile }, stamp) => writeFileSync(stampFile, stamp)

export function copyAssets() {
  const source = join(root, 'src')
  for (const file of filesBelow(source).filter((f) => /\.(sql|json)$/.test(f))) {
    const copy = join(root, 'dist', relative(source, file))
    mkdirSync(dirname(copy), { recursive: true })
    copyFileSync(file, copy)
  }
}

function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'golden' ? [] : filesBelow(path)
    return entry.isFile() ? [path] : []
  })
}
