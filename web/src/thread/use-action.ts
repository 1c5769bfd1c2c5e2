/** Something a person does to the server: once at a time, and with what went wrong to be shown. */

import { useState } from 'react'

export interface Action {
  isBusy: boolean
  trouble: unknown
  /** Resolves with whether it was done. */
  run(act: () => Promise<unknown>): Promise<boolean>
  clear(): void
}

export function useAction(): Action {
  const [isBusy, setBusy] = useState(false)
  const [trouble, setTrouble] = useState<unknown>(null)
  return {
    isBusy,
    trouble,
    clear: () => setTrouble(null),
    async run(act) {
      setBusy(true)
      setTrouble(null)
      try {
        await act()
        return true
      } catch (error) {
        setTrouble(error)
        return false
      } finally {
        setBusy(false)
      }
    },
  }
}
