import { spawn } from 'node:child_process'
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openTokens } from './token.ts'

let root: string
let folder: string
let file: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'token-'))
  folder = join(root, 'data')
  file = join(folder, 'gateway-token')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

/** As if the file had been written that long ago. */
const age = (ms: number) => utimesSync(file, new Date(), new Date(Date.now() - ms))
const mode = (path: string) => statSync(path).mode & 0o777
const other = 'ab'.repeat(32)

describe('openTokens', () => {
  it('makes the token when it is first needed, for its owner only', () => {
    const tokens = openTokens(folder)
    expect(readdirSync(root)).toEqual([])
    const token = tokens.value()
    expect(readFileSync(file, 'utf8')).toBe(`${token}\n`)
    expect(token).toMatch(/^[0-9a-f]{64}$/)
    expect([mode(file), mode(folder)]).toEqual([0o600, 0o700])
    expect(readdirSync(folder)).toEqual(['gateway-token'])
    expect(openTokens(folder).value()).toBe(token)
  })

  it('compares anything without throwing', () => {
    const tokens = openTokens(folder)
    const token = tokens.value()
    expect(tokens.matches(token)).toBe(true)
    expect(tokens.matches(Buffer.from(token))).toBe(true)
    for (const wrong of [
      '',
      token.slice(1),
      `${token}\n`,
      `${token}${token}`,
      token.toUpperCase(),
      '\ud800',
    ])
      expect(tokens.matches(wrong)).toBe(wrong === token)
    expect(tokens.matches(new Uint8Array(1_000_000))).toBe(false)
  })

  it('takes up a token that a person puts there, at once', () => {
    const tokens = openTokens(folder)
    const first = tokens.value()
    writeFileSync(file, `${other}\n`)
    expect(tokens.matches(other)).toBe(true)
    expect(tokens.matches(first)).toBe(false)
    writeFileSync(file, `${'cd'.repeat(32)}\n`)
    expect(tokens.matches(other)).toBe(false)
    age(60_000)
    expect(tokens.value()).toBe('cd'.repeat(32))
  })

  it('makes a new one when the file is gone', () => {
    const tokens = openTokens(folder)
    const first = tokens.value()
    rmSync(folder, { recursive: true })
    expect(tokens.matches(first)).toBe(false)
    expect(tokens.value()).toMatch(/^[0-9a-f]{64}$/)
  })

  it.each(['', 'short\n', `${'g'.repeat(64)}\n`, `${other}${other}`])('replaces %j', (text) => {
    openTokens(folder).value()
    writeFileSync(file, text)
    const token = openTokens(folder).value()
    expect(readFileSync(file, 'utf8')).toBe(`${token}\n`)
    expect(mode(file)).toBe(0o600)
  })

  it('leaves a file alone that somebody is writing, and keeps the old token meanwhile', () => {
    const tokens = openTokens(folder)
    const first = tokens.value()
    writeFileSync(file, 'ab')
    expect(tokens.matches(first)).toBe(true)
    expect(readFileSync(file, 'utf8')).toBe('ab')
    age(60_000)
    expect(tokens.matches(first)).toBe(false)
    expect(tokens.value()).toMatch(/^[0-9a-f]{64}$/)
  })

  it('closes a file that others could read', () => {
    openTokens(folder).value()
    writeFileSync(file, `${other}\n`)
    chmodSync(file, 0o644)
    expect(openTokens(folder).value()).toBe(other)
    expect(mode(file)).toBe(0o600)
  })

  it('matches nothing when there can be no token', () => {
    writeFileSync(folder, '')
    expect(openTokens(folder).matches('')).toBe(false)
    expect(() => openTokens(folder).value()).toThrow()
  })

  it('is one token however many processes make it at once', async () => {
    const module = fileURLToPath(new URL('./token.ts', import.meta.url))
    const code = `import(${JSON.stringify(module)}).then((m) => console.log(m.openTokens(${JSON.stringify(folder)}).value()))`
    const run = () =>
      new Promise<string>((resolve) => {
        const child = spawn(process.execPath, ['--import', 'tsx', '-e', code])
        let out = ''
        child.stdout.on('data', (text) => {
          out += text
        })
        child.on('exit', () => resolve(out.trim()))
      })
    const told = await Promise.all([run(), run(), run()])
    expect(new Set(told)).toEqual(new Set([readFileSync(file, 'utf8').trim()]))
    expect(readdirSync(folder)).toEqual(['gateway-token'])
  })
})
