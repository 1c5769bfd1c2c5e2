/** The top of a page: where the person is, and what can be done there. */

import type { ReactNode } from 'react'

interface Props {
  title: ReactNode
  about?: ReactNode
  children?: ReactNode
}

export const PageHead = ({ title, about, children }: Props) => (
  <header className="flex shrink-0 flex-wrap items-center gap-x-4 gap-y-2 border-b border-line bg-panel px-4 py-2.5">
    <div className="min-w-0 flex-1">
      <h1 className="truncate text-lg font-semibold">{title}</h1>
      {about && <p className="truncate text-xs text-soft">{about}</p>}
    </div>
    {children && <div className="flex flex-wrap items-center gap-2">{children}</div>}
  </header>
)
