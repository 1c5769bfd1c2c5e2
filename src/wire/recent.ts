/** A memory with an end: what was used last stays, and what was not used for longest goes. */

export class Recent<Value> {
  readonly #most: number
  readonly #kept = new Map<string, Value>()

  constructor(most: number) {
    this.#most = most
  }

  get(key: string): Value | undefined {
    const value = this.#kept.get(key)
    if (value !== undefined) this.set(key, value)
    return value
  }

  set(key: string, value: Value): void {
    this.#kept.delete(key)
    this.#kept.set(key, value)
    if (this.#kept.size <= this.#most) return
    const [oldest] = this.#kept.keys()
    this.#kept.delete(oldest as string)
  }

  delete(key: string): void {
    this.#kept.delete(key)
  }
}
