/** A choice that stands in the address, so that a page can be sent to somebody as it is seen. */

import { setQuery } from '../router.tsx'

export interface Option {
  value: string
  text: string
}

interface Props {
  /** Of the value in the address. */
  name: string
  label: string
  value: string
  options: readonly Option[]
  /** What it is called to choose none of them; absent: one is always chosen. */
  none?: string
  /** Not on narrow screens. */
  isExtra?: boolean
}

export const QueryChoice = ({ name, label, value, options, none, isExtra = false }: Props) => (
  <select
    aria-label={label}
    className={`field w-auto ${isExtra ? 'max-md:hidden' : ''}`}
    value={value}
    onChange={(event) => setQuery({ [name]: event.target.value || null })}
  >
    {none !== undefined && <option value="">{none}</option>}
    {options.map((option) => (
      <option key={option.value} value={option.value}>
        {option.text}
      </option>
    ))}
  </select>
)

/** Options that are called what they are. */
export const named = (values: readonly string[], unit = ''): Option[] =>
  values.map((value) => ({ value, text: value + unit }))
