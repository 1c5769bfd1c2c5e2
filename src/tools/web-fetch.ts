/** Get a page of the web as text. It only reads, and it does not reach the machine's own network. */

import { z } from 'zod'
import { Fault } from '../kernel/fault.ts'
import type { Tool } from '../kernel/ports.ts'
import { type PrivateHosts, type Resolve, systemResolve } from './address.ts'
import { bounded, defineTool, done, failed, NO_SUBJECT } from './define.ts'
import { checkUrl, type Download, download } from './download.ts'
import { readable } from './readable.ts'

const DEFAULT_BYTES = 100 * 1024
const MAX_BYTES = 1024 * 1024
const MAX_DOWNLOAD = 3 * 1024 * 1024
const TIMEOUT_MS = 30_000

const Input = z.strictObject({
  url: z.string().min(1).max(8000).describe('An http or https address.'),
  maxBytes: z
    .number()
    .int()
    .min(1)
    .max(MAX_BYTES)
    .optional()
    .describe(`How much text to return at most; default ${DEFAULT_BYTES}.`),
})

export interface FetchSettings {
  /** Which loopback and private hosts it may reach; default none. */
  allowPrivateFetch?: PrivateHosts
  /** Where hosts are; default: as the system says. */
  resolve?: Resolve
}

export const createWebFetch = (settings: FetchSettings): Tool =>
  defineTool({
    name: 'web_fetch',
    about:
      'Get a page of the web. HTML comes as readable text with its links, other text as it is.',
    input: Input,
    access: 'network',
    readOnly: true,
    subject: ({ url }) => (URL.canParse(url) ? new URL(url).href : url),
    grant: ({ url }) => hostGrant(url),
    run: async ({ url, maxBytes = DEFAULT_BYTES }, { signal }) => {
      if (!URL.canParse(url)) throw new Fault('invalid', `${JSON.stringify(url)} is no address.`)
      const got = await download(new URL(url), {
        allowPrivate: settings.allowPrivateFetch ?? false,
        resolve: settings.resolve ?? systemResolve,
        maxBytes: MAX_DOWNLOAD,
        timeoutMs: TIMEOUT_MS,
        signal,
      })
      const { text, truncated } = bounded(textOf(got), maxBytes)
      const { status, contentType, url: address, bytes } = got
      const meta = { url: address, status, contentType, rawBytes: bytes.length, truncated }
      const cut = got.truncated ? '\n[the page is longer than what was read]' : ''
      if (status >= 200 && status < 300) return done(`${address}\n\n${text}${cut}`, meta)
      return failed(`${address} answered ${status}.\n\n${text}`, meta)
    },
  })

/** Everything of the same host and port. */
function hostGrant(url: string): string {
  if (!URL.canParse(url)) return NO_SUBJECT
  const parsed = new URL(url)
  try {
    checkUrl(parsed)
  } catch {
    return NO_SUBJECT
  }
  return `${parsed.protocol}//${parsed.host}/*`
}

function textOf({ url, contentType, bytes }: Download): string {
  const [media = ''] = contentType.toLowerCase().split(';')
  const type = media.trim()
  const isHtml = type === 'text/html' || type === 'application/xhtml+xml'
  const isText =
    isHtml || type === '' || /^text\/|[/+](json|xml|yaml|javascript|toml|x-sh)$/.test(type)
  if (!isText || bytes.subarray(0, 8192).includes(0))
    return `[${type || 'unknown'} content of ${bytes.length} bytes, which is not text]`
  const text = decode(bytes, contentType)
  const looksHtml = isHtml || (type === '' && /^\s*<(!doctype|html)/i.test(text))
  if (!looksHtml) return text
  const page = readable(text, url)
  return page.title ? `# ${page.title}\n\n${page.text}` : page.text
}

function decode(bytes: Buffer, contentType: string): string {
  const declared = /charset\s*=\s*["']?([\w:.-]+)/i
  const charset =
    declared.exec(contentType)?.[1] ??
    declared.exec(bytes.toString('latin1', 0, 1024))?.[1] ??
    'utf-8'
  try {
    return new TextDecoder(charset).decode(bytes)
  } catch {
    return bytes.toString('utf8')
  }
}
