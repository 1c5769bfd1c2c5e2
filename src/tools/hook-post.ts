/** Posts to the services that hooks are: not into this machine's own network, and answers are bounded. */

import { Fault } from '../kernel/fault.ts'
import type { PostHook } from '../kernel/hook.ts'
import { systemResolve } from './address.ts'
import { post } from './download.ts'
import type { FetchSettings } from './web-fetch.ts'

const MAX_ANSWER = 1024 * 1024

/** What goes with every request; the service's own headers win. */
const HEADERS = { 'user-agent': 'Manifold/1 (hook)', 'content-type': 'application/json' }

export const createHookPost =
  ({ allowPrivateFetch = false, resolve = systemResolve }: FetchSettings): PostHook =>
  async ({ url, headers, timeoutMs }, body, signal) => {
    if (!URL.canParse(url)) throw new Fault('invalid', `${JSON.stringify(url)} is no address.`)
    const sent = { headers: { ...HEADERS, ...lowerCase(headers) }, body }
    const limits = { maxBytes: MAX_ANSWER, timeoutMs, signal }
    const got = await post(new URL(url), sent, {
      allowPrivate: allowPrivateFetch,
      resolve,
      ...limits,
    })
    return { status: got.status, text: got.bytes.toString('utf8') }
  }

const lowerCase = (headers: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
