/**
 * What the engine needs from the world, and what the world may ask of the engine. Each port's
 * comment is its contract; the folder of the same name implements it.
 */

import type { Agent, Sampling, Skill, ToolServer } from './agent.ts'
import type { Busy, Command } from './command.ts'
import type { Event, ProcessMark, Question, Stop } from './event.ts'
import type { Fault } from './fault.ts'
import type { Json, Message } from './part.ts'
import type { Access, Confinement, Grant, Permissions } from './policy.ts'
import type { AskRow, Rows, RunRow, ThreadRow, UsageRow } from './rows.ts'
import type { RunStatus } from './run.ts'
import type { Thread } from './thread.ts'
import type { Usage } from './usage.ts'
import type { Sandbox } from './workspace.ts'

// ---- models -------------------------------------------------------------------------------

export interface ModelRequest extends Sampling {
  /** `provider:model`. */
  model: string
  system: string
  /** Ends with a user or a tool message; with `continues`, with an assistant message. */
  messages: Message[]
  /**
   * The last message is an answer of the model that broke off. It is to go on from exactly there and
   * repeat nothing; what a provider needs to be told for that is the adapter's affair.
   */
  continues: boolean
  /** Counts from 1 within a turn. */
  attempt: number
  tools: ToolFace[]
  thinking?: { budgetTokens: number }
  /** Aborting ends the stream at once with `failed`, code `aborted`. */
  signal: AbortSignal
}

/** What a model is told of a tool. `input` is a JSON Schema of an object. */
export interface ToolFace {
  name: string
  about: string
  input: Json
}

/**
 * What a model says. A stream never throws and ends with exactly one `done` or `failed`. `call`
 * ids are unique within the stream. Every call gets `args` whose texts together are its input.
 */
export type ModelItem =
  | { kind: 'text'; text: string }
  | { kind: 'thinking'; text: string }
  /** The provider's token for the part that was said last (a thinking signature, for example). */
  | { kind: 'opaque'; opaque: Json }
  | { kind: 'call'; call: string; tool: string; opaque?: Json }
  | { kind: 'args'; call: string; text: string }
  | { kind: 'done'; stop: Stop; usage: Usage; model: string }
  | { kind: 'failed'; failure: ModelFailure; usage: Usage }

export interface ModelFailure {
  /**
   * `rate_limited`, `overloaded`, `unreachable`, `timed_out`, `cut_off`, `unauthorized`,
   * `invalid_request`, `context_too_long`, `aborted`, `no_credentials`, `unknown_model`,
   * `provider_error`.
   */
  code: string
  message: string
  status: number | null
  /** May the same request succeed later? */
  retryable: boolean
  retryAfterMs: number | null
}

export interface Models {
  stream(request: ModelRequest): AsyncIterable<ModelItem>
  /**
   * A Fault (`unknown_model`, `no_credentials`) when the name cannot be called now; never blocks
   * over 300 ms.
   */
  check(model: string): Promise<Fault | null>
  /** Everything that can be named, with what is usable right now. Never blocks over 300 ms. */
  list(): Promise<ModelCard[]>
  /** The model of agents that name none: the configured one, else the best that is usable now. */
  preferred(): Promise<string>
  /** Facts of one model; null when it is not in the table. */
  card(model: string): ModelCard | null
  /** From now on the endpoint's models can be called; an older one of that name is replaced. */
  define(endpoint: Endpoint): void
  undefine(name: string): void
}

/**
 * A place where models can be called, beside the built-in providers. Its name is the `provider` of
 * `provider:model`; `kind` says which of the wire formats it speaks.
 */
