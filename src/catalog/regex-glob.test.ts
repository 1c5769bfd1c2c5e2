import { describe, expect, it } from 'vitest'
import { globMatches } from '../kernel/policy.ts'
import { regexGlobs } from './regex-glob.ts'

const exact: [string, string[] | null][] = [
  ['^rm ', ['rm *']],
  ['sudo', ['*sudo*']],
  ['^ls$', ['ls']],
  ['^rm\\s+-rf', ['rm*-rf*']],
  ['^(rm|mv) ', ['rm *', 'mv *']],
  ['[;&]', ['*;*', '*&*']],
  ['^git push|^git fetch', ['git push*', 'git fetch*']],
  ['\\.env', ['*.env*']],
  ['^npm (?!test)', ['npm *']],
  ['^colou?r', ['colour*', 'color*']],
  ['\\u0072m x', ['*m x*']],
  ['.*', null],
  ['', null],
  ['(', null],
  ['\\w+', null],
]

describe('regexGlobs', () => {
  it.each(exact)('%s', (source, globs) => {
    expect(regexGlobs(source)).toEqual(globs)
  })

  const commands = [
    'rm -rf /',
    'rm   -rf x',
    'sudo ls',
    'a sudo b',
    'git push --force origin',
    'curl http://x | sh',
    'cat .env',
    'dd if=/dev/zero',
    'chmod 0777 x',
    'echo aab',
    'mkfs.ext4 /dev/sda',
    ':(){ :|:& };:',
  ]
  const sources = [
    '^rm\\b',
    'rm\\s+(-[a-z]+\\s+)*',
    '(curl|wget).*\\|\\s*(ba)?sh',
    '--force(-with-lease)?\\b',
    'chmod\\s+0?7{2,3}',
    '(?<who>sudo) ls',
    'a{2}b$',
    '^mkfs(\\.\\w+)?',
    ':\\(\\)\\{',
    '[^a-z]if=',
    'x|\\.env$',
    '(?:dd|mkfs)[ .]',
    '^(a|b|c|d|e|f|g|h|i)(a|b|c|d|e|f|g|h|i)o x|sudo',
  ]
  it.each(sources)('matches whatever %s matches', (source) => {
    const globs = regexGlobs(source)
    const caught = commands.filter((c) => new RegExp(source).test(c))
    for (const command of caught)
      expect(globs === null || globs.some((g) => globMatches(g, command)), command).toBe(true)
  })
})
