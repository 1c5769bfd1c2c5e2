/**
 * What is kept of people, as documents of kind `access.*`. Secrets are kept as hashes only: a
 * password with a memory-hard one, tokens and keys with SHA-256, since they are random.
 */

import { createHash, randomBytes } from 'node:crypto'
import type { Account, ApiKey, Invite, Membership, User } from '../../kernel/accounts.ts'
import type { Json } from '../../kernel/part.ts'
import type { Store } from '../../kernel/ports.ts'

export type Documents = Pick<Store, 'get' | 'put' | 'drop' | 'list' | 'putNew' | 'swap'>

export interface UserRecord extends User {
  passwordHash: string
  account: string
  /** Access tokens from before this moment (epoch ms) are void. */
  validFrom: number
}

/** A sign-in. */
export interface RefreshRecord {
  /** Of the token that is good; '' while the next one is being made. */
  hash: string
  expiresAt: number
  /** When the token before it was used up; null for the first. */
  usedAt: number | null
}

export interface KeyRecord extends ApiKey {
  hash: string
}

interface Kinds {
  'access.user': UserRecord
  /** By username and by e-mail address, in lower case. */
  'access.login': { user: string }
  'access.account': Account
  /** `<account>/<user>`. */
  'access.member': Membership
  'access.invite': Invite
  /** By code. */
  'access.invite-code': { account: string }
  /** `<user>/<sign-in>`. */
  'access.refresh': RefreshRecord
  /** `<account>/<id>`. */
  'access.api-key': KeyRecord
  /** By hash: where the key is. */
  'access.api-key-hash': { key: string }
}

type Kind = keyof Kinds

/** A record that is still to be written. */
export type Fresh = { [K in Kind]: { kind: K; key: string; body: Kinds[K] } }[Kind]

/** Documents with the types they have. */
export interface Records {
  get<K extends Kind>(kind: K, key: string): Promise<Kinds[K] | null>
  put<K extends Kind>(kind: K, key: string, body: Kinds[K]): Promise<void>
  /** All or none; false: one of them was there already. */
  add(fresh: readonly Fresh[]): Promise<boolean>
  /**
   * Changes a record as it is now, also when another process changes it at the same time; null when
   * there is none. The edit may be asked more than once; what it gives as null stays as it is.
   */
  edit<K extends Kind>(
    kind: K,
    key: string,
    edit: (body: Kinds[K]) => Kinds[K] | null,
  ): Promise<Kinds[K] | null>
  /** False: the record does not say `before` any more. */
  swap<K extends Kind>(
    kind: K,
    key: string,
    body: Kinds[K],
    before: Kinds[K] | null,
  ): Promise<boolean>
  drop(kind: Kind, key: string): Promise<void>
  list<K extends Kind>(kind: K, prefix: string): Promise<{ key: string; body: Kinds[K] }[]>
}

export function createRecords(documents: Documents): Records {
  const get = async <K extends Kind>(kind: K, key: string) =>
    (await documents.get(kind, key)) as unknown as Kinds[K] | null
  const swap: Records['swap'] = (kind, key, body, before) =>
    documents.swap({ kind, key, body: body as unknown as Json }, before as unknown as Json | null)
  return {
    get,
    swap,
    put: (kind, key, body) => documents.put({ kind, key, body: body as unknown as Json }),
    add: (fresh) => documents.putNew(fresh.map((f) => ({ ...f, body: f.body as unknown as Json }))),
    async edit(kind, key, edit) {
      for (;;) {
        const before = await get(kind, key)
        if (before === null) return null
        const body = edit(before)
        if (body === null) return before
        if (await swap(kind, key, body, before)) return body
      }
    },
    drop: (kind, key) => documents.drop(kind, key),
    list: async <K extends Kind>(kind: K, prefix: string) =>
      (await documents.list(kind, prefix)).map(({ key, body }) => ({
        key,
        body: body as unknown as Kinds[K],
      })),
  }
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

export const randomHex = (bytes: number): string => randomBytes(bytes).toString('hex')
