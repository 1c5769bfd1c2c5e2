/** A running command as somebody to speak with. When it is told to end, nothing of it is left. */

import type { Talk } from '../kernel/workspace.ts'
import type { Ending } from './ending.ts'
import { type Gated, outputsOf } from './gate.ts'

/** How long a command has to leave when its input has ended. */
const LEAVE_MS = 500

export function createTalk({ child }: Gated, ending: Ending): Talk {
  const gone = ending.gone.then(() => ending.clear())
  let leaving: Promise<void> | null = null
  const leave = async (): Promise<void> => {
    child.stdin?.end()
    const timer = setTimeout(() => ending.kill(), LEAVE_MS)
    await gone
    clearTimeout(timer)
  }
  return {
    gone,
    say: (text) =>
      new Promise((resolve, reject) => {
        if (!child.stdin?.writable) return reject(new Error('The command has ended.'))
        child.stdin.write(text, (error) => (error ? reject(error) : resolve()))
      }),
    hear(on) {
      const [stdout, stderr] = outputsOf(child)
      stdout?.on('data', on.stdout)
      stderr?.on('data', on.stderr)
    },
    end() {
      leaving ??= leave()
      return leaving
    },
  }
}
