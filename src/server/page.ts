/**
 * What a browser sees at the root: the console when it was built, else a plain page that says what
 * this server is and which APIs it speaks. The console's pages are all below /console, a path that no
 * dialect has, and are one file: which page is meant is read from the address in the browser.
 */

import { readFile, realpath } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Dialect, Reply } from '../wire/dialect.ts'

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.json': 'application/json',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
}

const SAFE = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

/** Nothing from elsewhere, nothing inline, and no way for text to become markup. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

const BASE = '/console'

/** A file of the console, and nothing outside its folder; null when there is none. */
export type Pages = (path: string, accepted?: string) => Promise<Reply | null>

export function createPages(folder: string | null): Pages {
  const packed = new Map<string, Promise<Buffer>>()
  return async (path, accepted = '') => {
    const name = folder === null ? null : nameOf(path)
    if (folder === null || name === null) return null
    try {
      const root = await realpath(folder)
      const file = await realpath(join(root, name))
      if (!file.startsWith(root + sep)) return null
      const bytes = await readFile(file)
      const type = TYPES[extname(file)] ?? 'application/octet-stream'
      const isHashed = name.startsWith('assets/')
      const caching = isHashed ? 'public, max-age=31536000, immutable' : 'no-cache'
      const headers = { ...SAFE, 'content-security-policy': POLICY, 'cache-control': caching }
      // What has its hash in its name never changes, and is packed once.
      if (!isHashed || !/\bgzip\b/.test(accepted)) return { status: 200, bytes, type, headers }
      const small = packed.get(name) ?? promisify(gzip)(bytes)
      packed.set(name, small)
      const how = { 'content-encoding': 'gzip', vary: 'Accept-Encoding' }
      return { status: 200, bytes: await small, type, headers: { ...headers, ...how } }
    } catch {
      return null
    }
  }
}

/** The file that a path means: what is no file is a page, and all pages are the same. */
function nameOf(path: string): string | null {
  if (path === '/' || path === BASE) return 'index.html'
  if (!path.startsWith(`${BASE}/`)) return null
  try {
    const name = decodeURIComponent(path.slice(BASE.length + 1))
    if (name.includes('\0')) return null
    const isFile = name.startsWith('assets/') || (extname(name) !== '' && !name.includes('/'))
    return isFile ? name : 'index.html'
  } catch {
    return null
  }
}

export function landingPage(dialects: readonly Dialect[]): Reply {
  const rows = dialects.map(
    ({ name, about, routes, sockets = [] }) =>
      `<tr><th>${esc(name)}</th><td><code>/${esc(name)}</code></td><td>${esc(about)}</td>` +
      `<td class="n">${routes.length + sockets.length} operations</td></tr>`,
  )
  const text = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Manifold</title>
<meta name="viewport" content="width=device-width,initial-scale=1">
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:3rem auto;padding:0 1rem}
table{border-collapse:collapse}.n{white-space:nowrap}th,td{text-align:left;padding:.3rem .8rem .3rem 0;vertical-align:top}
@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}a{color:#8bf}}</style></head>
<body><h1>Manifold</h1>
<p>An agent server. The same threads and runs, spoken in each of these APIs, at the paths their own
documentation prints and below <code>/&lt;name&gt;</code>.</p>
<table>${rows.join('')}</table>
<p>To talk to an agent in a terminal: <code>node dist/main.js chat</code></p>
<p><a href="/manifold/v1">API index</a> · <a href="/manifold/v1/openapi.json">OpenAPI</a> ·
<a href="/manifold/v1/health">health</a> · <a href="/metrics">metrics</a></p>
</body></html>
`
  const headers = {
    ...SAFE,
    'content-security-policy':
      "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  }
  return { status: 200, text, type: 'text/html; charset=utf-8', headers }
}

const esc = (text: string): string => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)
