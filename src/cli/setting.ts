/**
 * The forms a single setting can have. Each parser takes the text of a flag or a variable and
 * returns its value, or throws with what would be right; the caller adds which one it was.
 */

import { isIP } from 'node:net'
import { InvalidArgumentError } from 'commander'
import { Fault } from '../kernel/fault.ts'

export type Env = Readonly<Record<string, string | undefined>>

/** Reads a variable through a parser. An empty variable counts as absent. */
export const readVariable =
  (env: Env) =>
  <T>(name: string, parse: (text: string) => T): T | undefined => {
    const text = env[name]?.trim()
    if (!text) return undefined
    try {
      return parse(text)
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error
      throw new Fault('invalid', `The environment variable ${name} is not right: ${error.message}`)
    }
  }

const wrong = (text: string): InvalidArgumentError => new InvalidArgumentError(text)

export function count(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw wrong('It must be a whole number, 0 or more.')
  return Number(text)
}

export function port(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw wrong('It must be a port from 0 to 65535; 0 lets the system choose.')
  return Number(text)
}

export function seconds(text: string): number {
  if (!/^\d{1,6}(\.\d{1,3})?$/.test(text)) throw wrong('It must be a number of seconds.')
  return Number(text)
}

/** For what would make no sense if it were over at once. */
export function positiveSeconds(text: string): number {
  const value = seconds(text)
  if (value === 0) throw wrong('It must be more than 0 seconds.')
  return value
}

export function listen(text: string): { dialect: string; port: number } {
  const match = /^([a-z][a-z0-9-]*)=(.+)$/.exec(text)
  if (!match?.[1] || !match[2]) throw wrong('It must look like clotho=8000.')
  return { dialect: match[1], port: port(match[2]) }
}

/** A name or an IP address; an IPv6 address may stand in brackets. */
export function address(text: string): string {
  const bare = /^\[(.*)\]$/.exec(text)?.[1] ?? text
  if (isIP(bare) !== 0 || /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(bare)) return bare
  throw wrong('It must be a host name or an IP address, without scheme or port.')
}

export function modelName(text: string): string {
  if (/^[a-z][a-z0-9-]*:\S+$/.test(text)) return text
  throw wrong('It must look like provider:model, for example openai:gpt-4o.')
}

/** An http or https address, without a trailing slash. */
export function webUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw wrong('It must be an address that begins with http:// or https://.')
  if (url.username !== '' || url.password !== '')
    throw wrong('It must not hold a name or password; requests to such an address are refused.')
  return text.replace(/\/+$/, '')
}

export function provider(text: string): { name: string; url: string } {
  const match = /^([a-z][a-z0-9-]*)=(.+)$/.exec(text)
  if (!match?.[1] || !match[2])
    throw wrong('It must look like groq=https://api.groq.com/openai/v1.')
  return { name: match[1], url: webUrl(match[2]) }
}

export function origin(text: string): string {
  if (/^https?:\/\/[^/\s]+$/.test(text)) return text
  throw wrong('It must be an origin such as https://chat.example.com, without a path.')
}

export function postgresUrl(text: string): string {
  if (/^postgres(ql)?:\/\//.test(text)) return text
  throw wrong('It must begin with postgres://; leave it away to use SQLite.')
}

/** Ollama's own forms: `host`, `host:port`, or an address. `0.0.0.0` is meant for servers. */
export function ollamaUrl(text: string): string {
  const hasScheme = /^https?:\/\//.test(text)
  const url = webUrl(hasScheme ? text : `http://${text}`)
  const parsed = new URL(url)
  if (parsed.hostname === '0.0.0.0') parsed.hostname = '127.0.0.1'
  if (!hasScheme && parsed.port === '' && !/:80$/.test(text)) parsed.port = '11434'
  return parsed.href.replace(/\/+$/, '')
}

export const choice =
  <T extends string>(allowed: readonly T[]) =>
  (text: string): T => {
    const found = allowed.find((word) => word === text)
    if (found === undefined) throw wrong(`It must be one of ${allowed.join(', ')}.`)
    return found
  }
