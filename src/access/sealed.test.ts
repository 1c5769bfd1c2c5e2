import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openBox } from './sealed.ts'

describe('a box', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'manifold-box-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('gives back what it sealed, also after a restart', () => {
    const sealed = openBox(folder).seal('sk-secret ü')
    expect(sealed).not.toContain('sk-secret')
    expect(openBox(folder).open(sealed)).toBe('sk-secret ü')
  })
  it('seals the same secret differently each time', () => {
    const box = openBox(folder)
    expect(box.seal('x')).not.toBe(box.seal('x'))
  })
  it('gives nothing for what was changed, or sealed elsewhere', () => {
    const box = openBox(folder)
    const bytes = Buffer.from(box.seal('x'), 'base64')
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
    expect(box.open(bytes.toString('base64'))).toBeNull()
    expect(box.open('')).toBeNull()
  })
  it('keeps its key to its owner, and refuses one that is none', () => {
    openBox(folder)
    expect(statSync(join(folder, 'seal-key')).mode & 0o077).toBe(0)
    writeFileSync(join(folder, 'seal-key'), 'short')
    expect(() => openBox(folder)).toThrow('64 hexadecimal digits')
  })
})
