/** Figures as people read them: money, tokens, spans of time, times of day. */

import type { Usage } from '../api/types.ts'

/** A dash where a price is not known: that is not the same as nothing. */
export function money(usd: number | null): string {
  if (usd === null) return '–'
  if (usd === 0) return '$0'
  return `$${usd < 0.1 ? usd.toFixed(4) : usd.toFixed(2)}`
}

export function count(n: number): string {
  if (n < 1000) return String(n)
  if (n < 100_000) return `${(n / 1000).toFixed(1)}k`
  return n < 1_000_000 ? `${Math.round(n / 1000)}k` : `${(n / 1_000_000).toFixed(1)}M`
}

export const tokensOf = (usage: Usage): number =>
  usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens + usage.outputTokens

export function span(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 60) return `${minutes} min ${Math.round((ms % 60_000) / 1000)} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** How long ago, in the shortest words. */
export function ago(at: number, now: number): string {
  const s = Math.max(0, Math.round((now - at) / 1000))
  if (s < 10) return 'now'
  if (s < 60) return `${s} s`
  if (s < 3600) return `${Math.floor(s / 60)} min`
  if (s < 86_400) return `${Math.floor(s / 3600)} h`
  return s < 30 * 86_400 ? `${Math.floor(s / 86_400)} d` : new Date(at).toLocaleDateString()
}

export const clock = (at: number): string =>
  new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })

export const moment = (at: number): string => new Date(at).toLocaleString()
