/**
 * Context windows of models that a profile names without saying their size. What the server's own
 * table knows comes first; this is for names at other people's endpoints.
 */

interface Limits {
  window: number
  output: number
}

const LIMITS: readonly [prefix: string, window: number, output: number][] = [
  ['claude-', 200_000, 8192],
  ['gpt-4o', 128_000, 16_384],
  ['gpt-4-turbo', 128_000, 4096],
  ['gpt-4', 8192, 4096],
  ['gpt-3.5-turbo', 16_385, 4096],
  ['llama3.2', 131_072, 4096],
  ['llama3.1', 131_072, 4096],
  ['llama3', 8192, 2048],
  ['mistral-nemo', 128_000, 4096],
  ['mistral', 32_768, 4096],
  ['mixtral', 32_768, 4096],
  ['deepseek-r1', 131_072, 8000],
  ['phi3', 4096, 2048],
  ['qwen2.5', 32_768, 4096],
]

/** The longest known beginning of the name decides; null for a name nobody knows. */
export function limitsOf(model: string): Limits | null {
  const name = model.toLowerCase()
  const fitting = LIMITS.filter(([prefix]) => name.startsWith(prefix))
  const [best] = fitting.sort(([a], [b]) => b.length - a.length)
  return best ? { window: best[1], output: best[2] } : null
}
