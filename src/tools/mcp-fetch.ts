/**
 * How MCP servers on the network are spoken to. The headers of the configuration may hold a key, so a
 * redirect is followed within the same server only.
 */

const MAX_REDIRECTS = 3

export async function fetchFrom(address: string | URL, init?: RequestInit): Promise<Response> {
  let at = new URL(address)
  for (let hops = 0; ; hops++) {
    const response = await fetch(at, { ...init, redirect: 'manual' })
    const target = response.headers.get('location')
    if (response.status < 300 || response.status >= 400 || !target) return response
    await response.body?.cancel()
    const next = new URL(target, at)
    const keepsBody = response.status === 307 || response.status === 308 || init?.method === 'GET'
    if (next.origin !== at.origin || !keepsBody || hops >= MAX_REDIRECTS)
      throw new Error(`it redirects to ${next.origin}${next.pathname}, which is not followed`)
    at = next
  }
}
