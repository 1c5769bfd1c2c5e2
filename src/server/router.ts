/**
 * Finds every route that a path could mean, the most literal first. Several APIs share paths here,
 * so unlike other routers it never decides between them: `mount.ts` does.
 */

/** `{run}` is a segment, `{run}:cancel` a part of one. */
interface Segment {
  /** The text, when it is nothing but text. */
  literal: string | null
  pattern: RegExp
  names: string[]
  /** 2 text, 1 text and parameters, 0 a parameter. */
  rank: 0 | 1 | 2
}

export interface Match<T> {
  value: T
  template: string
  /** How literal the template is, a digit a segment; greater is more so. */
  ranks: string
  params: Record<string, string>
}

interface Leaf<T> {
  value: T
  template: string
  segments: Segment[]
  ranks: string
}

interface Node<T> {
  literals: Map<string, Node<T>>
  patterns: { segment: Segment; node: Node<T> }[]
  leaves: Leaf<T>[]
}

export interface Router<T> {
  add(template: string, value: T): void
  /** Null when an escape in the path means nothing. */
  match(path: string): Match<T>[] | null
}

const emptyNode = <T>(): Node<T> => ({ literals: new Map(), patterns: [], leaves: [] })

export function createRouter<T>(): Router<T> {
  const root = emptyNode<T>()
  return {
    add(template, value) {
      const segments = segmentsOf(template)
      const ranks = segments.map((s) => s.rank).join('')
      const node = segments.reduce(childFor, root)
      node.leaves.push({ value, template, segments, ranks })
    },
    match(path) {
      const parts = decodePath(path)
      if (!parts) return null
      const leaves: Leaf<T>[] = []
      collect(root, parts, 0, leaves)
      if (leaves.length > 1) leaves.sort(byRank)
      return leaves.map(({ value, template, segments, ranks }) => ({
        value,
        template,
        ranks,
        params: paramsOf(segments, parts),
      }))
    },
  }
}

/** The most literal first; equals stay in the order in which they were added. */
const byRank = (a: { ranks: string }, b: { ranks: string }): number =>
  a.ranks === b.ranks ? 0 : a.ranks < b.ranks ? 1 : -1

function childFor<T>(node: Node<T>, segment: Segment): Node<T> {
  if (segment.literal !== null) {
    const known = node.literals.get(segment.literal) ?? emptyNode<T>()
    node.literals.set(segment.literal, known)
    return known
  }
  const same = node.patterns.find((p) => p.segment.pattern.source === segment.pattern.source)
  if (same) return same.node
  const child = emptyNode<T>()
  node.patterns.push({ segment, node: child })
  return child
}

function collect<T>(node: Node<T>, parts: string[], at: number, leaves: Leaf<T>[]): void {
  const part = parts[at]
  if (part === undefined) {
    leaves.push(...node.leaves)
    return
  }
  const literal = node.literals.get(part)
  if (literal) collect(literal, parts, at + 1, leaves)
  for (const { segment, node: child } of node.patterns)
    if (segment.pattern.test(part)) collect(child, parts, at + 1, leaves)
}

function paramsOf(segments: Segment[], parts: string[]): Record<string, string> {
  const params: Record<string, string> = {}
  segments.forEach((segment, i) => {
    if (segment.names.length === 0) return
    const found = segment.pattern.exec(parts[i] as string)
    segment.names.forEach((name, n) => {
      params[name] = found?.[n + 1] as string
    })
  })
  return params
}

/** The text segments a template begins with: `/api/v1/runs/{run}` -> `['api', 'v1', 'runs']`. */
export function staticPrefix(template: string): string[] {
  const segments = segmentsOf(template)
  const end = segments.findIndex((s) => s.literal === null)
  return segments.slice(0, end < 0 ? undefined : end).map((s) => s.literal as string)
}

const segmentsOf = (template: string): Segment[] => template.slice(1).split('/').map(segmentOf)

/** Thousands of segments of templates are a few hundred different ones. */
const segments = new Map<string, Segment>()

function segmentOf(text: string): Segment {
  const known = segments.get(text) ?? parseSegment(text)
  segments.set(text, known)
  return known
}

function parseSegment(text: string): Segment {
  const names: string[] = []
  const source = text
    .split(/(\{[^}]+\})/)
    .map((piece) => {
      const name = /^\{([^}]+)\}$/.exec(piece)?.[1]
      if (name === undefined) return piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      names.push(name)
      return '(.+?)'
    })
    .join('')
  const isText = names.length === 0
  const isWhole = /^\{[^}]+\}$/.test(text)
  return {
    literal: isText ? text : null,
    pattern: new RegExp(`^${source}$`, 's'),
    names,
    rank: isText ? 2 : isWhole ? 0 : 1,
  }
}

/** The segments of a path with their escapes undone, or null when one is malformed. */
export function decodePath(path: string): string[] | null {
  const parts = path.slice(1).split('/')
  if (!path.includes('%')) return parts
  try {
    return parts.map(decodeURIComponent)
  } catch {
    return null
  }
}
