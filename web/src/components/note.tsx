/** What is said where nothing can be shown: nothing there, on its way, or gone wrong. */

import type { ReactNode } from 'react'
import { messageOf } from '../api/client.ts'
import type { Resource } from '../api/resource.ts'
import { Button } from './button.tsx'
import { Icon, type IconName } from './icon.tsx'

export const Empty = ({
  icon = 'info',
  title,
  children,
}: {
  icon?: IconName
  title: string
  children?: ReactNode
}) => (
  <div className="mx-auto flex max-w-md flex-col items-center gap-2 px-6 py-14 text-center">
    <span className="text-faint">
      <Icon name={icon} size={28} />
    </span>
    <h2 className="text-lg font-semibold">{title}</h2>
    <div className="text-soft">{children}</div>
  </div>
)

/** An error in the server's own words, with the way to try again. */
export const ErrorNote = ({ error, onRetry }: { error: unknown; onRetry?: () => void }) => (
  <div
    role="alert"
    className="flex flex-wrap items-center gap-3 rounded-md border border-transparent bg-bad-soft px-3 py-2 text-bad"
  >
    <Icon name="alert" />
    <span className="min-w-0 flex-1">{messageOf(error)}</span>
    {onRetry && (
      <Button tone="plain" onClick={onRetry}>
        Try again
      </Button>
    )}
  </div>
)

/** Shown only when loading takes long enough to be noticed. */
export const Loading = ({ what = 'Loading' }: { what?: string }) => (
  <p role="status" className="late px-4 py-10 text-center text-faint">
    {what}…
  </p>
)

/** What a page says of what it shows: that it comes, or why it does not. Nothing once it is there. */
export const Standing = ({ of }: { of: Resource<unknown> }) => (
  <>
    {of.error && (
      <div className="p-3">
        <ErrorNote error={of.error} onRetry={of.reload} />
      </div>
    )}
    {!of.data && !of.error && of.isLoading && <Loading />}
  </>
)
