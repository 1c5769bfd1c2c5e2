/** Which tools took long, and why runs failed; both say of how many runs they are. */

import type { ReactNode } from 'react'
import type { Usage } from '../api/types.ts'
import { count, span } from '../components/figure.ts'
import { exposed, untwisted } from '../components/plain.ts'
import { Table } from '../components/table.tsx'
import { TimeAgo } from '../components/time-ago.tsx'
import { Link } from '../router.tsx'

export interface RunFigures {
  runs: number
  of: number
  dialects: { dialect: string; runs: number; failed: number; usage: Usage }[]
  failures: {
    code: string
    runs: number
    message: string
    latest: { run: string; thread: string; at: number }
  }[]
}

interface ToolRow {
  tool: string
  calls: number
  failed: number
  denied: number
  medianMs: number
  p95Ms: number
  maxMs: number
  totalMs: number
  slowest: { thread: string; run: string; seq: number }
}

export interface ToolFigures {
  runs: number
  of: number
  items: ToolRow[]
}

const Part = ({
  title,
  about,
  children,
}: {
  title: string
  about: string
  children: ReactNode
}) => (
  <section aria-label={title}>
    <h2 className="font-semibold">{title}</h2>
    <p className="mb-2 text-xs text-soft">{about}</p>
    {children}
  </section>
)

export function SlowTools({ tools: { runs, of, items } }: { tools: ToolFigures }) {
  const about = runs < of ? `In the latest ${runs} of ${of} runs` : 'In all runs of the span'
  return (
    <Part title="Tools, the slowest first" about={`${about}. Refused calls took no time.`}>
      {items.length === 0 ? (
        <p className="text-sm text-faint">No tool was called.</p>
      ) : (
        <Table
          label="Tools"
          rows={items}
          keyOf={(row) => row.tool}
          columns={[
            { name: 'Tool', cell: (row) => <code>{exposed(row.tool)}</code> },
            { name: 'Calls', isNumber: true, cell: (row) => count(row.calls) },
            { name: 'Failed', isNumber: true, cell: (row) => <Bad n={row.failed} /> },
            { name: 'Refused', isNumber: true, isExtra: true, cell: (row) => row.denied || '–' },
            { name: 'Median', isNumber: true, cell: (row) => span(row.medianMs) },
            { name: '95 of 100', isNumber: true, isExtra: true, cell: (row) => span(row.p95Ms) },
            {
              name: 'Longest',
              isNumber: true,
              cell: ({ maxMs, slowest: { thread, seq } }) => (
                <Link
                  to={`/log/${thread}?seq=${seq}`}
                  className="text-accent underline underline-offset-2"
                >
                  {span(maxMs)}
                </Link>
              ),
            },
            { name: 'In all', isNumber: true, isExtra: true, cell: (row) => span(row.totalMs) },
          ]}
        />
      )}
    </Part>
  )
}

const Bad = ({ n }: { n: number }) =>
  n > 0 ? <span className="text-bad">{n}</span> : <span className="text-faint">–</span>

export function Failures({ runs: { runs, of, failures } }: { runs: RunFigures }) {
  const about = runs < of ? `In the latest ${runs} of ${of} runs.` : 'In all runs of the span.'
  return (
    <Part title="Runs that failed" about={about}>
      {failures.length === 0 ? (
        <p className="text-sm text-good">None.</p>
      ) : (
        <Table
          label="Failures"
          rows={failures}
          keyOf={(row) => row.code}
          columns={[
            { name: 'Why', cell: (row) => <code>{exposed(row.code)}</code> },
            { name: 'Runs', isNumber: true, cell: (row) => row.runs },
            {
              name: 'The latest said',
              cell: ({ message, latest }) => (
                <Link
                  to={`/threads/${latest.thread}`}
                  className="text-accent underline underline-offset-2"
                >
                  {untwisted(message.slice(0, 200))}
                </Link>
              ),
            },
            { name: 'When', isExtra: true, cell: (row) => <TimeAgo at={row.latest.at} /> },
          ]}
        />
      )}
    </Part>
  )
}
