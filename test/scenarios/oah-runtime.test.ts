/** Runtimes that are uploaded as zip archives, and archives that mean harm. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32, deflateRawSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, type Json, type OahServer, startOah } from './oah-server.ts'

interface Member {
  path: string
  text?: string
  mode?: number
  flags?: number
  method?: number
  size?: number
  crc?: number
}

/** An archive in which every field can be made to lie. */
function zip(members: Member[]): Uint8Array {
  const locals: Buffer[] = []
  const entries: Buffer[] = []
  let offset = 0
  for (const { path, text = '', mode = 0o100644, flags = 0, method = 8, ...lies } of members) {
    const bytes = Buffer.from(text)
    const name = Buffer.from(path)
    const packed = method === 8 ? deflateRawSync(bytes) : bytes
    const facts = Buffer.alloc(26)
    facts.writeUInt16LE(20, 0)
    facts.writeUInt16LE(flags, 2)
    facts.writeUInt16LE(method, 4)
    facts.writeUInt32LE(lies.crc ?? crc32(bytes), 10)
    facts.writeUInt32LE(packed.length, 14)
    facts.writeUInt32LE(lies.size ?? bytes.length, 18)
    facts.writeUInt16LE(name.length, 22)
    locals.push(Buffer.from('PK\x03\x04'), facts, name, packed)
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE((mode << 16) >>> 0, 6)
    tail.writeUInt32LE(offset, 10)
    entries.push(Buffer.from('PK\x01\x02\x14\x03'), facts, tail, name)
    offset += 30 + name.length + packed.length
  }
  const directory = Buffer.concat(entries)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(members.length, 8)
  end.writeUInt16LE(members.length, 10)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...locals, directory, end])
}

let server: OahServer

beforeAll(async () => {
  server = await startOah()
})

afterAll(() => server.stop())

const upload = (name: string, body: Uint8Array, more = ''): Promise<Answer> =>
  server.ask('POST', `/api/v1/runtimes/upload?name=${name}${more}`, body, {
    'Content-Type': 'application/octet-stream',
  })

const codeOf = ({ status, body }: Answer) => [status, (body.error as Json).code]

const names = async () =>
  (await server.ask<{ items: Json[] }>('GET', '/api/v1/runtimes')).body.items.map((i) => i.name)

const agents = async (runtime: string) => {
  const id = await server.newWorkspace({ runtime })
  const { body } = await server.ask('GET', `/api/v1/workspaces/${id}/catalog`)
  return { id, own: (body.agents as Json[]).filter((a) => a.source === 'workspace') }
}

describe('a runtime', () => {
  it('is uploaded, used, refused a second time, replaced when asked, and deleted', async () => {
    const agent = '.openharness/agents/guide.md'
    const first = zip([
      { path: 'AGENTS.md', text: '# First\n' },
      { path: '.openharness/', mode: 0o040755 },
      { path: agent, text: 'You guide.\n' },
      { path: 'stored.txt', text: 'as it is', method: 0 },
    ])
    const made = await upload('up1', first)
    expect([made.status, made.body]).toEqual([201, { name: 'up1' }])
    expect(await names()).toContain('up1')
    const { id, own } = await agents('up1')
    expect(own.map((a) => a.name)).toEqual(['guide'])
    const root = join(server.folder, 'workspaces', id)
    expect(readFileSync(join(root, 'stored.txt'), 'utf8')).toBe('as it is')
    expect(codeOf(await upload('up1', first))).toEqual([409, 'runtime_already_exists'])
    expect(codeOf(await upload('up1', first, '&overwrite=false'))[0]).toBe(409)
    const second = zip([{ path: 'top/AGENTS.md', text: '# Second\n' }])
    expect((await upload('up1', second, '&overwrite=true')).status).toBe(201)
    const next = (await agents('up1')).id
    const file = join(server.folder, 'workspaces', next, 'AGENTS.md')
    expect(readFileSync(file, 'utf8')).toBe('# Second\n')
    expect((await server.ask('DELETE', '/api/v1/runtimes/up1')).status).toBe(204)
    expect(codeOf(await server.ask('DELETE', '/api/v1/runtimes/up1'))).toEqual([
      404,
      'runtime_not_found',
    ])
  })

  it('does not take the place of the built-in one, nor a name that is a path', async () => {
    const archive = zip([{ path: 'AGENTS.md', text: 'x' }])
    expect(codeOf(await upload('workspace', archive))).toEqual([409, 'runtime_already_exists'])
    for (const name of ['..', 'a/b', 'a b', '.hidden', ''])
      expect(codeOf(await upload(encodeURIComponent(name), archive))).toEqual([
        400,
        'invalid_request',
      ])
  })
})

describe('an archive that means harm', () => {
  const ordinary = { path: 'AGENTS.md', text: 'x' }
  const whole = Buffer.from(zip([ordinary]))
  const cases: [string, Uint8Array][] = [
    ['climbs', zip([{ path: '../out.txt', text: 'x' }])],
    ['climbs from within', zip([{ path: 'a/../../out.txt', text: 'x' }])],
    ['is absolute', zip([{ path: '/tmp/out.txt', text: 'x' }])],
    ['has a drive', zip([{ path: 'C:/out.txt', text: 'x' }])],
    ['has backslashes', zip([{ path: '..\\out.txt', text: 'x' }])],
    ['has a NUL', zip([{ path: 'a\0b', text: 'x' }])],
    ['has an empty name', zip([{ path: 'a//b', text: 'x' }])],
    ['has a link', zip([{ path: 'link', text: '/etc', mode: 0o120777 }])],
    ['is encrypted', zip([{ ...ordinary, flags: 1 }])],
    ['is packed strangely', zip([{ ...ordinary, method: 99 }])],
    ['lies about its sum', zip([{ ...ordinary, crc: 1 }])],
    ['says less than it is', zip([{ path: 'a', text: 'x'.repeat(100_000), size: 10 }])],
    ['says more than is allowed', zip([{ ...ordinary, size: 0xffffff00 }])],
    ['has a file twice', zip([ordinary, ordinary])],
    [
      'has a file that is a folder',
      zip([
        { path: 'a', text: 'x' },
        { path: 'a/b', text: 'x' },
      ]),
    ],
    ['is cut off', whole.subarray(0, whole.length - 30)],
    ['is no archive', Buffer.from('hello')],
    [
      'points nowhere',
      Buffer.concat([whole.subarray(0, -6), Buffer.from([255, 255, 255, 0, 0, 0])]),
    ],
  ]

  it.each(cases)('%s', async (_, archive) => {
    expect(codeOf(await upload('evil', archive))).toEqual([400, 'invalid_request'])
    expect(await names()).not.toContain('evil')
    expect(readdirSync(join(server.folder, 'runtimes'))).toEqual([])
    expect(existsSync(join(server.folder, 'out.txt'))).toBe(false)
  })

  it('is empty, or has only folders', async () => {
    for (const archive of [Buffer.alloc(0), zip([]), zip([{ path: 'a/', mode: 0o040755 }])])
      expect(codeOf(await upload('evil', archive))).toEqual([400, 'empty_runtime_zip'])
  })
})
