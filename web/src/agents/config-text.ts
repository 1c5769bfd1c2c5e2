/** An agent's settings as text that a person edits, and as fields of that text. Pure. */

export type Config = Record<string, unknown>

export const textOf = (config: Config): string => JSON.stringify(config, null, 2)

/** The settings, or what is wrong with the text. */
export function configIn(text: string): Config | string {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Config
    return 'The settings are one JSON object.'
  } catch (error) {
    return `This is no valid JSON: ${(error as Error).message}`
  }
}

/** The value at `a.b`, when there is one. */
export function valueAt(config: Config, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (value, name) =>
        typeof value === 'object' && value !== null ? (value as Config)[name] : undefined,
      config,
    )
}

/** The same with another value at `a.b`; undefined takes the key out. */
export function withValue(config: Config, path: string, value: unknown): Config {
  const [name, ...rest] = path.split('.') as [string, ...string[]]
  const next = { ...config }
  if (rest.length > 0) {
    const inner = config[name]
    const whole = typeof inner === 'object' && inner !== null ? (inner as Config) : {}
    next[name] = withValue(whole, rest.join('.'), value)
  } else if (value === undefined) delete next[name]
  else next[name] = value
  return next
}
