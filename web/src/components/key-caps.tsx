/** Keys as they look on a keyboard. */

import { capsOf } from '../keys.tsx'

export const KeyCaps = ({ keys }: { keys: string }) => (
  <span className="inline-flex gap-1">
    {capsOf(keys).map((cap, i) => (
      <kbd
        // biome-ignore lint/suspicious/noArrayIndexKey: caps never change places.
        key={i}
        className="min-w-5 rounded border border-line bg-sunk px-1 text-center font-mono text-xs leading-5 text-soft"
      >
        {cap}
      </kbd>
    ))}
  </span>
)
