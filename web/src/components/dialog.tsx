/** A question that is settled before anything else: the browser's own modal, which keeps the focus. */

import { type ReactNode, useEffect, useId, useRef } from 'react'
import { IconButton } from './button.tsx'

interface Props {
  title: string
  onClose(): void
  children: ReactNode
  width?: string
}

/** Open for as long as it is rendered. Escape and a click beside it close it. */
export function Dialog({ title, onClose, children, width = 'max-w-lg' }: Props) {
  const dialog = useRef<HTMLDialogElement>(null)
  const name = useId()
  useEffect(() => {
    const element = dialog.current
    if (element && !element.open) {
      element.showModal()
      // What is to be filled in comes first; the browser would choose the button that closes.
      element.querySelector<HTMLElement>('input, textarea, select')?.focus()
    }
    return () => element?.close()
  }, [])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape is the dialog's own.
    <dialog
      ref={dialog}
      aria-labelledby={name}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      onClick={(event) => event.target === dialog.current && onClose()}
      className={`w-[calc(100vw-2rem)] ${width} rounded-lg border border-line bg-raised p-0 shadow-xl`}
    >
      <header className="flex items-center justify-between gap-4 border-b border-line px-4 py-2.5">
        <h2 id={name} className="text-lg font-semibold">
          {title}
        </h2>
        <IconButton icon="cross" label="Close" onClick={onClose} />
      </header>
      <div className="p-4">{children}</div>
    </dialog>
  )
}