export interface Endpoint {
  /** `[a-z0-9][a-z0-9._-]*`, and no built-in provider's name. */
  name: string
  kind: 'openai' | 'anthropic' | 'google' | 'openrouter' | 'ollama'
  /** Null: the provider's own address. */
  baseUrl: string | null
  /** Null: the key that the server has for that kind, if any. Never logged, never told. */
  apiKey: string | null
  /** What is known of models by name; `*` for all others. */
  models: Record<string, { contextWindow: number | null; maxOutputTokens: number | null }>
  /** Whose it is; absent: the server's, and so everybody's. */
  account?: string
}

/** An endpoint as it may be shown. */
export type ShownEndpoint = Omit<Endpoint, 'apiKey'> & { keyHint: string | null }

/** Endpoints that last. Keys are sealed at rest. */
export interface Endpoints {
  /** With `keepsKey` the key that is kept for that name stays, whatever `apiKey` says. */
  put(endpoint: Endpoint, options?: { keepsKey?: boolean }): Promise<void>
  drop(name: string): Promise<void>
  list(): Promise<ShownEndpoint[]>
}

export interface ModelCard {
  /** `provider:model`. */
  id: string
  name: string
  provider: string
  about: string
  tier: 'flagship' | 'balanced' | 'fast' | 'legacy' | 'local'
  contextWindow: number | null
  maxOutputTokens: number | null
  /** US dollars per million tokens; null when not known. Local models cost 0. */
  inputUsd: number | null
  outputUsd: number | null
  cacheReadUsd: number | null
  cacheWriteUsd: number | null
  capabilities: string[]
  aliases: string[]
  releasedAt: string | null
  /** The provider's own default. */
  isDefault: boolean
  /** A key is there, or the local server answers and has it. */
  isUsable: boolean
}

// ---- tools --------------------------------------------------------------------------------

/**
 * A tool. `run` never throws; it ends with exactly one `done` or `failed`, also when aborted, and
 * what it started is gone by then. Its output is text for the model.
 */
export interface Tool extends ToolFace {
  kind: 'plain' | 'question' | 'child'
  access: Access
  readOnly: boolean
  replayable: boolean
  /**
   * What a permission is decided on: a path within the workspace, a command line, an address; ''
   * when nothing.
   */
  subject(input: Json, workspace?: string): string
  /** The pattern an "always" covers for this input; null: every call of the tool. */
  grant(input: Json, workspace?: string): string | null
  /** Only for kind `question`. */
  question?(input: Json): Question | Fault
  /** Only for kind `child`. */
  child?(input: Json): ChildTask | Fault
  run(input: Json, context: ToolContext): AsyncIterable<ToolItem>
}

export interface ChildTask {
  /** Null: the same agent as the parent's. */
  agent: string | null
  name: string
  prompt: string
}

export type ToolItem =
  | { kind: 'progress'; text: string }
  /** Told before the process does anything. */
  | { kind: 'process'; process: ProcessMark }
  /** `switchTo` names the agent that is to go on with the run and the thread from the next turn on. */
  | { kind: 'done'; output: string; meta?: Record<string, Json>; switchTo?: string }
  | { kind: 'failed'; output: string; meta?: Record<string, Json> }

export interface ToolContext {
  thread: string
  run: string
  call: string
  /** Same for every attempt at this call; hand it to whatever can tell a repetition. */
  key: string
  agent: Agent
  /** Absolute path; files outside it do not exist for the tool. */
  workspace: string
  signal: AbortSignal
  /** For what runs commands; null: as the server is set. */
  confinement: Confinement | null
  /** Private memory of the tool in this thread. */
  memory: { get(name: string): Promise<Json | null>; put(name: string, value: Json): Promise<void> }
}

export interface Toolbox {
  /**
   * The tools an agent has, its MCP servers' included. A server that does not answer is a problem,
   * not an error.
   */
  open(agent: Agent): Promise<{ tools: Tool[]; problems: string[] }>
  /** Ends the process group if it is still the one that was marked. True when something was ended. */
  reap(mark: ProcessMark): boolean
  close(): Promise<void>
}

// ---- catalog ------------------------------------------------------------------------------

