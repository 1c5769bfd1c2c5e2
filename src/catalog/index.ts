/**
 * The catalog: agents as people write them, in folders of text files that are read, watched and, in
 * one of them, written. A file that is wrong is a problem of its own and leaves what it said before
 * in force.
 */

import { stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Agent } from '../kernel/agent.ts'
import { Fault } from '../kernel/fault.ts'
import type { Catalog } from '../kernel/ports.ts'
import { type AgentEdit, filesOf, writeFolder } from './agent-edit.ts'
import { isSettled, type Problem, type Reading, readAgentFolder } from './agent-folder.ts'
import { ASSISTANT_CONFIG, ASSISTANT_SOUL, assistant } from './assistant.ts'
import { agentFolders, collect } from './collection.ts'
import { Folder, isAbsent, stampOf } from './folder.ts'
import { FolderWatch } from './folder-watch.ts'
import { clearUnfinished, createFolder, removeFolder } from './folder-write.ts'
import type { Secret } from './tool-server.ts'

export { checkAgentFile, type Issue } from './agent-file.ts'
export type { AgentEdit, Problem, Secret }

export interface CatalogOptions {
  /** Folders of agents' folders. Of two agents with the same name, the one in the earlier is used. */
  folders: string[]
  /** The one that may be written; taken last when `folders` does not name it. */
  writable: string
  /** Values for `${env:NAME}` in `env` and `headers` of MCP servers. */
  secret?: Secret
  /** Agents that answer to their names when no folder has one of that name. */
  builtin?: Agent[]
  /** How often to look around where the system tells of changes, and where it does not. */
  pollMs?: { watched: number; unwatched: number }
}

/** The files of an agent as they are on disk. */
export interface AgentSource {
  config: Record<string, unknown>
  soul: string
  memory: string
  isWritable: boolean
}

export interface EditableCatalog extends Catalog {
  /**
   * Makes or changes an agent and gives it as it was read back; what the edit does not name stays
   * as it is. Faults: `invalid` (details `issues`), `too_large`, `forbidden` for an agent outside
   * the writable folder, `conflict` when another agent has that folder, `unavailable` (the disk).
   */
  write(name: string, edit: AgentEdit): Promise<Agent>
  /** Removes the agent's whole folder. Faults: `not_found`, `forbidden`, `unavailable`. */
  remove(name: string): Promise<void>
  /** Null for a name that nothing answers to. */
  source(name: string): Promise<AgentSource | null>
  /** Looks at all folders now; resolves when what is there is in use. */
  refresh(): Promise<void>
}

const POLL_MS = { watched: 5000, unwatched: 1000 }

/** Reads everything once, writes the first agent if there is none, and watches from then on. */
export async function openCatalog(options: CatalogOptions): Promise<EditableCatalog> {
  const catalog = new FolderCatalog(options)
  await catalog.start()
  return catalog
}

class FolderCatalog implements EditableCatalog {
  #folders: string[]
  #writable: string
  #secret: Secret
  #builtin: Map<string, Agent>
  #readings = new Map<string, Reading>()
  #agents = new Map<string, Agent>()
  #problems: Problem[] = []
  #startProblems: Problem[] = []
  #listeners = new Set<() => void>()
  #watch: FolderWatch
  #running: Promise<void> = Promise.resolve()
  #queued: Promise<void> | null = null
  #edits: Promise<unknown> = Promise.resolve()
  #isClosed = false

