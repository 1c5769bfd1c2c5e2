/** Durations as people write them in an agent's file: `45s`, `30m`, `2h`, `1d`, or milliseconds. */

const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds, at least 1; null when the text is no duration. */
export function durationMs(text: string | number): number | null {
  const found = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/i.exec(String(text).trim())
  if (!found) return null
  const ms = Math.round(Number(found[1]) * (UNIT_MS[(found[2] ?? 'ms').toLowerCase()] ?? 1))
  return ms >= 1 && Number.isSafeInteger(ms) ? ms : null
}
