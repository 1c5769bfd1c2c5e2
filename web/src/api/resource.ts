/** What a page shows of the server, kept fresh: loaded, loaded again, and never shown out of order. */

import { useCallback, useEffect, useRef, useState } from 'react'
import { Refusal } from './client.ts'

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
}

/** Loads whenever `key` changes. What was loaded under another key is not shown. */
export function useResource<T>(
  key: string | null,
  load: (signal: AbortSignal) => Promise<T>,
  { everyMs }: Options = {},
): Resource<T> {
  const [held, setHeld] = useState<{ key: string | null; data: T | null; error: Refusal | null }>({
    key: null,
    data: null,
    error: null,
  })
  const [isLoading, setLoading] = useState(false)
  const [round, setRound] = useState(0)
  const latest = useRef(load)
  latest.current = load
  const reload = useCallback(() => setRound((n) => n + 1), [])

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new round loads again.
  useEffect(() => {
    if (key === null) return
    const control = new AbortController()
    setLoading(true)
    latest.current(control.signal).then(
      (data) => {
        if (control.signal.aborted) return
        setHeld({ key, data, error: null })
        setLoading(false)
      },
      (error: unknown) => {
        if (control.signal.aborted) return
        const refusal = error instanceof Refusal ? error : new Refusal('unknown', String(error), 0)
        setHeld((held) => ({ key, data: held.key === key ? held.data : null, error: refusal }))
        setLoading(false)
      },
    )
    return () => control.abort()
  }, [key, round])

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

  const isCurrent = held.key === key
  return {
    data: isCurrent ? held.data : null,
    error: isCurrent ? held.error : null,
    isLoading,
    reload,
  }
}
