/**
 * When a server is told to stop. Under `npm start` one Ctrl-C arrives twice, from the terminal and
 * from npm, so a second signal counts as impatience only after a moment.
 */

const SAME_PRESS_MS = 1000

export interface StopSignals {
  /** Resolves with the first signal. */
  stopped: Promise<NodeJS.Signals>
  /** Stops listening. */
  close(): void
}

/** `impatient` is called when somebody insists while the server is stopping. */
export function listenForStop(impatient: (signal: NodeJS.Signals) => void): StopSignals {
  const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM']
  let firstAt: number | null = null
  let resolve: (signal: NodeJS.Signals) => void = () => {}
  const stopped = new Promise<NodeJS.Signals>((settle) => {
    resolve = settle
  })
  const hear = (signal: NodeJS.Signals): void => {
    if (firstAt === null) {
      firstAt = performance.now()
      resolve(signal)
    } else if (performance.now() - firstAt > SAME_PRESS_MS) impatient(signal)
  }
  for (const signal of signals) process.on(signal, hear)
  return {
    stopped,
    close: () => {
      for (const signal of signals) process.off(signal, hear)
    },
  }
}
