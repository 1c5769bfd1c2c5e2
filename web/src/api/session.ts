/**
 * The credential of this tab, where the server wants one. It lives in sessionStorage, which ends with
 * the tab, and is sent in a header only: never in an address.
 */

const KEY = 'manifold.token'

const listeners = new Set<() => void>()
let isRefused = false

export const session = {
  token: (): string | null => sessionStorage.getItem(KEY),
  /** The server has turned a request away; the login page is shown until a token is given. */
  isRefused: (): boolean => isRefused,
  refused(): void {
    if (isRefused) return
    isRefused = true
    tell()
  },
  enter(token: string): void {
    sessionStorage.setItem(KEY, token)
    isRefused = false
    tell()
  },
  leave(): void {
    sessionStorage.removeItem(KEY)
    isRefused = true
    tell()
  },
  listen(listener: () => void): () => void {
    listeners.add(listener)
    return () => listeners.delete(listener)
  },
}

function tell(): void {
  for (const listener of listeners) listener()
}
