/**
 * What is going on, in Prometheus form. Labels are bounded: routes by their template, never by
 * their path.
 */

import type { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Event } from '../kernel/event.ts'
import type { Engine } from '../kernel/ports.ts'
import type { RunStatus } from '../kernel/run.ts'
import type { Reply } from '../wire/dialect.ts'

export interface Answered {
  dialect: string
  route: string | null
  status: number
  durationMs: number
}

export interface Metrics {
  answered(what: Answered): void
  /** The text that a scraper reads. */
  page(): Promise<Reply>
  close(): void
}

interface Figures {
  registry: Registry
  http: Histogram<'dialect' | 'route' | 'status'>
  runs: Gauge<'status'>
  ended: Counter<'outcome' | 'stop'>
  runSeconds: Histogram<'outcome'>
  tokens: Counter<'kind'>
  cost: Counter
  milestones: Counter<'type'>
  streams: Gauge
  inFlight: Gauge
  engine: Gauge<'what'>
}

/** What is counted now and not by the engine. */
export interface Gauges {
  streams(): number
  inFlight(): number
}

/** Whose beginnings are kept. */
const MOST_RUNS = 10_000

const STATUSES: RunStatus[] = ['queued', 'running', 'waiting', 'cancelling']

export function createMetrics(engine: Engine, gauges: Gauges): Metrics {
  let figures: Figures | null = null
  // The library is heavy to load; what was answered before it is here is counted afterwards.
  const loading = load().then((loaded) => {
    figures = loaded
    for (const what of early.splice(0)) count(loaded, what)
    return loaded
  })
  const early: Answered[] = []
  const created = new Map<string, number>()
  const stop = engine.onCommit((events) => {
    if (figures) for (const event of events) note(figures, created, event)
  })
  return {
    answered(what) {
      if (figures) count(figures, what)
      else if (early.length < 1000) early.push(what)
    },
    async page() {
      const loaded = await loading
      await collect(loaded, engine, gauges)
      const text = await loaded.registry.metrics()
      return { status: 200, text, type: loaded.registry.contentType }
    },
    close: stop,
  }
}

const count = (figures: Figures, { dialect, route, status, durationMs }: Answered): void =>
  figures.http.observe({ dialect, route: route ?? 'none', status }, durationMs / 1000)

function note(figures: Figures, created: Map<string, number>, event: Event): void {
  figures.milestones.inc({ type: event.type })
  if (event.type === 'run.created' && event.run) begin(created, event.run, event.at)
  if (event.type !== 'run.ended' || !event.run) return
  const { outcome, stop, usage } = event.data
  const since = created.get(event.run)
  created.delete(event.run)
  figures.ended.inc({ outcome, stop })
  if (since !== undefined) figures.runSeconds.observe({ outcome }, (event.at - since) / 1000)
  figures.tokens.inc({ kind: 'input' }, usage.inputTokens)
  figures.tokens.inc({ kind: 'output' }, usage.outputTokens)
  figures.tokens.inc({ kind: 'cache_read' }, usage.cacheReadTokens)
  figures.tokens.inc({ kind: 'cache_write' }, usage.cacheWriteTokens)
  figures.cost.inc(usage.costUsd ?? 0)
}

/** A run may end in another process, which is never heard of here. */
function begin(created: Map<string, number>, run: string, at: number): void {
  created.set(run, at)
  if (created.size <= MOST_RUNS) return
  const [oldest] = created.keys()
  created.delete(oldest as string)
}

async function collect(figures: Figures, engine: Engine, gauges: Gauges): Promise<void> {
  figures.streams.set(gauges.streams())
  figures.inFlight.set(gauges.inFlight())
  for (const [what, value] of Object.entries(engine.stats())) figures.engine.set({ what }, value)
  const pages = await Promise.all(
    STATUSES.map((status) => engine.store.runs({ status: [status], limit: 1, offset: 0 })),
  )
  STATUSES.forEach((status, i) => {
    figures.runs.set({ status }, pages[i]?.total ?? 0)
  })
}

async function load(): Promise<Figures> {
  const { default: prom } = await import('prom-client')
  const { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } = prom
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const counter = <T extends string>(name: string, help: string, labelNames: T[] = []) =>
    new Counter({ name: `manifold_${name}`, help, labelNames, registers })
  const gauge = <T extends string>(name: string, help: string, labelNames: T[] = []) =>
    new Gauge({ name: `manifold_${name}`, help, labelNames, registers })
  return {
    registry,
    http: new Histogram({
      name: 'manifold_http_seconds',
      help: 'Time from request to reply; for a stream, to its first byte.',
      labelNames: ['dialect', 'route', 'status'],
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
      registers,
    }),
    runs: gauge('runs', 'Runs that have not ended, by status.', ['status']),
    ended: counter('runs_ended_total', 'Runs that ended here.', ['outcome', 'stop']),
    runSeconds: new Histogram({
      name: 'manifold_run_seconds',
      help: 'From the submit of a run to its end.',
      labelNames: ['outcome'],
      buckets: [0.1, 0.5, 2, 10, 60, 300, 1800],
      registers,
    }),
    tokens: counter('tokens_total', 'Tokens of the runs that ended here.', ['kind']),
    cost: counter('cost_usd_total', 'What those runs cost, at known prices.'),
    milestones: counter('events_total', 'Events that are no deltas.', ['type']),
    streams: gauge('open_streams', 'Streams that are being read.'),
    inFlight: gauge('requests_in_flight', 'Requests that are being worked on.'),
    engine: gauge('engine', "The engine's own figures.", ['what']),
  }
}
