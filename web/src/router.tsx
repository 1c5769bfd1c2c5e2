/**
 * Which page is shown: the path below /console, kept in the address bar. Links are real links, so
 * that they can be opened in another tab.
 */

import { type AnchorHTMLAttributes, type MouseEvent, useSyncExternalStore } from 'react'

export const BASE = '/console'

export interface Place {
  /** Below the base: `/threads/…`. */
  path: string
  query: URLSearchParams
}

const listeners = new Set<() => void>()
window.addEventListener('popstate', tell)

let place = read()

function read(): Place {
  const { pathname, search } = window.location
  const path = pathname.startsWith(BASE) ? pathname.slice(BASE.length) : ''
  return { path: path.replace(/\/+$/, '') || '/', query: new URLSearchParams(search) }
}

function tell(): void {
  place = read()
  for (const listener of listeners) listener()
}

export function navigate(to: string, { replace = false } = {}): void {
  if (replace) window.history.replaceState(null, '', BASE + to)
  else window.history.pushState(null, '', BASE + to)
  tell()
}

const listen = (listener: () => void) => {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

export const usePlace = (): Place => useSyncExternalStore(listen, () => place)

/** Changes some of the query and leaves the page; empty values go. */
export function setQuery(changes: Record<string, string | null>): void {
  const query = new URLSearchParams(place.query)
  for (const [name, value] of Object.entries(changes))
    if (value) query.set(name, value)
    else query.delete(name)
  navigate(query.size > 0 ? `${place.path}?${query}` : place.path, { replace: true })
}

/** The values of `/threads/{thread}` in a path, or null when it is another. */
export function matchPath(template: string, path: string): Record<string, string> | null {
  const wanted = template.split('/')
  const given = path.split('/')
  if (wanted.length !== given.length) return null
  const params: Record<string, string> = {}
  for (const [i, part] of wanted.entries()) {
    const value = given[i] ?? ''
    if (part.startsWith('{')) params[part.slice(1, -1)] = decode(value)
    else if (part !== value) return null
  }
  return params
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

type LinkProps = AnchorHTMLAttributes<HTMLAnchorElement> & { to: string }

export function Link({ to, onClick, ...rest }: LinkProps) {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event)
    const isPlain = !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey
    if (event.defaultPrevented || event.button !== 0 || !isPlain) return
    event.preventDefault()
    navigate(to)
  }
  return <a href={BASE + to} onClick={follow} {...rest} />
}
