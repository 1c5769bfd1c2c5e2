/**
 * Work that is done one round at a time. Whoever asks for it while a round goes on gets another
 * round after it, however many they are: what they saw before asking is always seen by the work.
 */

export class Round {
  #work: () => Promise<void>
  #failed: (error: unknown) => void
  #going: Promise<void> | null = null
  #isAsked = false

  /** `failed` is told of a round that broke; the next one that is asked for is done all the same. */
  constructor(work: () => Promise<void>, failed: (error: unknown) => void) {
    this.#work = work
    this.#failed = failed
  }

  ask(): void {
    this.#isAsked = true
    this.#going ??= this.#run()
  }

  /** Resolves when nothing goes on. */
  async settled(): Promise<void> {
    await this.#going
  }

  async #run(): Promise<void> {
    while (this.#isAsked) {
      this.#isAsked = false
      await this.#work().catch(this.#failed)
    }
    this.#going = null
  }
}
