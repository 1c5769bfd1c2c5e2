/**
 * Copies what the compiler leaves behind (SQL, JSON) from src to dist with the same layout, and
 * notes which sources the build was made from. Last step of every build.
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
import { argv } from 'node:process'
import { fileURLToPath } from 'node:url'
import { root } from './install.mjs'

const source = join(root, 'src')
const target = join(root, 'dist')
const stampFile = join(target, '.built')

/** Names the sources as they are now: another list, size or time is another build. */
export function fingerprint() {
  const files = [
    ...filesBelow(source).filter((file) => !file.endsWith('.test.ts')),
    ...['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'].map((f) => join(root, f)),
  ]
  const hash = createHash('sha256')
  for (const file of files.sort()) {
    const { mtimeMs, size } = statSync(file)
    hash.update(`${relative(root, file)}\0${mtimeMs}\0${size}\n`)
  }
  return hash.digest('hex')
}

export const isBuilt = (stamp) => existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp

export function copyAssets(stamp) {
  for (const file of filesBelow(source).filter((f) => /\.(sql|json)$/.test(f))) {
    const copy = join(target, relative(source, file))
    mkdirSync(dirname(copy), { recursive: true })
    copyFileSync(file, copy)
  }
  writeFileSync(stampFile, stamp)
}

function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'golden' ? [] : filesBelow(path)
    return entry.isFile() ? [path] : []
  })
}

if (argv[1] === fileURLToPath(import.meta.url)) copyAssets(fingerprint())
