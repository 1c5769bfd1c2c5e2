/** One part of what there is to say of an agent. */

import type { ReactNode } from 'react'

export const Part = ({
  title,
  about,
  children,
}: {
  title: string
  about?: string
  children: ReactNode
}) => (
  <section aria-label={title}>
    <h3 className="font-semibold">{title}</h3>
    <p className="mb-2 text-xs text-soft">{about}</p>
    {children}
  </section>
)
