/** How many asks are open, for everybody who shows it: asked for once, in one place. */

import { createContext, type ReactNode, useContext } from 'react'
import { type Pages, usePages } from './pages.ts'
import type { AskView } from './types.ts'

const Asks = createContext<Pages<AskView> | null>(null)

export function AskSource({ children }: { children: ReactNode }) {
  return <Asks value={usePages<AskView>('/asks')}>{children}</Asks>
}

/** All open asks, oldest first. */
export function useAsks(): Pages<AskView> {
  const asks = useContext(Asks)
  if (!asks) throw new Error('useAsks is used outside of AskSource')
  return asks
}

export const useInboxCount = (): number => useAsks().data?.total ?? 0
