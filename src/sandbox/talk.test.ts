import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRunner } from './index.ts'

let root: string

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'manifold-talk-'))
})

afterAll(() => rm(root, { recursive: true, force: true }))

const works = (await createRunner({ mode: 'auto' }).describe()).mode === 'bubblewrap'

describe.each(works ? (['plain', 'bubblewrap'] as const) : (['plain'] as const))('%s', (mode) => {
  const runner = createRunner({ mode })

  it('is said something and answers, and leaves when its input ends', async () => {
    const talk = await runner.talk({ root, command: 'while read -r x; do echo "got $x"; done' })
    const answered = new Promise<string>((resolve) => {
      let text = ''
      const stdout = (chunk: Uint8Array): void => {
        text += Buffer.from(chunk).toString()
        if (text.includes('b\n')) resolve(text)
      }
      talk.hear({ stdout, stderr: () => {} })
    })
    await talk.say('a\n')
    await talk.say('b\n')
    expect(await answered).toBe('got a\ngot b\n')
    await talk.end()
    await expect(talk.say('c\n')).rejects.toThrow('ended')
  })

  it('is ended with all it started when it does not leave', async () => {
    const talk = await runner.talk({ root, command: 'sleep 1000 & echo up; sleep 1000' })
    await new Promise<void>((resolve) => {
      talk.hear({ stdout: () => resolve(), stderr: () => {} })
    })
    await talk.end()
    await talk.gone
  })

  it('says that it has ended by itself', async () => {
    const talk = await runner.talk({ root, command: 'exit 3' })
    await talk.gone
    await talk.end()
  })

  it('does not start outside its workspace', async () => {
    await expect(runner.talk({ root, command: 'true', cwd: tmpdir() })).rejects.toThrow('outside')
  })
})
