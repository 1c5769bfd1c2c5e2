/**
 * Tells when something in a set of folders may have changed: at once where the system says so, and
 * by a slow look around where it does not. Keeps no process alive.
 */

import { type FSWatcher, watch } from 'node:fs'

/** A burst of changes is looked at once, this long after it began. */
const SETTLE_MS = 100

export class FolderWatch {
  #look: () => void
  #pollMs: { watched: number; unwatched: number }
  #watchers = new Map<string, { watcher: FSWatcher; identity: string }>()
  #settling: NodeJS.Timeout | null = null
  #poll: NodeJS.Timeout | null = null
  #isClosed = false

  constructor(look: () => void, pollMs: { watched: number; unwatched: number }) {
    this.#look = look
    this.#pollMs = pollMs
  }

  /**
   * Watches exactly these folders from now on, each with what tells it from another of its name.
   * `isSure` is false when a look may have missed something; the next one then comes soon.
   */
  follow(folders: ReadonlyMap<string, string>, isSure: boolean): void {
    if (this.#isClosed) return
    for (const [path, { identity }] of this.#watchers)
      if (folders.get(path) !== identity) this.#drop(path)
    let isWatched = true
    for (const [path, identity] of folders)
      if (!this.#watchers.has(path) && !this.#add(path, identity)) isWatched = false
    this.#wait(isWatched && isSure ? this.#pollMs.watched : this.#pollMs.unwatched)
  }

  close(): void {
    this.#isClosed = true
    for (const path of [...this.#watchers.keys()]) this.#drop(path)
    if (this.#settling) clearTimeout(this.#settling)
    if (this.#poll) clearTimeout(this.#poll)
  }

  /** False when the system cannot watch it: too many watches, a network disk, already gone. */
  #add(path: string, identity: string): boolean {
    try {
      const watcher = watch(path, { persistent: false }, () => this.#settle())
      watcher.on('error', () => {
        this.#drop(path)
        this.#settle()
      })
      this.#watchers.set(path, { watcher, identity })
      return true
    } catch {
      return false
    }
  }

  #drop(path: string): void {
    this.#watchers.get(path)?.watcher.close()
    this.#watchers.delete(path)
  }

  #settle(): void {
    if (this.#isClosed || this.#settling) return
    this.#settling = setTimeout(() => {
      this.#settling = null
      this.#look()
    }, SETTLE_MS).unref()
  }

  #wait(ms: number): void {
    if (this.#poll) clearTimeout(this.#poll)
    this.#poll = setTimeout(() => this.#look(), ms).unref()
  }
}
