/** JSON on as few lines as can be read: what fits on a line is not spread over several. Pure. */

const WIDTH = 40

export function laidOut(value: unknown, indent = ''): string {
  const short = onOneLine(value)
  if (typeof value !== 'object' || value === null || short.length + indent.length <= WIDTH)
    return short
  const inner = `${indent}  `
  const isList = Array.isArray(value)
  const lines = Object.entries(value).map(
    ([key, v]) => `${inner}${isList ? '' : `${JSON.stringify(key)}: `}${laidOut(v, inner)}`,
  )
  const [open, close] = isList ? '[]' : '{}'
  return lines.length === 0 ? short : `${open}\n${lines.join(',\n')}\n${indent}${close}`
}

function onOneLine(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const entries = Object.entries(value)
  if (Array.isArray(value)) return `[${value.map(onOneLine).join(', ')}]`
  if (entries.length === 0) return '{}'
  return `{ ${entries.map(([key, v]) => `${JSON.stringify(key)}: ${onOneLine(v)}`).join(', ')} }`
}
