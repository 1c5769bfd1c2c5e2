/**
 * From a thread's log to what is shown of it. Events are taken in order and each changes at most a few
 * entries; an entry that changed is another object, all others stay the same.
 */

import type { Event, EventOf, Message, Usage } from '../api/types.ts'
import { added, NO_USAGE } from '../api/usage.ts'
import type { CallFacts, Conversation, Entry, EntryOf } from './entry.ts'

/** What a live output keeps: the rest is in the result. */
const PROGRESS_CHARS = 40_000

export class Fold {
  #seq = 0
  #entries: Entry[] = []
  #places = new Map<string, number>()
  /** Which entry the part of a turn goes to. */
  #parts = new Map<string, string>()
  #head = {
    agent: '',
    model: null as string | null,
    title: null as string | null,
    dialect: '',
    parent: null as Conversation['parent'],
    forkedFrom: null as Conversation['forkedFrom'],
    contextTokens: null as number | null,
    lastModel: null as string | null,
  }
  #queue: Conversation['queue'] = []
  #active: Conversation['active'] = null
  #asks = new Set<string>()
  #usage = NO_USAGE
  /** What is worth reading out since it was last asked. */
  #said: string[] = []

  take(events: readonly Event[]): void {
    for (const event of events) {
      this.#evolve(event)
      this.#seq = event.seq
    }
  }

  view(): Conversation {
    return {
      ...this.#head,
      seq: this.#seq,
      entries: this.#entries.slice(),
      queue: this.#queue,
      active: this.#active,
      asks: this.#asks.size,
      usage: this.#usage,
    }
  }

  said(): string[] {
    return this.#said.splice(0)
  }

  #evolve(event: Event): void {
    switch (event.type) {
      case 'thread.opened':
        this.#open(event)
        break
      case 'thread.changed': {
        const { agent, model, title } = event.data
        this.#head = {
          ...this.#head,
          ...(agent === undefined ? {} : { agent }),
          ...(model === undefined ? {} : { model }),
          ...(title === undefined ? {} : { title }),
        }
        break
      }
      case 'thread.rewound':
        this.#rewind(event)
        break
      case 'run.created':
        this.#create(event)
        break
      case 'run.edited':
        this.#queue = this.#queue.map((w) =>
          w.run === event.run ? { ...w, input: event.data.input } : w,
        )
        break
      case 'run.moved': {
        const moved = this.#queue.filter((w) => w.run === event.run)
        const rest = this.#queue.filter((w) => w.run !== event.run)
        this.#queue = rest.toSpliced(event.data.place, 0, ...moved)
        break
      }
      case 'run.started':
        this.#start(event)
        break
      case 'run.steered': {
        const { id, input: parts, origin } = event.data
        const said = { kind: 'user' as const, parts, isSteered: true, dialect: origin.dialect }
        this.#add({ ...this.#at(event, `steer/${id}`), ...said })
        break
      }
      case 'run.cancelling':
        if (this.#active?.run === event.run) this.#active = { ...this.#active, isCancelling: true }
        break
      case 'run.ended':
        this.#end(event)
        break
      case 'turn.started': {
        const { turn, model } = event.data
        this.#head.lastModel = model
        if (this.#active) this.#active = { ...this.#active, turn, model }
        break
      }
      case 'text.delta':
      case 'thinking.delta':
        this.#speak(event)
        break
      case 'call.begun':
        this.#call(event)
        break
      case 'call.delta':
        this.#onCall(event, (c) => ({ args: c.args + event.data.text }))
        break
      case 'turn.answered':
        this.#answer(event)
        break
      case 'turn.interrupted':
        this.#interrupt(event)
        break
      case 'ask.opened': {
        const { ask, body } = event.data
        const open = 'calls' in body ? body.calls.map((c) => c.call) : ['']
        this.#asks.add(ask)
        this.#said.push('The agent waits for you: something is asked.')
        this.#add({
          ...this.#at(event, `ask/${ask}`),
          kind: 'ask',
          ask,
          body,
          open,
          settled: null,
        })
        break
      }
      case 'ask.settled':
        this.#settle(event)
        break
      case 'tool.started':
        this.#onCall(event, () => ({ state: 'running', startedAt: event.at }))
        break
      case 'tool.progressed':
        this.#onCall(event, (c) => ({
          progress: (c.progress + event.data.text).slice(-PROGRESS_CHARS),
        }))
        break
      case 'tool.ended': {
        const { outcome, output, durationMs, rawBytes } = event.data
        const result = { outcome, output, durationMs, rawBytes }
        this.#onCall(event, () => ({ state: 'ended', result }))
        break
      }
      case 'child.started': {
        const { thread, run, agent, name, task } = event.data
        const child = { thread, run, agent, name, task, outcome: null, asks: [] }
        this.#onCall(event, () => ({ state: 'running', startedAt: event.at, child }))
        break
      }
      case 'child.asked': {
        const { ask, thread, body } = event.data
        const open = 'calls' in body ? body.calls.map((c) => c.call) : ['']
        this.#asks.add(ask)
        this.#onCall(event, ({ child }) => ({
          child: child && { ...child, asks: [...child.asks, { ask, thread, body, open }] },
        }))
        break
      }
      case 'child.settled':
        this.#asks.delete(event.data.ask)
        this.#onCall(event, ({ child }) => ({
          child: child && { ...child, asks: child.asks.filter((a) => a.ask !== event.data.ask) },
        }))
        break
      case 'child.ended': {
        this.#spend(event.data.usage)
        const { outcome } = event.data
        this.#onCall(event, ({ child }) => ({ child: child && { ...child, outcome } }))
        break
      }
      case 'context.compacting':
      case 'context.compacted':
      case 'context.uncompacted':
        this.#compact(event)
        break
      case 'note':
        this.#note(event, event.data.level, event.data.text)
        break
      case 'run.switched': {
        const { from, agent, model } = event.data
        this.#head = { ...this.#head, agent, lastModel: model }
        this.#note(event, 'info', `${from} hands the conversation over to ${agent}.`)
        break
      }
      case 'hook.ended': {
        const { hook, outcome, reason } = event.data
        if (outcome !== 'passed')
          this.#note(event, 'warn', `The hook ${hook} ${outcome}${reason ? `: ${reason}` : '.'}`)
        break
      }
      case 'turn.ended':
      case 'run.recovered':
        break
      default:
        event satisfies never
    }
  }

  #at = ({ run, seq, at }: Event, key: string) => ({ key, run, seq, at })

  #add(entry: Entry): void {
    this.#places.set(entry.key, this.#entries.length)
    this.#entries.push(entry)
  }

  #note(event: Event, level: EntryOf<'note'>['level'], text: string): void {
    this.#add({ ...this.#at(event, `note/${event.seq}`), kind: 'note', level, text })
  }

  #get(key: string): Entry | undefined {
    const place = this.#places.get(key)
    return place === undefined ? undefined : this.#entries[place]
  }

  #put(entry: Entry): void {
    const place = this.#places.get(entry.key)
    if (place !== undefined) this.#entries[place] = entry
  }

  /** Takes entries out; what stood behind them moves up. */
  #drop(isGone: (entry: Entry) => boolean): void {
    this.#entries = this.#entries.filter((entry) => !isGone(entry))
    this.#places = new Map(this.#entries.map((entry, i) => [entry.key, i]))
  }

  #open(event: EventOf<'thread.opened'>): void {
    const { agent, model, title, parent, forkedFrom, origin, history } = event.data
    this.#head = {
      ...this.#head,
      ...{ agent, model, title, forkedFrom, dialect: origin.dialect },
      parent: parent && { thread: parent.thread },
    }
    for (const message of history) this.#recall(message, event)
  }

  /** A message of the thread that this one was forked from. */
  #recall({ id, role, parts, steered, at }: Message, { seq }: Event): void {
    const place = { run: null, seq, at }
    if (role === 'user') {
      const said = parts.filter(
        (p) => p.kind !== 'call' && p.kind !== 'thinking' && p.kind !== 'result',
      )
      const entry = {
        kind: 'user' as const,
        parts: said,
        isSteered: steered === true,
        dialect: null,
      }
      this.#add({ key: `history/${id}`, ...place, ...entry })
      return
    }
    for (const [i, part] of parts.entries()) {
      const key = `history/${id}/${i}`
      if (part.kind === 'text')
        this.#add({ key, ...place, kind: 'text', text: part.text, isOpen: false })
      else if (part.kind === 'thinking')
        this.#add({ key, ...place, kind: 'thinking', text: part.text, isOpen: false, until: at })
      else if (part.kind === 'call')
        this.#add({
          ...{ ...newCall(part.call, part.tool, i), ...place, key: callKey(null, part.call) },
          ...{ input: part.input, state: 'ended' as const },
        })
      else if (part.kind === 'result') {
        const { outcome, output } = part
        const result = { outcome, output, durationMs: 0, rawBytes: 0 }
        this.#editCall(callKey(null, part.call), () => ({ result }))
      }
    }
  }

  #rewind(event: EventOf<'thread.rewound'>): void {
    const gone = new Set(event.data.runs)
    const isGone = (entry: Entry) => entry.run !== null && gone.has(entry.run)
    const entries = this.#entries.filter(isGone)
    this.#drop(isGone)
    this.#head.contextTokens = null
    if (entries.length === 0) return
    const { reason } = event.data
    this.#add({
      ...this.#at(event, `undone/${event.seq}`),
      run: null,
      kind: 'undone',
      reason,
      entries,
    })
  }

  #create(event: EventOf<'run.created'>): void {
    const { input, kind, agent = null, model = null, place } = event.data
    const waiting = { run: event.run ?? '', input, kind, agent, model, createdAt: event.at }
    this.#queue = this.#queue.toSpliced(place, 0, waiting)
  }

  #start(event: EventOf<'run.started'>): void {
    const run = event.run ?? ''
    const waiting = this.#queue.find((w) => w.run === run)
    this.#queue = this.#queue.filter((w) => w.run !== run)
    const { agent, model } = event.data
    const kind = waiting?.kind ?? 'message'
    this.#active = { run, kind, agent, model, startedAt: event.at, isCancelling: false, turn: 0 }
    if (!waiting || kind !== 'message' || waiting.input.length === 0) return
    const said = { kind: 'user' as const, parts: waiting.input, isSteered: false, dialect: null }
    this.#add({ ...this.#at(event, `input/${run}`), ...said })
  }

  #end(event: EventOf<'run.ended'>): void {
    const { outcome, stop, trouble = null, turns, usage } = event.data
    const active = this.#active?.run === event.run ? this.#active : null
    this.#queue = this.#queue.filter((w) => w.run !== event.run)
    if (!active) return
    this.#active = null
    this.#close(event.run)
    if (outcome !== 'completed') this.#said.push(`The run ended: ${trouble?.message ?? outcome}.`)
    const durationMs = event.at - active.startedAt
    this.#add({
      ...this.#at(event, `end/${event.run}`),
      ...{ kind: 'end', of: active.kind, outcome, stop, trouble, usage, turns, durationMs },
      model: this.#head.lastModel,
    } as EntryOf<'end'>)
  }

  /** Nothing more is said by the run. */
  #close(run: string | null): void {
    for (let i = this.#entries.length - 1; i >= 0; i--) {
      const entry = this.#entries[i] as Entry
      if (entry.run !== run) continue
      if (entry.kind === 'user' && !entry.isSteered) return
      if ((entry.kind === 'text' || entry.kind === 'thinking') && entry.isOpen)
        this.#entries[i] = { ...entry, isOpen: false }
    }
  }

  #speak(event: EventOf<'text.delta' | 'thinking.delta'>): void {
    const { turn, part, text } = event.data
    const place = `${event.run}/${turn}/${part}`
    const key = this.#parts.get(place)
    const entry = key === undefined ? undefined : this.#get(key)
    if (entry?.kind === 'text') {
      this.#put({ ...entry, text: entry.text + text, seq: event.seq, isOpen: true })
      return
    }
    if (entry?.kind === 'thinking') {
      this.#put({ ...entry, text: entry.text + text, seq: event.seq, until: event.at })
      return
    }
    const fresh = this.#at(event, `${place}/${event.seq}`)
    this.#parts.set(place, fresh.key)
    if (event.type === 'text.delta') this.#add({ ...fresh, kind: 'text', text, isOpen: true })
    else this.#add({ ...fresh, kind: 'thinking', text, isOpen: true, until: event.at })
  }

  #call(event: EventOf<'call.begun'>): void {
    const { call, tool, part } = event.data
    this.#add({ ...newCall(call, tool, part), ...this.#at(event, callKey(event.run, call)) })
  }

  #onCall(
    event: Event & { data: { call: string } },
    edit: (call: CallFacts) => Partial<CallFacts>,
  ): void {
    this.#editCall(callKey(event.run, event.data.call), edit, event.seq)
  }

  #editCall(key: string, edit: (call: CallFacts) => Partial<CallFacts>, seq?: number): void {
    const entry = this.#get(key)
    if (entry?.kind !== 'call') return
    this.#put({ ...entry, ...edit(entry), seq: seq ?? entry.seq })
  }

  #answer(event: EventOf<'turn.answered'>): void {
    const { turn, sealed, usage } = event.data
    this.#spend(usage)
    const { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens } = usage
    const tokens = inputTokens + cacheReadTokens + cacheWriteTokens + outputTokens
    if (tokens > 0) this.#head.contextTokens = tokens
    const inputs = new Map(sealed.map((s) => [s.part, s.input]))
    const before = `${event.run}/${turn}/`
    for (let i = this.#entries.length - 1; i >= 0; i--) {
      const entry = this.#entries[i] as Entry
      if (entry.kind === 'user' && !entry.isSteered) break
      if (entry.kind === 'text' && entry.isOpen && entry.key.startsWith(before)) {
        this.#entries[i] = { ...entry, isOpen: false, seq: event.seq }
        this.#said.push(entry.text)
      } else if (entry.kind === 'thinking' && entry.isOpen)
        this.#entries[i] = { ...entry, isOpen: false }
      else if (entry.kind === 'call' && entry.state === 'writing')
        this.#entries[i] = { ...entry, state: 'ready', input: inputs.get(entry.part) ?? {} }
    }
  }

  #interrupt(event: EventOf<'turn.interrupted'>): void {
    const { cause, trouble, retryAt, usage } = event.data
    this.#spend(usage)
    // Calls that were begun are void; what was said stays, and the next attempt goes on with it.
    this.#drop((e) => e.kind === 'call' && e.run === event.run && e.state === 'writing')
    if (cause === 'cancel') return
    const words = trouble?.message ?? null
    this.#add({ ...this.#at(event, `break/${event.seq}`), kind: 'break', cause, words, retryAt })
  }

  #settle(event: EventOf<'ask.settled'>): void {
    const { ask, how, rulings, answer, limitUsd, open } = event.data
    const entry = this.#get(`ask/${ask}`)
    for (const [call, ruling] of Object.entries(rulings))
      this.#editCall(callKey(event.run, call), () => ({ ruling }))
    if (open.length === 0) this.#asks.delete(ask)
    if (entry?.kind !== 'ask') return
    const settled = open.length === 0 ? { how, rulings, answer, limitUsd } : null
    this.#put({ ...entry, open, settled, seq: event.seq })
  }

  #compact(
    event: EventOf<'context.compacting' | 'context.compacted' | 'context.uncompacted'>,
  ): void {
    const key = `compaction/${event.run}`
    const before = this.#get(key)
    const entry =
      before?.kind === 'compaction' && before.state === 'going'
        ? before
        : {
            ...this.#at(event, before ? `${key}/${event.seq}` : key),
            ...{ kind: 'compaction' as const, state: 'going' as const },
            ...{ summary: '', tokens: null, words: null },
          }
    if (entry !== before) this.#add(entry)
    if (event.type === 'context.compacted') {
      const { summary, tokensBefore, tokensAfter, usage } = event.data
      this.#spend(usage)
      this.#head.contextTokens = tokensAfter
      const tokens = { before: tokensBefore, after: tokensAfter }
      this.#put({ ...entry, state: 'done', summary, tokens, seq: event.seq })
    } else if (event.type === 'context.uncompacted') {
      const { reason, trouble, usage } = event.data
      this.#spend(usage)
      const words = trouble?.message ?? REASONS[reason]
      this.#put({ ...entry, state: 'not', words, seq: event.seq })
    }
  }

  #spend(usage: Usage): void {
    this.#usage = added(this.#usage, usage)
  }
}

const REASONS = {
  nothing: 'There was nothing to shorten.',
  failed: 'It did not succeed.',
  cancelled: 'It was cancelled.',
}

/** Providers name their calls as they like; within a run they do not do it twice. */
const callKey = (run: string | null, call: string): string => `call/${run ?? 'history'}/${call}`

const newCall = (call: string, tool: string, part: number): CallFacts => ({
  kind: 'call',
  ...{ part, call, tool, args: '', input: undefined, state: 'writing', ruling: null },
  ...{ progress: '', startedAt: null, result: null, child: null },
})
