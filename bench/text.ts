/**
 * Words to say. They are made up, but drawn as a language draws them (few often, many seldom), so
 * that they take as much space as prose does when they are compressed. The same seed, the same text.
 */

const SYLLABLES = (
  'an ar be co da de el en er fo ga ha in is ka la le li lo ma me mi mo na ne ni no on or pa pe ' +
  'ra re ri ro sa se si so sta ta te ti to tra un ur va ve vi wa we win zo'
).split(' ')

/** A small generator of numbers in [0, 1); good enough for words. */
export function dice(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

const VOCABULARY = 4000

function vocabulary(): string[] {
  const random = dice(1)
  const syllable = (): string => SYLLABLES[Math.floor(random() * SYLLABLES.length)] as string
  const word = (rank: number): string =>
    Array.from({ length: 1 + Math.floor(random() * (rank < 60 ? 2 : 4)) }, syllable).join('')
  return Array.from({ length: VOCABULARY }, (_, rank) => word(rank))
}

let known: string[] | null = null

/** So many words, each with a space behind it. */
export function prose(count: number, seed: number): string {
  known ??= vocabulary()
  const random = dice(seed + 17)
  const words: string[] = []
  for (let i = 0; i < count; i++) {
    // Zipf's law, near enough: the rank is spread evenly on a logarithmic scale.
    const rank = Math.floor(VOCABULARY ** random()) - 1
    const end = i % 14 === 13 ? '. ' : i % 7 === 6 ? ', ' : ' '
    words.push(`${known[rank]}${end}`)
  }
  return words.join('')
}

/** Words that say where they belong, so that a lost or doubled one shows. */
export const numbered = (tag: string, count: number): string =>
  Array.from({ length: count }, (_, i) => `${tag}.${i} `).join('')

export const wordsIn = (text: string): number => text.match(/\S+\s*/g)?.length ?? 0
