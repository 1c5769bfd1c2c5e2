import { describe, expect, it } from 'vitest'
import { checkHost, isLoopback, parseHost } from './host.ts'

describe('isLoopback', () => {
  const yes = ['127.0.0.1', '127.8.9.1', '::1', '[::1]', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1']
  it.each([...yes, 'localhost', 'LOCALHOST', 'a.localhost'])('%s is', (name) => {
    expect(isLoopback(name)).toBe(true)
  })
  const no = [
    '0.0.0.0',
    '::',
    '',
    '10.0.0.1',
    '::2',
    '::ffff:10.0.0.1',
    'localhost.test',
    '127.0.0.1.test',
  ]
  it.each([...no, 'mylocalhost', '128.0.0.1', '0x7f.1', 'fe80::1'])('%s is not', (name) => {
    expect(isLoopback(name)).toBe(false)
  })
})

describe('parseHost', () => {
  const table: [string, { name: string; port: string | null } | null][] = [
    ['localhost:3011', { name: 'localhost', port: '3011' }],
    ['Agents.Test.', { name: 'agents.test', port: null }],
    ['[::1]:80', { name: '::1', port: '80' }],
    ['[::1]', { name: '::1', port: null }],
    ['::1', null],
    ['[localhost]', null],
    ['a:b', null],
    ['a:1:2', null],
    ['a b', null],
    ['user@localhost', null],
    ['localhost/x', null],
    ['localhost:999999', null],
    ['.', null],
    ['', null],
  ]
  it.each(table)('%s', (header, host) => {
    expect(parseHost(header)).toEqual(host)
  })
})

describe('checkHost', () => {
  const local = { bind: '127.0.0.1', allowedHosts: ['agents.test', '*.lan:3011'] }
  const wide = { bind: '0.0.0.0', allowedHosts: ['agents.test'] }
  const table: [string | undefined, typeof local, boolean][] = [
    ['127.0.0.1:3011', local, true],
    ['localhost', local, true],
    ['LocalHost.:3011', local, true],
    ['app.localhost:1', local, true],
    ['[::1]:3011', local, true],
    ['agents.test', local, true],
    ['AGENTS.test:8443', local, true],
    ['box.lan:3011', local, true],
    ['a.box.lan:3011', local, true],
    ['box.lan:80', local, false],
    ['lan:3011', local, false],
    ['evil.test', local, false],
    ['evil-agents.test', local, false],
    ['agents.test.evil.test', local, false],
    ['127.0.0.1.evil.test:3011', local, false],
    ['localhost.evil.test', local, false],
    ['0.0.0.0:3011', local, false],
    ['192.168.1.5:3011', local, false],
    ['', local, false],
    [undefined, local, false],
    ['localhost@evil.test', local, false],
    ['192.168.1.5:3011', wide, true],
    ['[2001:db8::1]:3011', wide, true],
    ['localhost:3011', wide, true],
    ['agents.test', wide, true],
    ['evil.test', wide, false],
    [undefined, wide, false],
  ]
  it.each(table)('%s', (header, rule, isFine) => {
    const fault = checkHost(header, rule)
    expect(fault?.code ?? null).toBe(isFine ? null : 'forbidden')
    if (fault) expect(fault.details).toEqual({ reason: 'host' })
  })

  it('answers to the very name it listens on', () => {
    expect(checkHost('box.lan:3011', { bind: 'box.lan', allowedHosts: [] })).toBeNull()
    expect(checkHost('[fd00::5]', { bind: '127.0.0.1', allowedHosts: ['fd00::5'] })).toBeNull()
  })
})
