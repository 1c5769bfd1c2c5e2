/** Text of any length that is always the same, so that stopping and going on can be tried. */

const MAX_WORDS = 50_000

/** Null when nothing long is asked for. */
export function proseOf(text: string): string | null {
  const upTo = /\bcount\b(?:\s+from\s+(\d+))?\s+(?:up\s+)?to\s+(\d+)/i.exec(text)
  if (upTo) return count(Number(upTo[1] ?? 1), Number(upTo[2]))
  const exact = /\b(\d{1,6})\s+words?\b/i.exec(text)
  if (exact && /\b(write|tell|say|give|generate|story|text|essay)\b/i.test(text))
    return story(Number(exact[1]))
  const isTold =
    /\b(tell|write|give)\b.*\b(stor(y|ies)|essay|poem|text|tale)\b/i.test(text) ||
    /\blong(er)? (answer|reply|response)\b|\bsomething long\b/i.test(text)
  if (!isTold) return null
  return story(
    /\b(very|really)\s+long\b/i.test(text) ? 3_000 : /\blong\b/i.test(text) ? 1_000 : 200,
  )
}

function count(from: number, to: number): string {
  const step = to >= from ? 1 : -1
  const many = Math.min(Math.abs(to - from) + 1, MAX_WORDS)
  return `${Array.from({ length: many }, (_, i) => from + i * step).join(', ')}.`
}

const WHO = [
  'A baker',
  'The ferryman',
  'An old clockmaker',
  'A girl with a lantern',
  'The mail carrier',
  'A quiet gardener',
  'The lighthouse keeper',
]
const DID = [
  'carried a letter',
  'mended a small bell',
  'counted the boats',
  'lost a key',
  'planted a row of beans',
  'drew a map',
  'waited for the rain',
]
const WHERE = [
  'by the river',
  'behind the mill',
  'at the edge of the town',
  'under the old bridge',
  'on the long road north',
]
const THEN = [
  'and told nobody',
  'while the wind turned',
  'before the market opened',
  'as the lamps were lit',
  'and wrote it down',
  'until the snow came',
]

/** A story of exactly so many words, a paragraph every eight sentences. */
function story(wanted: number): string {
  const many = Math.max(1, Math.min(wanted, MAX_WORDS))
  const told: string[] = []
  for (let n = 0; told.length < many; n++) {
    const pick = (from: string[], pace: number): string =>
      from[Math.floor(n / pace) % from.length] ?? ''
    const end = n % 8 === 7 ? '.\n\n' : '.'
    const line = `${pick(WHO, 1)} ${pick(DID, 2)} ${pick(WHERE, 3)} ${pick(THEN, 1)}${end}`
    told.push(...line.split(' '))
  }
  const text = told.slice(0, many).join(' ').replace(/\n\n /g, '\n\n').trim()
  return text.endsWith('.') ? text : `${text}.`
}
