/** Puts a text on the clipboard and says so. */

import { useState } from 'react'
import { IconButton } from './button.tsx'

export function CopyButton({ text, label = 'Copy' }: { text: string; label?: string }) {
  const [said, setSaid] = useState<string | null>(null)
  const copy = async () => {
    // A page that is not on https or loopback has no clipboard.
    const isDone = await navigator.clipboard?.writeText(text).then(
      () => true,
      () => false,
    )
    setSaid(isDone ? 'Copied' : 'The browser does not allow copying')
    setTimeout(() => setSaid(null), 1500)
  }
  return (
    <>
      <IconButton
        icon={said === 'Copied' ? 'check' : 'copy'}
        label={said ?? label}
        onClick={() => void copy()}
      />
      <span role="status" className="sr-only">
        {said}
      </span>
    </>
  )
}
