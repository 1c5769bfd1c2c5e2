/** The whole product as `manifold serve` puts it together, in this process, on a port of its own. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig, type ServerFlags } from '../../src/cli/config.ts'
import { compose, type Manifold } from '../../src/compose.ts'

export interface Answer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: a test says by its expectations what an answer holds.
  body: any
}

export interface Product {
  readonly url: string
  readonly manifold: Manifold
  readonly folder: string
  ask(method: string, path: string, body?: unknown, headers?: object): Promise<Answer>
  /** Stops it as a signal would, and starts it again on the same folder. */
  restart(): Promise<void>
  /** Also removes the folder. */
  close(): Promise<void>
}

export async function openProduct(flags: ServerFlags = {}): Promise<Product> {
  const folder = mkdtempSync(join(tmpdir(), 'manifold-product-'))
  const env = { OLLAMA_HOST: 'http://127.0.0.1:9', CLOTHO_HOME: join(folder, 'clotho') }
  const config = readConfig({ port: 0, dataDir: folder, drainTimeout: 1, ...flags }, env)
  const log = { debug() {}, info() {}, warn() {}, error: console.error }
  const start = async () => {
    const manifold = await compose(config, log, console.error)
    return { manifold, url: (await manifold.listen()).url }
  }
  let now = await start()
  return {
    folder,
    get url() {
      return now.url
    },
    get manifold() {
      return now.manifold
    },
    async ask(method, path, body, headers = {}) {
      const init = body === undefined ? {} : { body: JSON.stringify(body) }
      const answer = await fetch(now.url + path, {
        method,
        headers: { 'content-type': 'application/json', ...headers },
        ...init,
      })
      const text = await answer.text()
      const isJson = answer.headers.get('content-type')?.startsWith('application/json')
      return {
        status: answer.status,
        headers: answer.headers,
        body: isJson && text !== '' ? JSON.parse(text) : text,
      }
    },
    async restart() {
      await now.manifold.close()
      now = await start()
    },
    async close() {
      await now.manifold.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
