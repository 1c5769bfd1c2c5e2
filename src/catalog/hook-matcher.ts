/**
 * Which tools the matcher of a hook means. It is a regular expression over the names that tools have
 * in a workspace; one that could take long to try is taken as globs, which match no less.
 */

import { globMatches } from '../kernel/policy.ts'
import { regexGlobs } from './regex-glob.ts'
import { ENGINE, NATIVE } from './workspace-native.ts'

/**
 * Our tools have other names, and those of tool servers are not known yet. So the matcher is asked
 * about each native tool, and each of its alternatives that is a plain name is a tool of a server as
 * well. Null when it is no expression.
 */
export function toolsMatching(matcher: string): string[] | null {
  const matches = testOf(matcher)
  if (matches === null) return null
  const native = Object.entries({ ...NATIVE, ...ENGINE }).filter(([name]) => matches(name))
  const others = matcher
    .split('|')
    .map((word) => word.replace(/^\^|\$$/g, '').replaceAll('.*', '*'))
    .filter((word) => /^[A-Za-z0-9_.*-]+$/.test(word))
    .map((word) => word.replace(/^mcp__/, '').replaceAll('.', '__'))
  return [...new Set([...native.flatMap(([, tools]) => tools), ...others])]
}

const MANY = 8

function testOf(matcher: string): ((name: string) => boolean) | null {
  try {
    const expression = new RegExp(matcher)
    if (isQuick(matcher)) return (name) => expression.test(name)
  } catch {
    return null
  }
  const globs = regexGlobs(matcher) ?? ['*']
  return (name) => globs.some((glob) => globMatches(glob, name))
}

/** Without repeated groups, and with few repetitions, an expression is done with a name at once. */
const isQuick = (matcher: string): boolean =>
  !/\)[*+{]/.test(matcher) && (matcher.match(/[*+?{]/g) ?? []).length <= MANY
