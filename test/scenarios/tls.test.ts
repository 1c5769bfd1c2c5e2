/**
 * A server that speaks TLS by itself, on an address that others can reach: everything goes over it
 * with the server's token, and nothing without. What cannot be served is said before it is tried.
 */

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { readConfig } from '../../src/cli/config.ts'
import { compose } from '../../src/compose.ts'
import { type Certificate, selfSigned } from '../support/certificate.ts'
import { command, type ServerProcess, spawnServer } from '../support/process.ts'

let folder: string
let pair: Certificate
let server: ServerProcess
let url: string
let token: string

const file = (name: string): string => join(folder, name)

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'manifold-tls-'))
  pair = selfSigned()
  writeFileSync(file('cert.pem'), pair.cert)
  writeFileSync(file('key.pem'), pair.key)
  writeFileSync(file('other.pem'), selfSigned().key)
  const tls = ['--tls-cert', file('cert.pem'), '--tls-key', file('key.pem')]
  server = await spawnServer({
    dataDir: file('data'),
    args: ['--host', '0.0.0.0', '--demo-rate', '0', ...tls],
    env: { CLOTHO_HOME: file('clotho') },
  })
  url = `https://127.0.0.1:${server.port}`
  token = readFileSync(file('data/gateway-token'), 'utf8').trim()
})

afterAll(async () => {
  await server.kill()
  rmSync(folder, { recursive: true, force: true })
})

interface Answer {
  status: number
  headers: IncomingMessage['headers']
  body: string
}

const ask = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const options = { ca: pair.cert, headers, method, agent: false }
    const asked = request(url + path, options, async (answer) => {
      const { statusCode: status = 0, headers } = answer
      resolve({ status, headers, body: await text(answer) })
    })
    asked.once('error', reject)
    asked.end()
  })

const bearer = () => ({ authorization: `Bearer ${token}` })

/** The command line as a process of its own, which says what it thinks of the certificate. */
function manifold(words: string[], input: string, env: Record<string, string>) {
  const { file: program, args } = command()
  const child = spawn(program, [...args, ...words], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: folder, MANIFOLD_URL: url, ...env },
  })
  child.stdin.end(input)
  return Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((resolve) => child.once('close', resolve)),
  ])
}

describe('over TLS', () => {
  it('says where it is, and lets nobody in without the token', async () => {
    expect(server.url).toBe(`https://0.0.0.0:${server.port}`)
    expect((await ask('/manifold/v1/health')).status).toBe(200)
    expect((await ask('/console/')).status).toBe(200)
    expect((await ask('/manifold/v1/threads')).status).toBe(401)
    expect((await ask('/manifold/v1/threads', bearer())).status).toBe(200)
    const { body } = await ask('/manifold/v1/connect', bearer())
    const { items } = JSON.parse(body) as { items: { ways: { url: string }[] }[] }
    for (const { ways } of items) for (const way of ways) expect(way.url).toMatch(/^https:/)
  })

  it('carries a whole conversation, and its stream word by word', async () => {
    const known = { MANIFOLD_TOKEN: token, NODE_EXTRA_CA_CERTS: file('cert.pem') }
    const [said, complaint, code] = await manifold(['chat'], 'list the files\n', known)
    expect([complaint, code]).toEqual(['', 0])
    expect(said).toContain('● list')
    const { body } = await ask('/manifold/v1/threads', bearer())
    const { id } = JSON.parse(body).items[0]
    const path = `/manifold/v1/threads/${id}/stream?follow=false`
    const stream = await ask(path, bearer())
    expect(stream.headers['content-type']).toContain('text/event-stream')
    expect(stream.body).toContain('event: run.ended')
    expect(stream.body).toMatch(/event: ready\n.*\n\n$/)
  })

  it('says what to do about a certificate that is not known', async () => {
    const [, complaint, code] = await manifold(['threads'], '', { MANIFOLD_TOKEN: token })
    expect(complaint).toContain('NODE_EXTRA_CA_CERTS')
    expect(code).toBe(1)
  })

  it('carries WebSockets', async () => {
    const { api_token: own } = JSON.parse(readFileSync(file('data/clotho.json'), 'utf8'))
    const made = await ask('/api/chats', { authorization: `Bearer ${own}` }, 'POST')
    const { chat_id: chat } = JSON.parse(made.body)
    const at = `${url.replace('https', 'wss')}/ws/${chat}?token=${own}`
    const socket = new WebSocket(at, { ca: pair.cert })
    const done = new Promise<string[]>((resolve, reject) => {
      const types: string[] = []
      socket.once('error', reject)
      socket.on('message', (data) => {
        const { type } = JSON.parse(String(data))
        types.push(type)
        if (type === 'agent.turn_complete') resolve(types)
      })
    })
    socket.once('open', () => socket.send(JSON.stringify({ type: 'user_message', content: 'hi' })))
    expect(await done).toEqual(['agent.text', 'agent.turn_complete'])
    socket.close()
  })

  it('outlives what is no TLS', async () => {
    const plain = fetch(`http://127.0.0.1:${server.port}/manifold/v1/health`)
    await expect(plain).rejects.toThrow()
    expect((await ask('/manifold/v1/health')).status).toBe(200)
  })
})

const started = async (tlsCert: string, tlsKey: string): Promise<void> => {
  const flags = { port: 0, dataDir: file('never'), tlsCert: file(tlsCert), tlsKey: file(tlsKey) }
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const manifold = await compose(
    readConfig(flags, { OLLAMA_HOST: 'http://127.0.0.1:9' }),
    log,
    () => {},
  )
  await manifold.listen().finally(() => manifold.close())
}

it.each([
  ['a certificate that is not there', 'nowhere.pem', 'key.pem', /nowhere\.pem of --tls-cert/],
  ['a key of another certificate', 'cert.pem', 'other.pem', /certificate and its key cannot/],
  ['a file that is no certificate', 'key.pem', 'key.pem', /certificate and its key cannot/],
])('does not start with %s', async (_, cert, key, why) => {
  await expect(started(cert, key)).rejects.toThrow(why)
})
