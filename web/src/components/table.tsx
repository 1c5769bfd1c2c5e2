/** Rows and columns. On a narrow screen it scrolls by itself and the page stays where it is. */

import type { ReactNode } from 'react'

export interface Column<T> {
  name: string
  /** Figures stand at the right. */
  isNumber?: boolean
  /** Not on narrow screens. */
  isExtra?: boolean
  cell(row: T): ReactNode
}

interface Props<T> {
  label: string
  columns: Column<T>[]
  rows: readonly T[]
  keyOf(row: T): string
}

export const Table = <T,>({ label, columns, rows, keyOf }: Props<T>) => (
  <section
    className="overflow-x-auto rounded-lg border border-line bg-panel"
    tabIndex={0}
    aria-label={label}
  >
    <table className="w-full border-collapse text-sm">
      <thead>
        <tr className="border-b border-line text-left text-xs text-faint">
          {columns.map((c) => (
            <th key={c.name} scope="col" className={`px-3 py-2 font-medium ${look(c)}`}>
              {c.name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)} className="border-b border-line last:border-0 hover:bg-sunk">
            {columns.map((c) => (
              <td key={c.name} className={`px-3 py-2 align-top ${look(c)}`}>
                {c.cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </section>
)

const look = ({ isNumber, isExtra }: { isNumber?: boolean; isExtra?: boolean }): string =>
  `${isNumber ? 'text-right tabular-nums' : ''} ${isExtra ? 'max-md:hidden' : ''}`
