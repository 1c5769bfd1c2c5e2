/** Which events are shown: the families, which are also the lanes of the strip, a type, a run. */

import { useMemo } from 'react'
import { named, QueryChoice } from '../components/query-choice.tsx'
import { setQuery } from '../router.tsx'
import { FAMILIES, type Family, FILL } from './family.ts'
import type { Entry } from './log-book.ts'

export const isFamily = (name: string): name is Family =>
  (FAMILIES as readonly string[]).includes(name)

/** What the lanes are, and which of them are wanted. */
export function Legend({ families }: { families: Family[] }) {
  const toggle = (family: Family) => {
    const next = families.includes(family)
      ? families.filter((f) => f !== family)
      : [...families, family]
    setQuery({ show: next.length === FAMILIES.length ? null : next.join(' ') || null })
  }
  return (
    <fieldset className="mb-2 flex min-w-0 items-center gap-1 overflow-x-auto whitespace-nowrap">
      <legend className="sr-only">Show only</legend>
      {FAMILIES.map((family) => (
        <button
          key={family}
          type="button"
          aria-pressed={families.includes(family)}
          onClick={() => toggle(family)}
          className={`flex items-center gap-1.5 rounded-full border px-2 text-xs leading-5.5 ${
            families.includes(family)
              ? 'border-accent bg-accent-soft text-accent'
              : 'border-line text-soft hover:bg-sunk'
          }`}
        >
          <span
            aria-hidden="true"
            className="size-2 rounded-full"
            style={{ background: FILL[family] }}
          />
          {family}
        </button>
      ))}
      {families.length > 0 && (
        <button
          type="button"
          onClick={() => setQuery({ show: null })}
          className="px-1.5 text-xs text-accent underline underline-offset-2"
        >
          all
        </button>
      )}
    </fieldset>
  )
}

export function TypeFilter({ entries, type }: { entries: readonly Entry[]; type: string | null }) {
  const types = useMemo(() => [...new Set(entries.map((entry) => entry.type))].sort(), [entries])
  return (
    <QueryChoice
      name="type"
      label="Only of this type"
      value={type ?? ''}
      options={named(types)}
      none="every type"
      isExtra
    />
  )
}

export function RunFilter({ runs, run }: { runs: readonly string[]; run: string | null }) {
  if (runs.length < 2 && run === null) return null
  const options = runs.map((id, i) => ({ value: id, text: `run ${i + 1} · ${id.slice(-8)}` }))
  return (
    <QueryChoice
      name="run"
      label="Only of this run"
      value={run ?? ''}
      options={options}
      none="every run"
      isExtra
    />
  )
}
