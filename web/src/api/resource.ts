/** What a page shows of the server, kept fresh: loaded, loaded again, and never shown out of order. */

import { useCallback, useEffect, useRef, useState } from 'react'
import { Refusal } from './client.ts'
import { onNews } from './news.ts'

export interface Resource<T> {
  /** The newest that was loaded; it stays while the next is on its way, or cannot be had. */
  data: T | null
  error: Refusal | null
  isLoading: boolean
  reload(): void
}

interface Options {
  /** Load again this often while the tab can be seen. */
  everyMs?: number
  /** Load again when something has happened on the server. */
  isLive?: boolean
  /** But then not sooner than this after the last time: for what is dear to load. */
  restMs?: number
}

/** Loads whenever `key` changes. What was loaded under another key is not shown. */
export function useResource<T>(
  key: string | null,
  load: (signal: AbortSignal) => Promise<T>,
  { everyMs, isLive = false, restMs = 0 }: Options = {},
): Resource<T> {
  const [held, setHeld] = useState<{ key: string | null; data: T | null; error: Refusal | null }>({
    key: null,
    data: null,
    error: null,
  })
  const [isLoading, setLoading] = useState(false)
  const latest = useRef(load)
  latest.current = load
  const again = useRef(() => {})
  const reload = useCallback(() => again.current(), [])

  useEffect(() => {
    if (key === null) return
    const control = new AbortController()
    const { signal } = control
    let isBusy = false
    let isStale = false
    const take = (data: T | null, error: Refusal | null) => {
      if (signal.aborted) return
      setHeld((held) => ({ key, data: data ?? (held.key === key ? held.data : null), error }))
      setLoading(false)
      isBusy = false
      if (isStale) begin()
    }
    /** One at a time: however often something changes, what was asked for is waited for. */
    const begin = () => {
      isStale = isBusy
      if (isBusy) return
      isBusy = true
      setLoading(true)
      latest.current(signal).then(
        (data) => take(data, null),
        (error: unknown) =>
          take(null, error instanceof Refusal ? error : new Refusal('unknown', String(error), 0)),
      )
    }
    again.current = begin
    begin()
    return () => {
      again.current = () => {}
      control.abort()
    }
  }, [key])

  useEffect(() => {
    if (everyMs === undefined || key === null) return
    const again = () => document.visibilityState === 'visible' && reload()
    const timer = setInterval(again, everyMs)
    document.addEventListener('visibilitychange', again)
    return () => {
      clearInterval(timer)
      document.removeEventListener('visibilitychange', again)
    }
  }, [everyMs, key, reload])

  const isWanted = isLive && key !== null
  useEffect(() => (isWanted ? onNews(reload, restMs) : undefined), [isWanted, restMs, reload])

  const isCurrent = held.key === key
  return {
    data: isCurrent ? held.data : null,
    error: isCurrent ? held.error : null,
    isLoading,
    reload,
  }
}