/** What people author, as it is on disk now. */
export interface Catalog {
  agents(): Agent[]
  agent(name: string): Agent | null
  /** Files that could not be read, each with what is wrong. They harm nothing else. */
  problems(): { file: string; problem: string }[]
  /** Told after something on disk changed and was read. Returns the way to stop listening. */
  onChange(listener: () => void): () => void
  /**
   * Writes an agent's files atomically and reads them back. Fault `invalid` when they make no
   * agent.
   */
  write(
    name: string,
    files: { config: Record<string, Json>; instructions?: string },
  ): Promise<Agent>
  /** Fault `not_found`; Fault `forbidden` for an agent outside the writable folder. */
  remove(name: string): Promise<void>
  close(): Promise<void>
}

/** A named policy that threads share. Kept as a document of kind `policy`. */
export interface SharedPolicy {
  permissions: Permissions
  refusedTurns: number | null
  askTimeoutMs: number | null
  compaction: { threshold: number | null; keepExchanges: number } | null
  /** Null: commands run as the server is set. */
  confinement: Confinement | null
}

// ---- store --------------------------------------------------------------------------------

/** A record that is no event: an agent's grant, a token, a dialect's private state. */
export interface Document {
  kind: string
  /** With a slash in it, what stands before belongs to that thread, and is erased with it. */
  key: string
  body: Json
  /** Another way to find it; several of a kind may have the same. */
  name?: string
  /** It may be dropped from then on. */
  expiresAt?: number
}

export interface Append {
  thread: string
  /** The last seq the writer knows. The append is refused (`version`) when the log has moved on. */
  after: number
  /**
   * The writer's lease; null for a command, which needs none. Refused (`fenced`) when a newer one
   * exists.
   */
  epoch: number | null
  events: Event[]
  /** Null for deltas alone: they change nothing but the thread's seq. */
  rows: Rows | null
  /** Written with the events. `ifAbsent`: refused (`exists`) when there is one already. */
  documents: (Document & { ifAbsent?: boolean })[]
  /** The events make a run; refused (`limited`) when the account has that many open runs already. */
  admission?: { account: string; maxRuns: number }
}

export type Refusal = 'version' | 'fenced' | 'exists' | 'limited'

export interface Lease {
  thread: string
  epoch: number
}

export interface Page<T> {
  items: T[]
  /** Over all pages, whatever the cursor. */
  total: number
}

/** The last row of the page before: lists are newest first, and go on below it. */
export interface Cursor {
  /** `updatedAt` of a thread, `createdAt` of a run. */
  at: number
  id: string
}

export interface ThreadQuery {
  account?: string
  principal?: string
  workspace?: string
  agent?: string
  dialect?: string
  parentThread?: string | null
  status?: string
  search?: string
  before?: Cursor
  limit: number
  offset: number
}

export interface RunQuery {
  account?: string
  principal?: string
  thread?: string
  agent?: string
  model?: string
  status?: RunStatus[]
  parentRun?: string
  since?: number
  until?: number
  before?: Cursor
  limit: number
  offset: number
}

export interface FeedPage {
  /** To go on from. */
  cursor: number
  events: Event[]
  /**
   * The place of the commit that each event came with. Events of one commit share it, and a page
   * never ends within a commit: whoever has read all of a place can go on from it.
   */
  places: number[]
}

export interface UsageTotal {
  /** `YYYY-MM-DD`, UTC. */
  day: string
  agent: string
  model: string
  calls: number
  usage: Usage
}

/**
 * Where the log is. Everything that resolves is on disk. Any error other than a Refusal is fatal:
 * the store then refuses all further work, because what the disk holds is no longer known.
 */
