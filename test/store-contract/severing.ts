/** The connection breaks at the very moment of a commit: was it done or not? The server knows. */

import { connect, createServer, type Socket } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { openPostgresStore } from '../../src/store/index.ts'
import { facts } from '../given.ts'
import { readAll, speaking } from './author.ts'
import { type Backend, closing } from './backend.ts'

type Moment = 'before' | 'after'

export function severing(backend: Backend): void {
  for (const moment of ['before', 'after'] as const)
    it(`writes once when its connection breaks right ${moment} the commit arrives`, async () => {
      const { address, store: reader } = await backend.place()
      if (address.kind !== 'postgres') throw new Error('not PostgreSQL')
      const line = await openLine(address.url)
      const store = closing(await openPostgresStore({ ...address, url: line.url }))
      const author = await speaking(store, 't1')
      for (let i = 0; i < 3; i++) {
        line.breakAt(moment)
        expect(await author.write([facts.text('t1-run', `word ${i} `)])).toBeNull()
      }
      expect(line.breaks()).toBe(3)
      expect(await readAll(reader, 't1')).toEqual(author.events)
    })

  it('gives up connections on which nothing is heard any more, and goes on with others', async () => {
    const { address, store: reader } = await backend.place()
    if (address.kind !== 'postgres') throw new Error('not PostgreSQL')
    const line = await openLine(address.url)
    const store = closing(await openPostgresStore({ ...address, url: line.url, answerMs: 1_000 }))
    const author = await speaking(store, 't1')
    line.silence()
    await Promise.all([
      expect(store.read('t1', 0, 9)).rejects.toMatchObject({ code: 'unavailable' }),
      expect(author.write([facts.text('t1-run', 'word')])).resolves.toBeNull(),
    ])
    expect(await readAll(reader, 't1')).toEqual(author.events)
    line.silence()
    await store.close()
  })
}

interface Line {
  url: string
  /** What is open now swallows all that is sent, both ways. */
  silence(): void
  /** The next commit breaks the connection that it comes on. */
  breakAt(moment: Moment): void
  breaks(): number
}

/** A way to the server that can be made to break. */
async function openLine(url: string): Promise<Line> {
  const { hostname, port } = new URL(url)
  const sockets = new Set<Socket>()
  let breakAt: Moment | null = null
  let breaks = 0
  const proxy = createServer((near) => {
    const far = connect(Number(port), hostname)
    const cut = (): void => {
      near.destroy()
      far.destroy()
    }
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', cut).on('close', cut)
    }
    far.on('data', (bytes) => near.write(bytes))
    near.on('data', (bytes) => {
      const moment = bytes.includes('commit\0') ? breakAt : null
      if (moment) {
        breakAt = null
        breaks++
      }
      if (moment === 'before') return cut()
      // The answer is never heard.
      if (moment === 'after') far.removeAllListeners('data').once('data', cut)
      far.write(bytes)
    })
  })
  await new Promise<void>((ready) => proxy.listen(0, '127.0.0.1', ready))
  onTestFinished(() => {
    proxy.close()
    for (const socket of sockets) socket.destroy()
  })
  const { port: own } = proxy.address() as { port: number }
  return {
    url: Object.assign(new URL(url), { port: String(own) }).href,
    breakAt: (moment) => {
      breakAt = moment
    },
    breaks: () => breaks,
    silence: () => {
      for (const socket of sockets) {
        socket.removeAllListeners('data').resume()
        // Not even a goodbye is answered.
        socket.allowHalfOpen = true
      }
    },
  }
}
