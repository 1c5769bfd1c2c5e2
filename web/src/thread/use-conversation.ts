/**
 * A thread as it is shown, kept up to date by its log. What comes in one breath is shown in one frame
 * of the screen, and a long replay is shown when it is complete.
 */

import { useEffect, useRef, useState } from 'react'
import type { Refusal } from '../api/client.ts'
import { type Connection, follow } from '../api/follow.ts'
import type { Conversation } from './entry.ts'
import { Fold } from './fold.ts'

export interface Watched {
  /** Null until the log was read for the first time. */
  conversation: Conversation | null
  connection: Connection
  /** Why it was lost or is gone. */
  why: Refusal | null
  /** What was said since the replay, for those who listen. */
  said: string[]
}

const KEPT_LINES = 20

export function useConversation(thread: string): Watched {
  const [watched, setWatched] = useState<Watched>(begin)
  const frame = useRef(0)

  useEffect(() => {
    const fold = new Fold()
    let isRead = false
    let connection: Connection = 'reading'
    let why: Refusal | null = null
    const show = () => {
      frame.current = 0
      const said = fold.said()
      setWatched((before) => ({
        conversation: isRead ? fold.view() : null,
        connection,
        why,
        said: said.length === 0 ? before.said : [...before.said, ...said].slice(-KEPT_LINES),
      }))
    }
    const soon = () => {
      if (frame.current === 0) frame.current = later(show)
    }
    setWatched(begin)
    const stop = follow(thread, 0, {
      tell(events) {
        fold.take(events)
        if (isRead) soon()
      },
      changed(now, refusal) {
        connection = now
        why = refusal
        if (now === 'live' && !isRead) {
          isRead = true
          fold.said()
        }
        soon()
      },
    })
    return () => {
      stop()
      frame.current = 0
    }
  }, [thread])
  return watched
}

const begin = (): Watched => ({ conversation: null, connection: 'reading', why: null, said: [] })

/** With the next frame of the screen; a tab that nobody sees has none. */
const later = (show: () => void): number =>
  document.visibilityState === 'visible'
    ? requestAnimationFrame(show)
    : window.setTimeout(show, 200)
