/** What an agent may do without asking, rule by rule. The first that fits a call decides. */

import type { ChangeEvent } from 'react'
import { Button, IconButton } from '../components/button.tsx'
import { SelectField } from '../components/field.tsx'
import type { Config } from './config-text.ts'
import {
  ACCESS,
  moved,
  type Rule,
  rulesIn,
  VERDICTS,
  verdictIn,
  withRules,
  withVerdict,
} from './rules.ts'
import type { Verdict } from './types.ts'

interface Props {
  config: Config
  onConfig(config: Config): void
}

export function RulesForm({ config, onConfig }: Props) {
  const rules = rulesIn(config)
  const put = (next: readonly Rule[]) => onConfig(withRules(config, next))
  return (
    <fieldset className="flex flex-col gap-2">
      <legend className="text-sm font-medium">Permissions</legend>
      <p className="text-xs text-faint">
        The first rule that fits a call decides. Globs: <code>write</code> about <code>src/*</code>,{' '}
        <code>shell</code> about <code>git *</code>, <code>pantry__*</code> about anything.
      </p>
      {rules === null ? (
        <p className="text-sm text-warn">
          These rules say more than rows can show. Edit them below, in all settings.
        </p>
      ) : (
        <>
          {rules.length > 0 && (
            <ol className="divide-y divide-line rounded-lg border border-line bg-panel">
              {rules.map((rule, i) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: rules are told apart by their place.
                <li key={i}>
                  <RuleRow
                    rule={rule}
                    place={i + 1}
                    isLast={i === rules.length - 1}
                    onChange={(next) => put(rules.with(i, next))}
                    onMove={(by) => put(moved(rules, i, i + by))}
                    onRemove={() => put(rules.toSpliced(i, 1))}
                  />
                </li>
              ))}
            </ol>
          )}
          <div>
            <Button icon="plus" onClick={() => put([...rules, { tool: '', verdict: 'ask' }])}>
              Add a rule
            </Button>
          </div>
        </>
      )}
      <fieldset className="grid grid-cols-[repeat(auto-fit,minmax(7rem,1fr))] gap-3">
        <legend className="pt-1 pb-1 text-xs text-faint">Calls that no rule fits:</legend>
        {ACCESS.map((access) => (
          <SelectField
            key={access}
            label={access}
            value={verdictIn(config, access) ?? ''}
            onChange={(event) => onConfig(withVerdict(config, access, verdictOf(event)))}
          >
            <option value="">by its level</option>
            {VERDICT_OPTIONS}
          </SelectField>
        ))}
      </fieldset>
    </fieldset>
  )
}

interface RowProps {
  rule: Rule
  place: number
  isLast: boolean
  onChange(rule: Rule): void
  onMove(by: -1 | 1): void
  onRemove(): void
}

function RuleRow({ rule, place, isLast, onChange, onMove, onRemove }: RowProps) {
  const { tool, pattern = '', verdict } = rule
  const change = (next: { tool?: string; pattern?: string; verdict?: Verdict }) => {
    const { pattern: about = '', ...rest } = { ...rule, ...next }
    onChange(about === '' ? rest : { ...rest, pattern: about })
  }
  return (
    <div className="flex flex-wrap items-center gap-2 px-2 py-1.5">
      <input
        aria-label={`Rule ${place}: tool`}
        placeholder="tool"
        required
        spellCheck={false}
        value={tool}
        onChange={(event) => change({ tool: event.target.value })}
        className="field min-w-24 flex-1 font-mono text-xs"
      />
      <input
        aria-label={`Rule ${place}: what the call is about`}
        placeholder="anything"
        spellCheck={false}
        value={pattern}
        onChange={(event) => change({ pattern: event.target.value })}
        className="field min-w-32 flex-2 font-mono text-xs"
      />
      <select
        aria-label={`Rule ${place}: verdict`}
        className="field w-auto"
        value={verdict}
        onChange={(event) => change({ verdict: verdictOf(event) ?? verdict })}
      >
        {VERDICT_OPTIONS}
      </select>
      <span className="flex">
        <IconButton
          icon="up"
          label={`Rule ${place}: ask it earlier`}
          disabled={place === 1}
          onClick={() => onMove(-1)}
        />
        <IconButton
          icon="down"
          label={`Rule ${place}: ask it later`}
          disabled={isLast}
          onClick={() => onMove(1)}
        />
        <IconButton icon="trash" label={`Rule ${place}: remove it`} onClick={onRemove} />
      </span>
    </div>
  )
}

const VERDICT_OPTIONS = VERDICTS.map((verdict) => <option key={verdict}>{verdict}</option>)

const verdictOf = ({ target }: ChangeEvent<HTMLSelectElement>): Verdict | null =>
  VERDICTS.find((verdict) => verdict === target.value) ?? null
