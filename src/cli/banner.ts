/** What a person reads once the server is ready. Its first line is a promise that scripts rely on. */

import { createPaint } from './terminal.ts'

export interface BannerFacts {
  /** Main address first, without a trailing slash. */
  urls: string[]
  /** Ports that speak one dialect. */
  listens: { dialect: string; url: string }[]
  dialects: string[]
  agents: string[]
  /** `provider:model` that answers when nobody names one. */
  model: string
  dataDir: string
  /** Things to know: no sandbox, broken agent files, ... */
  warnings: string[]
}

export function banner(facts: BannerFacts, colour: boolean): string {
  const paint = createPaint(colour)
  // All addresses together are none that a client could connect to.
  const url = (facts.urls[0] ?? '').replace(/\/\/(0\.0\.0\.0|\[::\])(?=:)/, '//localhost')
  const row = (name: string, text: string): string => `  ${paint.dim(name.padEnd(9))} ${text}\n`
  const isDemo = facts.model.startsWith('demo:')
  return [
    ...facts.urls.map((each) => `listening on ${each}\n`),
    '\n',
    row('dialects', facts.dialects.join(', ')),
    ...facts.listens.map((each) => row(each.dialect, each.url)),
    row('agents', facts.agents.join(', ')),
    row('model', facts.model),
    ...(isDemo ? [row('', 'offline and no language model; set an API key to use a real one')] : []),
    row('data', facts.dataDir),
    row('process', String(process.pid)),
    ...facts.warnings.map((text) => row(paint.yellow('warning'.padEnd(9)), text)),
    '\n',
    `  ${paint.dim('look at it')}  ${url}/\n`,
    `  ${paint.dim('talk to it')}  node dist/main.js chat${/^http:\/\/(127\.0\.0\.1|localhost):3011$/.test(url) ? '' : ` --url ${url}`}\n`,
  ].join('')
}
