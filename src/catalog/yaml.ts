/**
 * YAML as people write it: plain data without references. The text may come from anybody, so reading
 * it takes time that grows with its length and no faster.
 */

import type { Document } from 'yaml'

/** The data, or what is wrong with it. Nothing of the text is repeated: it may be a secret. */
export async function parseYaml(text: string): Promise<{ value: unknown } | { problem: string }> {
  // The parser takes longer to load than the rest of the catalog, and many servers need none.
  const { parseDocument, visit } = await import('yaml')
  // The parser's own search for keys that come twice compares each with all the others.
  const document = parseDocument(text, { logLevel: 'silent', uniqueKeys: false })
  const wrong = document.errors[0]?.code ?? (hasTwins(document, visit) ? 'DUPLICATE_KEY' : null)
  if (wrong !== null) return { problem: `is not valid YAML (${wrong})` }
  try {
    return { value: document.toJS({ maxAliasCount: 0 }) }
  } catch {
    return { problem: 'uses references, which are not read here' }
  }
}

/** Is there a key that comes twice in the same place? */
function hasTwins(document: Document.Parsed, visit: typeof import('yaml').visit): boolean {
  let isFound = false
  visit(document, {
    Map(_, { items }) {
      const keys = new Set(items.map(({ key }) => String(key)))
      if (keys.size === items.length) return undefined
      isFound = true
      return visit.BREAK
    },
  })
  return isFound
}
