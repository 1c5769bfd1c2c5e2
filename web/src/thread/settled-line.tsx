/** What became of an ask, once it is settled. */

import { money } from '../components/figure.ts'
import { Icon } from '../components/icon.tsx'
import { untwisted } from '../components/plain.ts'
import type { EntryOf, Settlement } from './entry.ts'

export function SettledLine({ entry, settled }: { entry: EntryOf<'ask'>; settled: Settlement }) {
  const { body } = entry
  const isGood = settled.how === 'answered' && Object.values(settled.rulings).every((r) => r.allow)
  return (
    <div className="flex min-w-0 items-start gap-2 text-sm text-soft">
      <span className="mt-1">
        <Icon name={isGood ? 'check' : 'cross'} size={13} />
      </span>
      <div className="min-w-0" dir="auto">
        {body.kind === 'question' && <p>{untwisted(body.question.text)}</p>}
        <p className={body.kind === 'question' ? 'font-medium text-ink' : 'text-xs leading-6'}>
          {words(settled)}
        </p>
      </div>
    </div>
  )
}

function words({ how, rulings, answer, limitUsd }: Settlement): string {
  if (how === 'expired') return 'Nobody answered in time.'
  if (how === 'cancelled') return 'No longer asked.'
  if (limitUsd !== undefined) return `The limit is now ${money(limitUsd)}.`
  if (answer !== undefined)
    return untwisted(typeof answer === 'string' ? answer : JSON.stringify(answer))
  const all = Object.values(rulings)
  const refused = all.find((ruling) => !ruling.allow)
  if (!refused) return all[0]?.by === 'policy' ? 'Allowed by a rule.' : 'Allowed.'
  return refused.reason ? `Denied: ${untwisted(refused.reason)}` : 'Denied.'
}