export interface Store {
  /**
   * When others have written to the log meanwhile, `rebase` is handed what was missed and gives the
   * append that fits behind it, or null; nobody else can write in between. It may be called more
   * than once, must not wait and must not throw. A store with one writer may answer `version` instead.
   */
  append(append: Append, rebase?: (missed: Event[]) => Append | null): Promise<Refusal | null>
  /** Events with seq > after, in order, at most about `limit`. */
  read(thread: string, after: number, limit: number): Promise<Event[]>
  /** All threads' events but the deltas, in the order of their commits, with a cursor. */
  feed(after: number, limit: number): Promise<FeedPage>
  /** The cursor behind everything that is there now. */
  feedEnd(): Promise<number>
  thread(id: string): Promise<ThreadRow | null>
  threads(query: ThreadQuery): Promise<Page<ThreadRow>>
  run(id: string): Promise<RunRow | null>
  runs(query: RunQuery): Promise<Page<RunRow>>
  /** Of each of these threads the run that goes on and the last one that ended, in no order. */
  lastRuns(threads: string[]): Promise<RunRow[]>
  ask(id: string): Promise<AskRow | null>
  asks(query: {
    account?: string
    thread?: string
    limit: number
    offset: number
  }): Promise<Page<AskRow>>
  usage(query: { account?: string; since?: number; until?: number }): Promise<UsageTotal[]>
  usageOf(run: string): Promise<UsageRow[]>
  /** Takes threads that are due and that nobody holds; each gets a new epoch. */
  claim(worker: string, now: number, until: number, limit: number): Promise<Lease[]>
  /** Takes this one thread, if nobody else holds it. */
  claimOne(worker: string, thread: string, now: number, until: number): Promise<Lease | null>
  renew(worker: string, leases: Lease[], until: number): Promise<Lease[]>
  release(worker: string, lease: Lease): Promise<void>
  get(kind: string, key: string): Promise<Json | null>
  /** The body of one of those that have the name. */
  named(kind: string, name: string): Promise<Json | null>
  put(document: Document): Promise<void>
  /**
   * False, and nothing is written, when there is one of that kind and key, whoever wrote it. Of
   * several all are written or none.
   */
  putNew(documents: Document | Document[]): Promise<boolean>
  /** False, and nothing is written, when the body is not `before` any more; null: there is none. */
  swap(document: Document, before: Json | null): Promise<boolean>
  drop(kind: string, key: string): Promise<void>
  list(kind: string, prefix?: string): Promise<Document[]>
  /** Drops the documents that have expired by then. */
  dropExpired(now: number): Promise<void>
  /** Told when a thread's log has moved on by another process's hand; seq 0: it was erased. */
  onAdvance(listener: (thread: string, seq: number) => void): () => void
  /** Tells the other processes that a thread is due which nobody here takes up. */
  wake(): Promise<void>
  /** Told when another process said so. */
  onWake(listener: () => void): () => void
  /** Rewrites stored deltas up to `seq` in less space. The log says the same before and after. */
  pack(thread: string, seq: number): Promise<void>
  /** Deletes a thread whole: log, rows and documents keyed by it. */
  erase(thread: string): Promise<void>
  /** All thread ids, for rebuilding. */
  threadIds(): Promise<string[]>
  /** Replaces the rows of a thread; the log is not touched. */
  reindex(thread: string, rows: Rows): Promise<void>
  /** What the store is and how it fares, for people. */
  health(): Promise<Record<string, Json>>
  close(): Promise<void>
}

// ---- engine -------------------------------------------------------------------------------

/** Who asks. Set by the door a request came through; `local` owns what nobody else does. */
export interface Principal {
  id: string
  account: string
}

export interface Receipt {
  thread: string
  /** The run that the command made or concerns. */
  run: string | null
  delivery: 'started' | 'queued' | 'steered' | 'done'
  /** Place in the queue, 1 = next; null when not queued. */
  position: number | null
  /** The log's last seq after the command. */
  seq: number
  /** The same request was made before, and this is its answer. */
  replayed: boolean
}

