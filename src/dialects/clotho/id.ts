/** Chat ids: a UUID in any of the spellings that the real gateway takes. */

import type { Fault } from '../../kernel/fault.ts'
import { unprocessable } from './faults.ts'

const GROUPS = [8, 4, 4, 4, 12]

/** The id as the kernel spells it; throws the 422 that the real gateway answers. */
export function chatId(text: string): string {
  const bare = bareOf(text)
  const wrong = /[^0-9a-fA-F-]/u.exec(bare)
  if (wrong)
    throw invalid(
      `invalid character: expected an optional prefix of \`urn:uuid:\` followed by [0-9a-fA-F-], found \`${wrong[0]}\` at ${wrong.index + 1}`,
    )
  const groups = bare.split('-')
  if (groups.length === 1) checkSimple(bare)
  else checkGroups(groups)
  const hex = groups.join('').toLowerCase()
  return [8, 12, 16, 20].reduceRight((id, at) => `${id.slice(0, at)}-${id.slice(at)}`, hex)
}

const bareOf = (text: string): string =>
  /^\{.*\}$/s.test(text) ? text.slice(1, -1) : text.replace(/^urn:uuid:/, '')

function checkSimple(hex: string): void {
  if (hex.length !== 32)
    throw invalid(`invalid length: expected length 32 for simple format, found ${hex.length}`)
}

function checkGroups(groups: string[]): void {
  if (groups.length !== GROUPS.length)
    throw invalid(`invalid group count: expected 5, found ${groups.length}`)
  const at = groups.findIndex((group, i) => group.length !== GROUPS[i])
  if (at >= 0)
    throw invalid(
      `invalid group length in group ${at}: expected ${GROUPS[at]}, found ${groups[at]?.length}`,
    )
}

const invalid = (why: string): Fault =>
  unprocessable(`path -> chat_id: Input should be a valid UUID, ${why}`)
