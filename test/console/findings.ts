/** What keeps somebody from using a page: axe's serious findings, and a page wider than its screen. */

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface Finding {
  id: string
  impact: string
  nodes: { html: string; failureSummary: string }[]
}

/** Serious and critical findings, each with where it is. */
export async function findings(page: Page): Promise<string[]> {
  await page.evaluate(axe)
  const { violations } = (await page.evaluate('axe.run(document)')) as { violations: Finding[] }
  const found = violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map((n) => `${id}: ${n.html.slice(0, 200)} ${n.failureSummary}`),
    )
  const wide = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
  return wide === 0 ? found : [...found, `the page is ${wide} pixels too wide`]
}
