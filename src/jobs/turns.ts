/** Work on the same thing waits for its turn; work on different things does not. */

export interface Turns {
  take<T>(name: string, work: () => Promise<T>): Promise<T>
  /** Resolves when everything that was begun has come to its end. */
  settled(): Promise<void>
}

export function createTurns(): Turns {
  const last = new Map<string, Promise<void>>()
  return {
    take(name, work) {
      const done = (last.get(name) ?? Promise.resolve()).then(work)
      const settled = done.then(
        () => undefined,
        () => undefined,
      )
      last.set(name, settled)
      void settled.then(() => {
        if (last.get(name) === settled) last.delete(name)
      })
      return done
    },
    settled: async () => void (await Promise.all(last.values())),
  }
}
