/**
 * Endpoints that last: kept as documents with their keys sealed, defined again at every start. A key
 * is never given back, only its last four characters.
 */

import { Fault } from '../kernel/fault.ts'
import type { Json } from '../kernel/part.ts'
import type { Endpoint, Endpoints, Models, ShownEndpoint, Store } from '../kernel/ports.ts'

const KIND = 'endpoint'

/** What the endpoint's document says. */
type Kept = Omit<Endpoint, 'apiKey'> & { sealedKey: string | null; keyHint: string | null }

interface Deps {
  store: Pick<Store, 'put' | 'drop' | 'list'>
  models: Models
  box: { seal(secret: string): string; open(sealed: string): string | null }
}

/** Defines what is kept; resolves when all of it can be called. */
export async function openEndpoints({ store, models, box }: Deps): Promise<Endpoints> {
  const kept = async (): Promise<Kept[]> =>
    (await store.list(KIND)).map((d) => d.body as unknown as Kept)
  const keyOf = async (name: string): Promise<string | null> => {
    const sealed = (await kept()).find((k) => k.name === name)?.sealedKey ?? null
    return sealed === null ? null : box.open(sealed)
  }
  for (const { sealedKey, keyHint: _, ...endpoint } of await kept()) {
    const apiKey = sealedKey === null ? null : box.open(sealedKey)
    models.define({ ...endpoint, apiKey })
  }
  return {
    async put(given, { keepsKey = false } = {}) {
      const endpoint = keepsKey ? { ...given, apiKey: await keyOf(given.name) } : given
      if (!/^[a-z0-9][a-z0-9._-]{0,63}$/.test(endpoint.name))
        throw new Fault('invalid', 'The name of an endpoint is made of a-z, 0-9, dot, dash and _.')
      models.define(endpoint)
      const { apiKey, ...shown } = endpoint
      const sealedKey = apiKey === null ? null : box.seal(apiKey)
      const body = { ...shown, sealedKey, keyHint: hintOf(apiKey) }
      await store.put({ kind: KIND, key: endpoint.name, body: body as unknown as Json })
    },
    async drop(name) {
      models.undefine(name)
      await store.drop(KIND, name)
    },
    async list(): Promise<ShownEndpoint[]> {
      return (await kept()).map(({ sealedKey: _, ...shown }) => shown)
    },
  }
}

/** A short key would be given away by its last characters. */
const hintOf = (key: string | null): string | null =>
  key === null || key === '' ? null : key.length > 8 ? `...${key.slice(-4)}` : '***'