export interface NewThread {
  /** A UUID nobody has used; Fault `conflict` when there is such a thread. Default: a new one. */
  id?: string
  agent: string
  model?: string | null
  title?: string | null
  /** Absolute; default: the server's workspace. */
  workspace?: string
  policy?: string | null
  origin: import('./event.ts').Origin
  account: string
}

/** A command without what the engine gives: ids. */
export type Request = Command extends infer C
  ? C extends { run: string; do: 'submit' | 'compact' | 'retry' }
    ? Omit<C, 'run'> & { run?: string }
    : C extends { do: 'steer' }
      ? Omit<C, 'id'> & { id?: string }
      : C
  : never

export interface Idempotency {
  /** Names the client's key, unique over dialects and principals. */
  key: string
  /** Of the request; another hash under the same key is a Fault `duplicate`. */
  hash: string
}

/** How a command is to be taken, beside what it says. */
export interface SubmitOptions {
  idempotency?: Idempotency
  /** An approval is kept as a grant for the agent. */
  remember?: boolean
  /**
   * A run is made only while its account has fewer open ones; else Fault `limited`. Counted in the
   * transaction that makes it, over all processes; what agents give to others does not count.
   */
  maxRuns?: number
}

export interface Reading {
  thread: string
  /** Events with a higher seq are told. */
  after: number
  /**
   * Events in order, without gap or double; replayed, then live. When it answers with a promise,
   * nothing more is told until that resolves: the log is the buffer.
   */
  tell(events: Event[]): void | Promise<void>
  /** Once, when what the log held at the beginning has been told. */
  caughtUp?(seq: number): void | Promise<void>
  /** Once, when the server stops or the thread is erased; nothing is told afterwards. */
  ended?(reason: 'shutdown' | 'erased' | 'failed'): void
}

export interface Engine {
  /** With an idempotency key that was used for the same request: the thread that it made. */
  openThread(thread: NewThread, options?: { idempotency?: Idempotency }): Promise<Thread>
  /** Decides the command and makes it durable. Throws the Fault that refuses it. */
  submit(thread: string, request: Request, options?: SubmitOptions): Promise<Receipt>
  /** Opens a thread and submits to it in one transaction. */
  begin(
    thread: NewThread,
    request: Extract<Request, { do: 'submit' }>,
    options?: SubmitOptions,
  ): Promise<Receipt>
  /**
   * The answer that a key was given earlier; null when it is new; Fault `duplicate` when it is
   * another request.
   */
  recall(idempotency: Idempotency): Promise<Receipt | null>
  /** A new thread with the transcript up to `seq` (default: all). */
  fork(thread: string, seq: number | null, origin: import('./event.ts').Origin): Promise<Thread>
  /** The fold as it is now. Fault `not_found`. */
  thread(id: string): Promise<Thread>
  /** The fold as it was after `seq`. */
  threadAt(id: string, seq: number): Promise<Thread>
  /** Follows a thread from a cursor until `close` is called. Never stops a run. */
  follow(reading: Reading): { close(): void }
  /**
   * Told after every commit of this process that changed more than deltas, of any thread. Of what
   * other processes write `store.onAdvance` tells.
   */
  onCommit(listener: (events: Event[]) => void): () => void
  erase(thread: string): Promise<void>
  /** What was remembered counts no more: at once in this process, within seconds in others. */
  revoke(grant: Grant): Promise<void>
  /** Lists, rows and documents are read straight from the store. */
  readonly store: Omit<
    Store,
    'append' | 'claim' | 'claimOne' | 'renew' | 'release' | 'wake' | 'reindex' | 'close'
  >
  readonly models: Models
  readonly catalog: Catalog
  readonly toolbox: Toolbox
  readonly endpoints: Endpoints
  /** Where threads work: the files of workspaces, and commands in them. */
  readonly sandbox: Sandbox
  grants(agent: string): Promise<Grant[]>
  /** What is going on, for metrics and health. */
  stats(): Record<string, number>
}

export type { Agent, Busy, Skill, ToolServer }
