/** What was acknowledged is there after the store was closed, and after its process was killed. */

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { facts } from '../given.ts'
import { readAll, speaking } from './author.ts'
import type { Address, Backend } from './backend.ts'

export function reopening(backend: Backend): void {
  it('finds everything again after it was closed', async () => {
    const { store, open } = await backend.place()
    const author = await speaking(store, 't1')
    const late = author.write([facts.text('t1-run', 'last words')])
    await store.close()
    expect(await late).toBeNull()
    await expect(store.threads({ limit: 1, offset: 0 })).rejects.toThrow('closed')
    await expect(author.write([facts.text('t1-run', 'too late')])).rejects.toThrow('closed')
    const again = await open()
    expect(await readAll(again, 't1')).toEqual(author.events)
    expect((await again.thread('t1'))?.seq).toBe(5)
  })

  it('has every acknowledged append after a SIGKILL', async () => {
    const { store, open, address } = await backend.place()
    await store.close()
    const acknowledged = await killedAppender(address, 60)
    const again = await open()
    for (const [thread, seq] of acknowledged) {
      const events = await readAll(again, thread)
      expect(events.length).toBeGreaterThanOrEqual(seq)
      expect(events.map((e) => e.seq)).toEqual(events.map((_, i) => i + 1))
      expect((await again.thread(thread))?.seq).toBe(events.length)
    }
    expect(acknowledged.size).toBe(3)
  })
}

/** Starts the appender, kills it after so many acknowledgements; the last seq of each thread. */
function killedAppender(address: Address, count: number): Promise<Map<string, number>> {
  const script = join(import.meta.dirname, 'appender.ts')
  const args = ['--import', 'tsx', script, JSON.stringify(address)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let said = ''
  let problem = ''
  child.stderr.on('data', (bytes: Buffer) => {
    problem += bytes
  })
  child.stdout.on('data', (bytes: Buffer) => {
    said += bytes
    if (said.split('\n').length > count) child.kill('SIGKILL')
  })
  return new Promise((resolve, reject) => {
    child.once('close', (_, signal) => {
      if (signal !== 'SIGKILL') return reject(new Error(`the appender ended: ${problem}`))
      const lines = said.split('\n').slice(0, -1)
      resolve(new Map(lines.map((l) => [l.split(' ')[0] as string, Number(l.split(' ')[1])])))
    })
  })
}
