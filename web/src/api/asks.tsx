/** How many asks are open, for everybody who shows it: asked for once, in one place. */

import { createContext, type ReactNode, useContext } from 'react'
import { api } from './client.ts'
import { type Resource, useResource } from './resource.ts'
import type { AskView, Page } from './types.ts'

const Asks = createContext<Resource<Page<AskView>> | null>(null)

export function AskSource({ children }: { children: ReactNode }) {
  const asks = useResource(
    'asks',
    (signal) => api.get<Page<AskView>>('/asks', { limit: 200 }, { signal }),
    { isLive: true },
  )
  return <Asks value={asks}>{children}</Asks>
}

/** All open asks, oldest first. */
export function useAsks(): Resource<Page<AskView>> {
  const asks = useContext(Asks)
  if (!asks) throw new Error('useAsks is used outside of AskSource')
  return asks
}

export const useInboxCount = (): number => useAsks().data?.total ?? 0
