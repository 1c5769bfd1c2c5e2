/** Remembered approvals, kept as documents of kind `grant` and read from memory for a while. */

import { createHash } from 'node:crypto'
import type { Json } from '../kernel/part.ts'
import type { Grant } from '../kernel/policy.ts'
import type { Document, Store } from '../kernel/ports.ts'

/** Another process may have remembered something meanwhile. */
const FRESH_MS = 2_000

export class Grants {
  #store: Store
  #clock: () => number
  #known = new Map<string, { at: number; grants: Grant[] }>()
  /** How often it was forgotten: what was read before does not count after. */
  #age = 0

  constructor(store: Store, clock: () => number) {
    this.#store = store
    this.#clock = clock
  }

  async of(agent: string): Promise<Grant[]> {
    const known = this.#known.get(agent)
    if (known && this.#clock() - known.at < FRESH_MS) return known.grants
    const age = this.#age
    const documents = await this.#store.list('grant', `${agent}/`)
    const grants = documents.map((d) => d.body as unknown as Grant)
    if (age === this.#age) this.#known.set(agent, { at: this.#clock(), grants })
    return grants
  }

  document(grant: Grant): Document {
    return { kind: 'grant', key: keyOf(grant), body: grant as unknown as Json }
  }

  async revoke(grant: Grant): Promise<void> {
    // Older programs have named long ones by the whole pattern.
    for (const key of new Set([keyOf(grant), plainKeyOf(grant)]))
      await this.#store.drop('grant', key)
    this.forget()
  }

  forget(): void {
    this.#age++
    this.#known.clear()
  }
}

/** A pattern may be a whole script. A long one is named by its hash; what it says is in the body. */
const keyOf = (grant: Grant): string =>
  (grant.pattern ?? '').length <= LONGEST
    ? plainKeyOf(grant)
    : plainKeyOf({ ...grant, pattern: `sha256:${sha256(grant.pattern as string)}` })

const LONGEST = 200

const plainKeyOf = ({ agent, tool, pattern }: Grant): string => `${agent}/${tool}/${pattern ?? ''}`

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