  constructor(options: CatalogOptions) {
    this.#writable = resolve(options.writable)
    this.#folders = [...new Set([...options.folders.map((f) => resolve(f)), this.#writable])]
    this.#secret = options.secret ?? (() => null)
    const builtin = options.builtin ?? [assistant()]
    this.#builtin = new Map(builtin.map((a) => [a.name, a]))
    this.#watch = new FolderWatch(() => {
      this.refresh().catch(warn)
    }, options.pollMs ?? POLL_MS)
  }

  async start(): Promise<void> {
    const isFirst = await stat(this.#writable).then(
      () => false,
      (error) => isAbsent(error),
    )
    await clearUnfinished(this.#writable)
    await this.refresh()
    const hasNone =
      this.#readings.size === 0 || [...this.#readings.values()].every((r) => !r.isAgent)
    if (!this.#agents.has('assistant') && (isFirst || hasNone)) await this.#writeAssistant()
  }

  agents(): Agent[] {
    const found = this.#agents.size > 0 ? this.#agents : this.#builtin
    return [...found.values()]
  }

  agent(name: string): Agent | null {
    return this.#agents.get(name) ?? this.#builtin.get(name) ?? null
  }

  problems(): Problem[] {
    return [...this.#startProblems, ...this.#problems]
  }

  onChange(listener: () => void): () => void {
    const own = () => listener()
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#watch.close()
    this.#listeners.clear()
    await this.#edits
    await this.#queued
    await this.#running
  }

  refresh(): Promise<void> {
    this.#queued ??= this.#running.then(() => {
      this.#queued = null
      const reading = this.#read()
      this.#running = reading.catch(() => {})
      return reading
    })
    return this.#queued
  }

  write(name: string, edit: AgentEdit): Promise<Agent> {
    return this.#inTurn(async () => {
      const files = filesOf(name, edit)
      const path = await this.#placeFor(name)
      await writeFolder(name, path, this.#readings.get(path), files).catch(refuseWrite)
      await this.refresh()
      const agent = this.#agents.get(name)
      if (agent?.folder === path) return agent
      throw new Fault('conflict', `The agent ${name} was written, but could not be read back.`)
    })
  }

  remove(name: string): Promise<void> {
    return this.#inTurn(async () => {
      await this.refresh()
      const path = this.#pathOf(name)
      if (path === null) throw this.#notHere(name)
      if (dirname(path) !== this.#writable) throw readOnly(name)
      await removeFolder(path).catch(refuseWrite)
      await this.refresh()
    })
  }

  async source(name: string): Promise<AgentSource | null> {
    const path = this.#pathOf(name)
    if (path === null) {
      if (name !== 'assistant' || !this.#builtin.has(name)) return null
      return { config: { ...ASSISTANT_CONFIG }, soul: ASSISTANT_SOUL, memory: '', isWritable: true }
    }
    const folder = new Folder(path)
    const text = async (file: string) => {
      const read = await folder.text(file)
      return typeof read === 'string' ? read : ''
    }
    const config = parsed(await text('agent.json'))
    const isWritable = dirname(path) === this.#writable
    return { config, soul: await text('SOUL.md'), memory: await text('AGENTS.md'), isWritable }
  }

  /** Edits wait for each other. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#edits.then(() => {
      if (this.#isClosed) throw new Fault('unavailable', 'The server is stopping; try again later.')
      return work()
    })
    this.#edits = done.catch(() => {})
    return done
  }

  /** The folder in which an agent of that name is to be written. */
  async #placeFor(name: string): Promise<string> {
    await this.refresh()
    const at = this.#agents.get(name)?.folder ?? null
    if (at !== null && dirname(at) === this.#writable) return at
    if (at !== null && this.#rank(at) < this.#folders.indexOf(this.#writable)) throw readOnly(name)
    const path = join(this.#writable, name)
    const taken = this.#readings.get(path)?.agent
    if (taken && taken.name !== name)
      throw new Fault('conflict', `The folder ${name} holds another agent, ${taken.name}.`)
    return path
  }

  #rank(agentFolder: string): number {
    return this.#folders.indexOf(dirname(agentFolder))
  }

  /** Also of a folder that could never be read, by the folder's own name. */
  #pathOf(name: string): string | null {
    const path = this.#agents.get(name)?.folder
    if (path) return path
    const own = join(this.#writable, name)
    const reading = this.#readings.get(own)
    return reading?.isAgent && !reading.agent ? own : null
  }

  #notHere(name: string): Fault {
    if (!this.#builtin.has(name)) return new Fault('not_found', `There is no agent ${name}.`)
    return new Fault('forbidden', `The agent ${name} is built in and cannot be removed.`)
  }

  async #writeAssistant(): Promise<void> {
    const path = join(this.#writable, 'assistant')
    const config = `${JSON.stringify(ASSISTANT_CONFIG, null, 2)}\n`
    try {
      await createFolder(path, { 'agent.json': config, 'SOUL.md': ASSISTANT_SOUL })
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      const problem = `could not be written (${code ?? 'unknown error'}); the built-in agent is used`
      this.#startProblems.push({ file: path, problem })
    }
    await this.refresh()
  }

  async #read(): Promise<void> {
    if (this.#isClosed) return
    const problems: Problem[] = []
    const paths: string[] = []
    for (const root of this.#folders) paths.push(...(await agentFolders(root, problems)))
    const read = (path: string) => readAgentFolder(path, this.#readings.get(path), this.#secret)
    const readings = new Map((await Promise.all(paths.map(read))).map((r) => [r.path, r]))
    this.#readings = readings
    const roots = await stampOf(this.#folders)
    this.#use(problems)
    this.#follow(roots.folders)
  }

  #follow(roots: Map<string, string>): void {
    const readings = [...this.#readings.values()]
    const folders = new Map([...roots, ...readings.flatMap((r) => [...r.stamp.folders])])
    this.#watch.follow(folders, roots.size === this.#folders.length && readings.every(isSettled))
  }

  /** Puts what was read into use, and tells when that changed anything. */
  #use(problems: Problem[]): void {
    const before = this.#summary()
    const found = collect([...this.#readings.values()], this.#builtin)
    this.#agents = found.agents
    this.#problems = [...problems, ...found.problems]
    if (before === this.#summary()) return
    for (const listener of [...this.#listeners]) tell(listener)
  }

  #summary(): string {
    const agents = [...this.#agents.values()].map((a) => [a.name, a.folder, a.revision])
    return JSON.stringify([agents, this.#problems])
  }
}

const readOnly = (name: string): Fault =>
  new Fault('forbidden', `The agent ${name} is in a folder that this server only reads.`)

/** A listener that throws is a bug of its own and stops nobody else. */
function tell(listener: () => void): void {
  try {
    listener()
  } catch (error) {
    warn(error)
  }
}

const warn = (error: unknown): void =>
  process.emitWarning(error instanceof Error ? error : String(error))

/** The disk's refusals are nobody's bug; anything else is. */
function refuseWrite(error: unknown): never {
  const { code } = error as NodeJS.ErrnoException
  if (code === undefined || error instanceof Fault) throw error
  throw new Fault('unavailable', `The agents' folder could not be written (${code}); check it.`)
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ''))
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
