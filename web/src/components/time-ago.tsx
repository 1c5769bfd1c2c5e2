/** How long ago something was; the exact time on hover and for machines. */

import { useSyncExternalStore } from 'react'
import { ago, moment } from './figure.ts'

const listeners = new Set<() => void>()
let now = Date.now()
setInterval(() => {
  now = Date.now()
  for (const listener of listeners) listener()
}, 10_000)

const listen = (listener: () => void) => {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

export function TimeAgo({ at }: { at: number }) {
  const current = useSyncExternalStore(listen, () => now)
  return (
    <time dateTime={new Date(at).toISOString()} title={moment(at)} className="whitespace-nowrap">
      {ago(at, Math.max(current, at))}
    </time>
  )
}
