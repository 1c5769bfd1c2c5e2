/**
 * A process that appends until it is killed. After every append that the store has acknowledged it
 * says the seq on stdout.
 */

import { argv, stdout } from 'node:process'
import type { Store } from '../../src/kernel/ports.ts'
import { openPostgresStore, openSqliteStore } from '../../src/store/index.ts'
import { facts } from '../given.ts'
import { speaking } from './author.ts'
import type { Address } from './backend.ts'

const open = (address: Address): Promise<Store> =>
  address.kind === 'sqlite' ? openSqliteStore(address) : openPostgresStore(address)

const store = await open(JSON.parse(argv[2] as string) as Address)
await Promise.all(
  ['a', 'b', 'c'].map(async (id) => {
    const author = await speaking(store, id)
    for (let i = 0; ; i++) {
      await author.write([facts.text(`${id}-run`, `word ${i} `)])
      stdout.write(`${id} ${author.thread.seq}\n`)
    }
  }),
)
