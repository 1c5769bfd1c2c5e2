/** The line above the composer that is always there: what goes on, and the way to end it. */

import { useEffect, useState } from 'react'
import type { Connection } from '../api/follow.ts'
import { Status } from '../components/badge.tsx'
import { Button } from '../components/button.tsx'
import { span } from '../components/figure.ts'
import { Icon } from '../components/icon.tsx'
import type { Conversation } from './entry.ts'

interface Props {
  conversation: Conversation
  connection: Connection
  isAtEnd: boolean
  onEnd(): void
  onCancel(): void
}

export function RunBar({ conversation, connection, isAtEnd, onEnd, onCancel }: Props) {
  const { active, asks } = conversation
  return (
    <div className="mx-auto flex h-10 w-full max-w-3xl shrink-0 items-center gap-3 px-4 text-xs">
      {connection === 'lost' ? (
        <span role="status" className="flex items-center gap-1.5 font-medium text-warn">
          <Icon name="alert" size={14} />
          Reconnecting… nothing is lost
        </span>
      ) : (
        active && (
          <>
            <Status
              status={active.isCancelling ? 'cancelling' : asks > 0 ? 'waiting' : 'running'}
            />
            <Clock since={active.startedAt} />
          </>
        )
      )}
      <span className="ml-auto flex items-center gap-2">
        {!isAtEnd && (
          <Button tone="quiet" icon="down" onClick={onEnd}>
            Newest
          </Button>
        )}
        {active && (
          <Button tone="danger" icon="stop" disabled={active.isCancelling} onClick={onCancel}>
            Stop
          </Button>
        )}
      </span>
    </div>
  )
}

function Clock({ since }: { since: number }) {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [])
  return (
    <span aria-hidden="true" className="text-faint tabular-nums">
      {span(Math.floor(Math.max(0, now - since) / 1000) * 1000).replace('.0', '')}
    </span>
  )
}
