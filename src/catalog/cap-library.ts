/**
 * All capabilities: read once, watched from then on, written so that a reader or a crash sees the old
 * or the new. What was written is read back before it is answered.
 */

import { mkdir, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import {
  CAP_NAME,
  type Cap,
  type CapAddress,
  type CapChange,
  type CapKind,
  type Caps,
  commandIn,
  fillPrompt,
} from '../kernel/caps.ts'
import { Fault } from '../kernel/fault.ts'
import { fetchCap, GITHUB, type GitHub } from './cap-fetch.ts'
import { refOf } from './cap-ref.ts'
import { capPath, readScope, type Scope, type ScopeReading } from './cap-scope.ts'
import { CAP_TEMPLATES } from './cap-template.ts'
import { readCapText } from './cap-text.ts'
import { keepWired, NOTHING, readWired, type Wired, writeWired } from './cap-wired.ts'
import { Folder, stampOf } from './folder.ts'
import { FolderWatch } from './folder-watch.ts'
import { clearUnfinished, removeFolder, replaceFile } from './folder-write.ts'
import type { Secret } from './tool-server.ts'

export interface CapOptions {
  /** Shared capabilities lie here, those of an agent in `agents/<name>`. */
  root: string
  /** Where wired local paths may lead: the workspace. */
  localRoot: string
  secret?: Secret
  github?: GitHub
  pollMs?: { watched: number; unwatched: number }
}

const POLL_MS = { watched: 5_000, unwatched: 1_000 }
const MOST_BYTES = 1_048_576

export async function openCaps(options: CapOptions): Promise<Caps> {
  const library = new CapLibrary(options)
  await library.start()
  return library
}

class CapLibrary implements Caps {
  #root: string
  #localRoot: string
  #secret: Secret
  #github: GitHub
  /** By the scope's folder. */
  #readings = new Map<string, { scope: Scope; reading: ScopeReading }>()
  /** What counts for each agent, until something changes. */
  #lists = new Map<string, Cap[]>()
  #listeners = new Set<(change: CapChange) => void>()
  #watch: FolderWatch
  #work: Promise<unknown> = Promise.resolve()
  #isClosed = false

  constructor({ root, localRoot, secret, github, pollMs }: CapOptions) {
    this.#root = root
    this.#localRoot = localRoot
    this.#secret = secret ?? (() => null)
    this.#github = github ?? GITHUB
    this.#watch = new FolderWatch(() => {
      this.#inTurn(() => this.#refresh()).catch(() => {})
    }, pollMs ?? POLL_MS)
  }

  async start(): Promise<void> {
    await this.#inTurn(() => this.#refresh())
  }

  // ---- reading ----------------------------------------------------------------------------------

  /** The same array as long as nothing changes. */
  list(agent: string, kind?: CapKind): Cap[] {
    const all = this.#lists.get(agent) ?? this.#collect(agent)
    this.#lists.set(agent, all)
    return kind === undefined ? all : all.filter((cap) => cap.kind === kind)
  }

  #collect(agent: string): Cap[] {
    const shared = this.#of(this.#scopeOf(agent, 'shared'))
    const own = this.#of(this.#scopeOf(agent, 'private'))
    const isOwn = (cap: Cap) => own.some((c) => c.kind === cap.kind && c.name === cap.name)
    return [...own, ...shared.filter((cap) => !isOwn(cap))].sort(byPlace)
  }

  get(agent: string, kind: CapKind, name: string): Cap | null {
    return this.list(agent, kind).find((cap) => cap.name === name) ?? null
  }

  templates(kind: CapKind) {
    return CAP_TEMPLATES.filter((t) => t.kind === kind)
  }

  expand(agent: string, message: string): string | null {
    const command = commandIn(message)
    if (!command) return null
    const prompt = this.get(agent, 'prompt', command.name)
    if (!prompt) {
      const names = this.list(agent, 'prompt').map((p) => `/${p.name}`)
      const known = names.length > 0 ? ` There are: ${names.join(', ')}.` : ''
      throw new Fault('invalid', `prompt not found: ${command.name}.${known}`)
    }
    if (prompt.problem !== null)
      throw new Fault('invalid', `prompt ${command.name} cannot be used: ${prompt.problem}`)
    return fillPrompt(prompt.body, command.args)
  }

  onChange(listener: (change: CapChange) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#watch.close()
    this.#listeners.clear()
    await this.#work
  }

  #of({ path }: Scope): Cap[] {
    return this.#readings.get(path)?.reading.caps ?? []
  }

  // ---- writing ----------------------------------------------------------------------------------

  put(agent: string, address: CapAddress, content: string): Promise<Cap> {
    return this.#inTurn(async () => {
      const { kind, name } = checked(address)
      if (Buffer.byteLength(content) > MOST_BYTES)
        throw new Fault('invalid', `cap content may have at most ${MOST_BYTES} bytes`)
      const { problem } = await readCapText(kind, name, content, () => '')
      if (problem !== null) throw new Fault('invalid', problem)
      const scope = this.#scopeOf(agent, address.visibility)
      await this.#refresh(scope)
      if (this.#find(scope, address, 'wired')) throw conflict(address)
      const file = join(scope.path, capPath(kind, name))
      await writing(async () => {
        await mkdir(dirname(file), { recursive: true, mode: 0o700 })
        await clearUnfinished(dirname(file))
        await replaceFile(file, content)
      })
      await this.#refresh(scope)
      return this.#written(scope, address, 'file')
    })
  }

  drop(agent: string, address: CapAddress): Promise<void> {
    return this.#inTurn(async () => {
      const { kind, name } = checked(address)
      const scope = this.#scopeOf(agent, address.visibility)
      await this.#refresh(scope)
      if (!this.#find(scope, address, 'file')) throw absent(address)
      await writing(async () => {
        if (kind === 'skill') await removeFolder(join(scope.path, 'skills', name))
        else await rm(join(scope.path, capPath(kind, name)))
      })
      await this.#refresh(scope)
    })
  }

  /** Nobody else waits for the network. */
  async wire(agent: string, address: CapAddress, ref: string): Promise<Cap> {
    const { kind, name } = checked(address)
    const means = refOf(kind, name, ref)
    const scope = this.#scopeOf(agent, address.visibility)
    const free = async () => {
      await this.#refresh(scope)
      if (this.#find(scope, address, 'file')) throw conflict(address)
    }
    await this.#inTurn(free)
    const got = await writing(() => fetchCap({ kind, ref }, means, this.#github))
    return this.#inTurn(async () => {
      await free()
      const before = this.#find(scope, address, 'wired')
      if (got.problem !== null && before?.ref === ref && before.problem === null)
        throw new Fault('unavailable', `${got.problem}. What was fetched before stays.`)
      await writing(async () => {
        await keepWired(scope.path, { kind, name }, got)
        const others = await this.#wiredWithout(scope, address)
        const { revision, problem } = got
        await writeWired(scope.path, [...others, { kind, name, ref, revision, problem }])
      })
      await this.#refresh(scope)
      return this.#written(scope, address, 'wired')
    })
  }

  unwire(agent: string, address: CapAddress): Promise<void> {
    return this.#inTurn(async () => {
      checked(address)
      const scope = this.#scopeOf(agent, address.visibility)
      await this.#refresh(scope)
      if (!this.#find(scope, address, 'wired')) throw absent(address)
      await writing(async () => {
        await writeWired(scope.path, await this.#wiredWithout(scope, address))
        await keepWired(scope.path, address, NOTHING)
      })
      await this.#refresh(scope)
    })
  }

  async #wiredWithout({ path }: Scope, { kind, name }: CapAddress): Promise<Wired[]> {
    const all = await readWired(new Folder(path))
    return all.filter((w) => w.kind !== kind || w.name !== name)
  }

  #find(scope: Scope, { kind, name }: CapAddress, form: Cap['form']): Cap | undefined {
    return this.#of(scope).find((c) => c.kind === kind && c.name === name && c.form === form)
  }

  #written(scope: Scope, address: CapAddress, form: Cap['form']): Cap {
    const cap = this.#find(scope, address, form)
    if (cap) return cap
    throw new Fault('unavailable', `${address.kind} ${address.name} was written, but not found.`)
  }

  /** Changes and looks wait for each other. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.then(() => {
      if (this.#isClosed) throw new Fault('unavailable', 'The server is stopping; try again later.')
      return work()
    })
    this.#work = done.catch(() => undefined)
    return done
  }

  // ---- looking ----------------------------------------------------------------------------------

  #scopeOf(agent: string, visibility: CapAddress['visibility']): Scope {
    if (visibility === 'shared') return { visibility, agent: null, path: this.#root, at: '' }
    const at = join('agents', agent)
    return { visibility, agent, path: join(this.#root, at), at }
  }

  /** Reads everything again that has changed; of `only` at least. */
  async #refresh(only?: Scope): Promise<void> {
    const scopes = await this.#scopes(only)
    const options = { secret: this.#secret, localRoot: this.#localRoot }
    for (const scope of scopes) {
      const before = this.#readings.get(scope.path)?.reading
      const reading = await readScope(scope, only ? undefined : before, options)
      this.#readings.set(scope.path, { scope, reading })
      if (before !== reading) this.#lists.clear()
      if (before && before !== reading) this.#tell(scope, before.caps, reading.caps)
    }
    if (only) return
    for (const [path, { scope, reading }] of this.#readings)
      if (!scopes.some((s) => s.path === path)) {
        this.#readings.delete(path)
        this.#lists.clear()
        this.#tell(scope, reading.caps, [])
      }
    await this.#follow()
  }

  async #scopes(only?: Scope): Promise<Scope[]> {
    if (only) return [only]
    const names = await readdir(join(this.#root, 'agents')).catch(() => [])
    const agents = names.filter((n) => CAP_NAME.test(n))
    return [this.#scopeOf('', 'shared'), ...agents.map((agent) => this.#scopeOf(agent, 'private'))]
  }

  /** Folders that people write into; the root itself holds much that is none of ours. */
  async #follow(): Promise<void> {
    const seen = [...this.#readings.values()].flatMap(({ reading }) => reading.seen)
    const stamp = await stampOf([join(this.#root, 'agents'), ...seen])
    const folders = new Map([...stamp.folders].filter(([path]) => path !== this.#root))
    const isSure = stamp.newest < Date.now() - 2_000
    if (!this.#isClosed) this.#watch.follow(folders, isSure)
  }

  #tell({ agent, visibility }: Scope, before: readonly Cap[], after: readonly Cap[]): void {
    const facts = (caps: readonly Cap[]) =>
      new Map(
        caps.map((c) => [
          `${c.kind} ${c.name}`,
          JSON.stringify([c.form, c.ref, c.content, c.problem]),
        ]),
      )
    const [was, is] = [facts(before), facts(after)]
    for (const key of new Set([...was.keys(), ...is.keys()])) {
      if (was.get(key) === is.get(key)) continue
      const [kind, name] = key.split(' ') as [CapKind, string]
      for (const listener of [...this.#listeners]) listener({ kind, name, visibility, agent })
    }
  }
}

const byPlace = (a: Cap, b: Cap): number =>
  compare(a.kind, b.kind) || compare(a.name, b.name) || compare(a.ref ?? '', b.ref ?? '')

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

function checked(address: CapAddress): CapAddress {
  if (CAP_NAME.test(address.name)) return address
  throw new Fault('invalid', `invalid ${address.kind} name: ${address.name}`)
}

const conflict = ({ kind, name }: CapAddress): Fault =>
  new Fault('conflict', `conflicting entries in one visibility: kind=${kind} name=${name}`)

const absent = ({ kind, name }: CapAddress): Fault =>
  new Fault('not_found', `There is no ${kind} ${name}.`)

/** The disk's refusals are nobody's bug; anything else is. */
async function writing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined || error instanceof Fault) throw error
    throw new Fault('unavailable', `The capabilities could not be written (${code}).`)
  }
}
