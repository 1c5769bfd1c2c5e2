/**
 * What the server says to whoever runs it: one line an occurrence, on stderr, JSON for machines and
 * short text for a terminal. No secret may pass: every field and text goes through `redact` first.
 */

import type { LogLevel, LogSettings } from './config.ts'
import { redact, redactText } from './redact.ts'
import { createPaint } from './terminal.ts'

export type Fields = Readonly<Record<string, unknown>>

/** `fields` are facts, `text` says what happened in a few words. Never throws. */
export interface Log {
  debug(fields: Fields, text: string): void
  info(fields: Fields, text: string): void
  warn(fields: Fields, text: string): void
  error(fields: Fields, text: string): void
}

/** Where lines go; `write` gets whole lines. */
export interface Sink {
  write(line: string): void
}

/** pino is loaded here and not at the top, so that commands that log nothing start at once. */
export async function createLog(settings: LogSettings, sink: Sink = process.stderr): Promise<Log> {
  const { default: pino } = await import('pino')
  const target =
    settings.format === 'json'
      ? sink
      : { write: (line: string) => sink.write(prettyLine(line, settings.colour)) }
  const logger = pino(
    {
      level: settings.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      messageKey: 'text',
    },
    target,
  )
  // Looked at first: every request says something at `debug`, and to redact costs more than to write.
  const at = (level: Exclude<LogLevel, 'silent'>) => (fields: Fields, text: string) => {
    if (logger.isLevelEnabled(level)) logger[level](redact(fields), redactText(text))
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** `12:04:31 warn  agent file cannot be read  file=agents/x/agent.json`, a stack on its own lines. */
export function prettyLine(json: string, colour: boolean): string {
  const { time, level, text, ...fields } = JSON.parse(json) as Record<string, unknown>
  const paint = createPaint(colour)
  const tint = level === 'error' ? paint.red : level === 'warn' ? paint.yellow : paint.dim
  const stacks: string[] = []
  const facts = Object.entries(fields).map(([name, value]) => {
    if (isErrorRecord(value)) {
      if (value.stack) stacks.push(value.stack)
      return `${name}=${value.message}`
    }
    return `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`
  })
  const head = `${paint.dim(String(time).slice(11, 19))} ${tint(String(level).padEnd(5))} ${text}`
  const tail = facts.length > 0 ? `  ${paint.dim(facts.join(' '))}` : ''
  return `${head}${tail}\n${stacks.map((s) => `${paint.dim(s)}\n`).join('')}`
}

const isErrorRecord = (value: unknown): value is { message: string; stack?: string } =>
  typeof value === 'object' && value !== null && 'message' in value && 'type' in value
