/** One at a time per name: whoever asks for the same name waits until those before have finished. */
export interface Turns {
  run<T>(name: string, work: () => Promise<T>): Promise<T>
}

export function createTurns(): Turns {
  const tails = new Map<string, Promise<unknown>>()
  return {
    run(name, work) {
      const done = (tails.get(name) ?? Promise.resolve()).then(work, work)
      tails.set(name, done)
      const clear = (): void => {
        if (tails.get(name) === done) tails.delete(name)
      }
      done.then(clear, clear)
      return done
    },
  }
}
