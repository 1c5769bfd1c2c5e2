/** Sums with brackets, as a person types them. */

/** Null when the text is no sum. */
export function sumOf(text: string): { sum: string; value: number } | null {
  const sum = text
    .replace(/^(?:what(?:'s| is)|how much is|calculate|compute|work out|solve)\s+/i, '')
    .replace(/\bplus\b/gi, '+')
    .replace(/\bminus\b/gi, '-')
    .replace(/\b(?:times|multiplied by)\b|×/gi, '*')
    .replace(/(?<=\d\s*)x(?=\s*\d)/gi, '*')
    .replace(/\bdivided by\b|÷/gi, '/')
    .replace(/(?<=\d),(?=\d{3}\b)/g, '')
    .replace(/[=?!\s]+$/, '')
    .trim()
  if (!/^[-+*/%^().\d\s]{3,200}$/.test(sum) || !/\d\s*[-+*/%^]/.test(sum)) return null
  const value = evaluate(sum.match(/\d+(?:\.\d+)?|[-+*/%^()]/g) ?? [])
  return value === null ? null : { sum, value }
}

const LEVELS: Record<string, number> = { '+': 1, '-': 1, '*': 2, '/': 2, '%': 2, '^': 3 }

function evaluate(tokens: string[]): number | null {
  let at = 0
  const atom = (): number | null => {
    const token = tokens[at++]
    if (token === '-') {
      const value = atom()
      return value === null ? null : -value
    }
    if (token === '(') {
      const value = level(1)
      return tokens[at++] === ')' ? value : null
    }
    return token !== undefined && /^\d/.test(token) ? Number(token) : null
  }
  const level = (least: number): number | null => {
    let left = atom()
    for (;;) {
      const sign = tokens[at] ?? ''
      const rank = LEVELS[sign] ?? 0
      if (left === null || rank < least) return left
      at++
      const right = level(sign === '^' ? rank : rank + 1)
      left = right === null ? null : apply(sign, left, right)
    }
  }
  const value = level(1)
  return at === tokens.length ? value : null
}

function apply(sign: string, a: number, b: number): number {
  switch (sign) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return a * b
    case '/':
      return a / b
    case '%':
      return a % b
    default:
      return a ** b
  }
}
