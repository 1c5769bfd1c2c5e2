/**
 * Is a local Ollama there, and which models does it have? Asked live, remembered for a few seconds,
 * and never waited for longer than a request can bear.
 */

import { get as httpGet } from 'node:http'
import { get as httpsGet } from 'node:https'

export interface Ollama {
  /** Where it is spoken to, without a trailing slash. */
  readonly url: string
  /** The installed models, or null when it does not answer. */
  installed(): Promise<string[] | null>
  /** What was found last, without asking again. */
  known(): string[] | null
}

const FRESH_MS = 5_000
const WAIT_MS = 250
/** A server that is slower than a request can wait is still heard for the next one. */
const GIVE_UP_MS = 5_000

export function watchOllama(address: string | undefined): Ollama {
  const url = ollamaAddress(address)
  let found: string[] | null = null
  let askedAt = Number.NEGATIVE_INFINITY
  let asking: Promise<string[] | null> | null = null
  const ask = (): Promise<string[] | null> => {
    asking ??= tags(url).then((models) => {
      found = models
      askedAt = performance.now()
      asking = null
      return models
    })
    return asking
  }
  return {
    url,
    known: () => found,
    async installed() {
      if (performance.now() - askedAt < FRESH_MS) return found
      let timer: NodeJS.Timeout | undefined
      const enough = new Promise<string[] | null>((resolve) => {
        timer = setTimeout(() => resolve(found), WAIT_MS)
      })
      try {
        return await Promise.race([ask(), enough])
      } finally {
        clearTimeout(timer)
      }
    },
  }
}

async function tags(url: string): Promise<string[] | null> {
  try {
    const text = await read(`${url}/api/tags`)
    const body = JSON.parse(text) as { models?: { name?: unknown }[] } | null
    const names = (body?.models ?? []).map((m) => m?.name)
    return names.filter((n): n is string => typeof n === 'string')
  } catch {
    return null
  }
}

/** By Node's own client: `fetch` costs every start 10 MB and 40 ms, for a server that is seldom there. */
function read(url: string): Promise<string> {
  const get = url.startsWith('https:') ? httpsGet : httpGet
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(GIVE_UP_MS)
    const request = get(url, { signal, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (piece: string) => {
        text += piece
      })
      response.on('error', reject)
      response.on('end', () =>
        response.statusCode === 200 ? resolve(text) : reject(new Error('no list')),
      )
    })
    request.on('error', reject)
  })
}

const PORT = 11_434

/** `OLLAMA_HOST` comes as a host, a host with port, or an address; it may be what the server binds to. */
export function ollamaAddress(given: string | undefined): string {
  const text = given?.trim() || '127.0.0.1'
  const hasScheme = /^https?:\/\//i.test(text)
  const url = new URL(hasScheme ? text : `http://${text}`)
  if (!hasScheme && url.port === '' && !/:80$/.test(url.host)) url.port = String(PORT)
  if (url.hostname === '0.0.0.0') url.hostname = '127.0.0.1'
  if (url.hostname === '[::]') url.hostname = '[::1]'
  return url.toString().replace(/\/+$/, '')
}

/** Does a list of installed models have this one? A name without a tag means `latest`. */
export function hasModel(installed: readonly string[], name: string): boolean {
  return installed.includes(name) || (!name.includes(':') && installed.includes(`${name}:latest`))
}
