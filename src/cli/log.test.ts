import { describe, expect, test } from 'vitest'
import type { LogSettings } from './config.ts'
import { createLog } from './log.ts'
import { redact, redactText } from './redact.ts'

async function logged(
  settings: Partial<LogSettings>,
  act: (log: Awaited<ReturnType<typeof createLog>>) => void,
): Promise<string> {
  let text = ''
  const write = (line: string): void => {
    text += line
  }
  const sink = { write }
  act(await createLog({ level: 'info', format: 'json', colour: false, ...settings }, sink))
  return text
}

describe('the log', () => {
  test('is one JSON line an occurrence', async () => {
    const text = await logged({}, (log) => log.info({ port: 3011 }, 'ready'))
    expect(JSON.parse(text)).toMatchObject({ level: 'info', port: 3011, text: 'ready' })
    expect(text.endsWith('\n')).toBe(true)
  })

  test('says nothing below its level', async () => {
    const text = await logged({ level: 'warn' }, (log) => {
      log.info({}, 'no')
      log.debug({}, 'no')
      log.error({}, 'yes')
    })
    expect(text.match(/yes|no/g)).toEqual(['yes'])
  })

  test('does not even look at what it will not say', async () => {
    let looks = 0
    const fields = {
      get path() {
        looks++
        return '/x'
      },
    }
    const text = await logged({}, (log) => {
      log.debug(fields, 'request')
      log.info(fields, 'said')
    })
    expect([looks, text.match(/request|said/g)]).toEqual([1, ['said']])
  })

  test('is short on a terminal, with the stack of an error below', async () => {
    const text = await logged({ format: 'pretty' }, (log) =>
      log.error({ thread: 't1', error: new Error('broken') }, 'a step failed'),
    )
    expect(text).toMatch(/^\d\d:\d\d:\d\d error a step failed {2}thread=t1 error=broken\nError: /)
  })

  test('never holds a secret', async () => {
    const text = await logged({}, (log) =>
      log.warn(
        {
          url: 'http://x/ws/1?token=clo_abcdef&x=1',
          headers: { authorization: 'Bearer abcdefgh', 'X-Api-Key': 'k1k1' },
          error: new Error('postgres://me:hunter2@db/x refused sk-ant-REDACTED'),
          apiKey: 'k2k2',
          inputTokens: 12,
        },
        'sent Bearer abcdefgh to it',
      ),
    )
    expect(text).not.toMatch(/clo_abcdef|abcdefgh|hunter2|sk-ant|k1k1|k2k2/)
    expect(JSON.parse(text)).toMatchObject({ inputTokens: 12, error: { type: 'Error' } })
  })
})

test('redaction survives deep and odd values', () => {
  const loop: Record<string, unknown> = { n: 1n, at: new Date(0) }
  loop.self = loop
  expect(redact({ loop })).toMatchObject({ loop: { n: '1', at: '1970-01-01T00:00:00.000Z' } })
})

test('redaction leaves ordinary words alone', () => {
  const text = 'The token count of run 0192-ab is 5 at http://127.0.0.1:3011/api?since=4'
  expect(redactText(text)).toBe(text)
})
