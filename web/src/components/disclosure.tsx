/**
 * Something that is folded until a person wants it. Which are open is kept for the page, not by the
 * element: in a windowed list an element comes and goes.
 */

import { createContext, type ReactNode, useContext, useId, useState } from 'react'
import { Icon } from './icon.tsx'

const Openings = createContext(new Map<string, boolean>())

export function OpeningSource({ children }: { children: ReactNode }) {
  const [openings] = useState(() => new Map<string, boolean>())
  return <Openings value={openings}>{children}</Openings>
}

interface Props {
  /** Names it on the page. */
  id: string
  summary: ReactNode
  isOpen?: boolean
  className?: string
  children: ReactNode
}

export function Disclosure({ id, summary, isOpen = false, className = '', children }: Props) {
  const openings = useContext(Openings)
  const [, redraw] = useState(0)
  const content = useId()
  // What was opened by itself stays open: nothing folds under the eyes of a reader.
  if (isOpen && !openings.has(id)) openings.set(id, true)
  const isShown = openings.get(id) ?? false
  return (
    <div className={`min-w-0 ${className}`}>
      <button
        type="button"
        aria-expanded={isShown}
        aria-controls={content}
        onClick={() => {
          openings.set(id, !isShown)
          redraw((n) => n + 1)
        }}
        className="flex w-full min-w-0 items-center gap-2 rounded-md px-2 py-1 text-left text-sm hover:bg-sunk"
      >
        <span className={`text-faint transition-transform ${isShown ? 'rotate-90' : ''}`}>
          <Icon name="right" size={14} />
        </span>
        {summary}
      </button>
      <div id={content} hidden={!isShown}>
        {isShown && children}
      </div>
    </div>
  )
}
