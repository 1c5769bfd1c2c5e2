/**
 * Looks at one thing after the other and says how it is. A check that throws is a finding like any
 * other; none can keep the rest from being looked at.
 */

import { redactText } from './redact.ts'
import { createPaint } from './terminal.ts'

export interface Finding {
  ok: 'yes' | 'warn' | 'no'
  text: string
  /** What the person can do about it. */
  fix?: string
}

export interface Check {
  /** One or two words. */
  name: string
  run(): Promise<Finding>
}

/** Prints a line a check as it is done. The exit code is 1 when something is not as it must be. */
export async function runChecks(
  checks: readonly Check[],
  output: { write(text: string): void; colour: boolean },
): Promise<number> {
  const width = Math.max(...checks.map((check) => check.name.length))
  const findings: Finding[] = []
  for (const check of checks) {
    const finding = await check.run().catch(failed)
    findings.push(finding)
    output.write(findingLines(check.name.padEnd(width), finding, output.colour))
  }
  const bad = findings.filter((finding) => finding.ok === 'no').length
  const doubtful = findings.filter((finding) => finding.ok === 'warn').length
  output.write(`\n${verdict(bad, doubtful)}\n`)
  return bad > 0 ? 1 : 0
}

export function findingLines(name: string, finding: Finding, colour: boolean): string {
  const paint = createPaint(colour)
  const mark = { yes: paint.green('ok  '), warn: paint.yellow('warn'), no: paint.red('FAIL') }
  const fix = finding.fix ? `      ${' '.repeat(name.length)}  ${paint.dim(finding.fix)}\n` : ''
  return `${mark[finding.ok]}  ${name}  ${redactText(finding.text)}\n${fix}`
}

function verdict(bad: number, doubtful: number): string {
  if (bad > 0) return `${bad} of the checks failed.`
  return doubtful > 0 ? 'Everything works; see the warnings.' : 'Everything is in order.'
}

const failed = (error: unknown): Finding => ({
  ok: 'no',
  text: error instanceof Error ? error.message : String(error),
})
