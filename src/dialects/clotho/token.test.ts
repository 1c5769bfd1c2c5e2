import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { openTokens, tokenFile } from './token.ts'

const folders: string[] = []
const folder = (): string => {
  const made = mkdtempSync(join(tmpdir(), 'manifold-token-'))
  folders.push(made)
  return made
}
const tokenIn = (path: string): string =>
  (JSON.parse(readFileSync(path, 'utf8')) as { api_token: string }).api_token

afterEach(() => {
  for (const made of folders.splice(0)) rmSync(made, { recursive: true, force: true })
})

test('made once, for its owner only, in a folder that is made if need be', async () => {
  const data = join(folder(), 'deep', 'data')
  const tokens = await openTokens(data, null)
  const file = tokenFile(data)
  const token = tokenIn(file)
  expect(token).toMatch(/^clo_[0-9a-f]{64}$/)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(await tokens.accepts(token)).toBe(true)
  await openTokens(data, null)
  expect(tokenIn(file)).toBe(token)
})

test('a file that others can read is closed to them', async () => {
  const data = folder()
  writeFileSync(tokenFile(data), '{"api_token":"clo_x"}', { mode: 0o644 })
  const tokens = await openTokens(data, null)
  expect(statSync(tokenFile(data)).mode & 0o777).toBe(0o600)
  expect(await tokens.accepts('clo_x')).toBe(true)
})

test('any text may be asked about, and none but the token gets in', async () => {
  const data = folder()
  const tokens = await openTokens(data, null)
  const token = tokenIn(tokenFile(data))
  for (const text of [
    '',
    'x',
    token.slice(0, -1),
    `${token} `,
    'é',
    '\ud800',
    '\0',
    token.toUpperCase(),
  ])
    expect([text, await tokens.accepts(text)]).toEqual([text, false])
})

test('a file without a token lets nobody in, least of all with an empty one', async () => {
  const data = folder()
  const tokens = await openTokens(data, null)
  for (const text of ['', '{}', '[]', 'null', '{"api_token":""}', '{"api_token":5}', '{"api_']) {
    writeFileSync(tokenFile(data), text)
    for (const given of ['', '5', 'undefined', 'null'])
      expect([text, await tokens.accepts(given)]).toEqual([text, false])
  }
})

test('an installed Clotho is read when it comes, and forgotten when it goes', async () => {
  const [data, home] = [folder(), folder()]
  const tokens = await openTokens(data, home)
  expect(await tokens.accepts('clo_theirs')).toBe(false)
  writeFileSync(join(home, 'config.json'), '{"api_token":"clo_theirs"}')
  expect(await tokens.accepts('clo_theirs')).toBe(true)
  rmSync(join(home, 'config.json'))
  expect(await tokens.accepts('clo_theirs')).toBe(false)
})
