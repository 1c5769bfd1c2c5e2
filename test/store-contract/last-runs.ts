/** The runs of many threads, asked for at once. */

import { expect, it } from 'vitest'
import { facts } from '../given.ts'
import { Author } from './author.ts'
import type { Backend } from './backend.ts'

export function lastRuns(backend: Backend): void {
  it('are the one that goes on and the one that ended last, of those threads only', async () => {
    const { store } = await backend.place()
    const ids = Array.from({ length: 120 }, (_, i) => `t${i}`)
    for (const id of [...ids, 'other']) {
      const author = new Author(store, id)
      await author.write([facts.opened()])
      for (const run of [`${id}-1`, `${id}-2`])
        await author.write([facts.created(run), facts.started(run), facts.ended(run)])
      await author.write([facts.created(`${id}-3`), facts.started(`${id}-3`)])
    }
    await new Author(store, 'idle').write([facts.opened()])
    const found = await store.lastRuns([...ids, 'idle', 'nobody'])
    const names = found.map((r) => r.id).sort()
    expect(names).toEqual(ids.flatMap((id) => [`${id}-2`, `${id}-3`]).sort())
    expect(found.find((r) => r.id === 't7-2')).toEqual(await store.run('t7-2'))
    expect(await store.lastRuns([])).toEqual([])
  })
}
