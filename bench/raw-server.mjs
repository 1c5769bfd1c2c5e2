/**
 * Raw Node with the same shapes: node:http, streams of server-sent events, nothing kept on disk and
 * nothing decided. It says the same frames as the native API, so that the same client reads both.
 */

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { argv } from 'node:process'
import { setImmediate, setTimeout } from 'node:timers/promises'

const option = (name) => argv[argv.indexOf(name) + 1]
const AT = '/manifold/v1'
const BREATH = 64
const threads = new Map()

const server = createServer({ keepAliveTimeout: 75_000 }, (req, res) => {
  const path = req.url.split('?')[0].slice(AT.length)
  const [, kind, thread, verb] = path.split('/')
  if (verb === 'stream') stream(req, res, thread)
  else if (req.method === 'POST') post(req, res, { kind, thread })
  else json(res, 200, { status: 'ok' })
})
server.listen({ port: Number(option('--port')), host: '127.0.0.1', backlog: 4096 })

function threadOf(id) {
  const thread = threads.get(id) ?? { id, seq: 0, frames: [], readers: new Set() }
  threads.set(id, thread)
  return thread
}

function json(res, status, value) {
  const body = JSON.stringify(value)
  res.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  })
  res.end(body)
}

async function post(req, res, { kind, thread }) {
  let text = ''
  for await (const chunk of req) text += chunk
  const { input } = JSON.parse(text)
  const at = threadOf(thread ?? randomUUID())
  json(res, 202, { id: at.id, thread: at.id, run: null })
  if (kind === 'runs' || thread) await run(at, input)
}

/** The acts of `say` that the benchmark uses, from the prompt or from a file. */
function scriptOf(input) {
  const [word, ...rest] = input.split(' ')
  if (word === 'script') return JSON.parse(rest.join(' '))
  return JSON.parse(readFileSync(join(option('--fixtures'), `${rest[0]}.json`), 'utf8'))
}

async function run(thread, input) {
  for (const { say, everyMs } of scriptOf(input).flat()) {
    let said = 0
    for (const text of say.match(/\S+\s*/g)) {
      if (everyMs !== undefined) await setTimeout(everyMs)
      else if (++said % BREATH === 0) await setImmediate()
      const full = tell(thread, 'text.delta', { turn: 0, part: 0, text })
      if (full) await Promise.race([once(full, 'drain'), once(full, 'close')])
    }
  }
  tell(thread, 'run.ended', { outcome: 'completed' })
}

/** Answers a reader that has fallen behind, if there is one. */
function tell(thread, type, data) {
  const seq = ++thread.seq
  const event = { thread: thread.id, seq, at: Date.now(), type, run: null, data }
  const frame = `id: ${seq}\nevent: ${type}\ndata: ${JSON.stringify(event)}\n\n`
  thread.frames.push(frame)
  let full = null
  for (const reader of thread.readers) if (!reader.write(frame)) full = reader
  return full
}

function stream(req, res, id) {
  const thread = threadOf(id)
  const after = Number(new URL(req.url, 'http://raw').searchParams.get('after'))
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  const told = thread.frames.slice(after)
  res.write(`${told.join('')}event: ready\ndata: {}\n\n`)
  thread.readers.add(res)
  res.once('close', () => thread.readers.delete(res))
  // After its death it knows of nothing: whoever comes back is told one new frame.
  if (thread.seq < after) {
    thread.seq = after
    tell(thread, 'note', {})
  }
}
