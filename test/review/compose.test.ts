/** A server that is put together stops whole, also when a part of it cannot stop as it should. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readConfig } from '../../src/cli/config.ts'
import { compose, type Manifold } from '../../src/compose.ts'
import { ORIGIN, scriptInput } from '../support/world.ts'

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

const open = (dataDir: string): Promise<Manifold> => {
  const env = { MANIFOLD_DEFAULT_MODEL: 'scripted:test', OLLAMA_HOST: 'http://127.0.0.1:9' }
  return compose(readConfig({ port: 0, dataDir, drainTimeout: 1 }, env), silent as never, () => {})
}

describe('opening', () => {
  it('lets go of the data folder when a server cannot be put together', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'manifold-compose-'))
    writeFileSync(join(folder, 'jwt-key'), 'short')
    await expect(open(folder)).rejects.toThrow('is no key')
    rmSync(join(folder, 'jwt-key'))
    await (await open(folder)).close()
    rmSync(folder, { recursive: true, force: true })
  })
})

describe('close', () => {
  it('lets go of the data folder also when a lease cannot be given back', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'manifold-compose-'))
    const first = await open(folder)
    await first.listen()
    const { thread } = await first.engine.begin(
      { agent: 'assistant', account: 'local', origin: ORIGIN },
      { do: 'submit', input: scriptInput([[{ say: 'a' }]]), busy: 'queue', origin: ORIGIN },
    )
    while ((await first.store.thread(thread))?.status !== 'idle')
      await new Promise((go) => setTimeout(go, 5))
    first.store.release = () => Promise.reject(new Error('the disk is gone'))
    await first.close().catch(() => {})
    const second = await open(folder)
    expect((await second.engine.thread(thread)).runs).toBe(1)
    await second.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('is the same for everybody who asks for it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'manifold-compose-'))
    const manifold = await open(folder)
    await manifold.listen()
    expect(manifold.close()).toBe(manifold.close())
    await manifold.close()
    rmSync(folder, { recursive: true, force: true })
  })
})
