/** What changed between two texts, line by line. Pure. */

export interface DiffLine {
  kind: 'same' | 'old' | 'new'
  text: string
}

/** Beyond this many pairs of lines the exact answer is not worth its time. */
const MOST_PAIRS = 1_000_000

export function diffLines(before: string, after: string): DiffLine[] {
  const a = before === '' ? [] : before.split('\n')
  const b = after === '' ? [] : after.split('\n')
  let head = 0
  while (head < a.length && head < b.length && a[head] === b[head]) head++
  let tail = 0
  while (
    tail < a.length - head &&
    tail < b.length - head &&
    a[a.length - 1 - tail] === b[b.length - 1 - tail]
  )
    tail++
  const same = (lines: string[]): DiffLine[] => lines.map((text) => ({ kind: 'same', text }))
  return [
    ...same(a.slice(0, head)),
    ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...same(a.slice(a.length - tail)),
  ]
}

/** By the longest common subsequence; where that takes too long, all old lines and then all new. */
function middle(a: string[], b: string[]): DiffLine[] {
  const gone = (text: string): DiffLine => ({ kind: 'old', text })
  const come = (text: string): DiffLine => ({ kind: 'new', text })
  if (a.length * b.length > MOST_PAIRS) return [...a.map(gone), ...b.map(come)]
  const width = b.length + 1
  const lengths = new Uint32Array((a.length + 1) * width)
  const at = (i: number, j: number): number => lengths[i * width + j] as number
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      lengths[i * width + j] =
        a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
  const lines: DiffLine[] = []
  let i = 0
  let j = 0
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      lines.push({ kind: 'same', text: a[i++] as string })
      j++
    } else if (at(i + 1, j) >= at(i, j + 1)) lines.push(gone(a[i++] as string))
    else lines.push(come(b[j++] as string))
  }
  return [...lines, ...a.slice(i).map(gone), ...b.slice(j).map(come)]
}
