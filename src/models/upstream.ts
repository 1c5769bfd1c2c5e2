/**
 * One call of a provider, from request to terminal item. It never throws, never tries again by
 * itself, and has closed its socket when it ends, whichever way it ends.
 */

import type { Stop } from '../kernel/event.ts'
import type { ModelFailure, ModelItem, ModelRequest, ToolFace } from '../kernel/ports.ts'
import { estimateTokens } from '../kernel/thread.ts'
import { NO_USAGE, type Usage } from '../kernel/usage.ts'
import { costOf, type Tokens } from './cost.ts'
import { ABORTED, CUT_OFF, classify, failure } from './failure.ts'
import { type Hearing, listen } from './hearing.ts'
import type { CallOptions, Finish, StreamPart } from './library.ts'
import { promptOf, type Reader } from './prompt.ts'
import type { Provider } from './providers.ts'
import type { Entry } from './table.ts'
import { type Exchange, type Limits, openExchange } from './transport.ts'
import { tuningOf } from './tuning.ts'
import { wellFormed, wellFormedJson } from './well-formed.ts'

export interface Target {
  provider: Provider
  /** The provider's own name of the model. */
  model: string
  entry: Entry | null
  limits: Limits
  /** Takes secrets out of a text. */
  mask(text: string): string
}

/** What became of a stream. */
interface Outcome {
  finish: Finish | null
  broken: unknown
  /** Tokens the provider told before the end, if it did. */
  early: Partial<Tokens> | null
  /** The model's name, where the library does not pass it on. */
  model: string | null
}

export async function* callUpstream(
  request: ModelRequest,
  target: Target,
): AsyncGenerator<ModelItem, void, void> {
  const { provider, model } = target
  const names = nameTools(request.tools)
  const hearing = listen({ provider: provider.name, model }, names.back)
  const outcome: Outcome = { finish: null, broken: null, early: null, model: null }
  const exchange = openExchange(target.limits, request.signal)
  try {
    for await (const part of partsOf(request, target, names, exchange)) {
      if (request.signal.aborted) break
      if (part.type === 'finish') outcome.finish = part
      else if (part.type === 'raw') overhear(part.rawValue, outcome)
      else if (part.type === 'error') {
        outcome.broken = part.error ?? new Error('no reason given')
        // What follows this one still tells what was used.
        if (!isWithoutEnd(part.error)) break
      } else yield* hearing.hear(part)
    }
  } catch (error) {
    outcome.broken = error
  } finally {
    exchange.close()
  }
  const said = { hearing, outcome, tail: exchange.tail() }
  const problem = request.signal.aborted ? ABORTED : problemOf(said, target)
  if (problem) {
    yield { kind: 'failed', failure: problem, usage: partialUsage(request, target, said) }
    return
  }
  yield* hearing.rest()
  yield {
    kind: 'done',
    stop: stopOf(outcome.finish, hearing),
    usage: usageOf(outcome.finish, request, target, hearing),
    model: hearing.model ?? outcome.model ?? model,
  }
}

async function* partsOf(
  request: ModelRequest,
  target: Target,
  names: ToolNames,
  exchange: Exchange,
): AsyncGenerator<StreamPart, void, void> {
  request.signal.throwIfAborted()
  const model = await target.provider.open(target.model, exchange.fetch)
  request.signal.throwIfAborted()
  const { stream } = await model.doStream(optionsOf(request, target, names))
  const reader = stream.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    // The stream has ended or is being given up; either way nobody reads on.
    reader.cancel().catch(() => undefined)
  }
}

function optionsOf(request: ModelRequest, target: Target, names: ToolNames): CallOptions {
  const { provider, model, entry } = target
  const prompt = promptOf(request, readerOf(target), names.there)
  const most = Math.min(
    request.maxOutputTokens ?? Number.POSITIVE_INFINITY,
    entry?.maxOutputTokens ?? Number.POSITIVE_INFINITY,
  )
  const tools = request.tools.map((tool) => ({
    type: 'function' as const,
    name: names.there(tool.name),
    description: wellFormed(tool.about),
    inputSchema: wellFormedJson(tool.input) as object,
  }))
  return {
    prompt,
    providerOptions: tuningOf(provider, model)(request, prompt),
    abortSignal: request.signal,
    // Both tell early what was used; the library passes it on at the end only.
    includeRawChunks: provider.family === 'anthropic' || provider.family === 'google',
    ...(tools.length > 0 ? { tools } : {}),
    ...(request.maxOutputTokens === undefined ? {} : { maxOutputTokens: most }),
    ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
    ...(request.topP === undefined ? {} : { topP: request.topP }),
  }
}

/** Of a model that nobody knows the best is assumed; one that is known is not sent what it cannot read. */
function readerOf({ provider, model, entry }: Target): Reader {
  const can = (capability: string): boolean =>
    entry === null || entry.capabilities.includes(capability)
  const { family } = provider
  const isListed = entry !== null && entry.tier !== 'local'
  return {
    provider: provider.name,
    model,
    family,
    images: !isListed || can('vision'),
    pdf: family !== 'compatible' ? !isListed || can('pdf') : isListed && can('pdf'),
    audio:
      family === 'google'
        ? !isListed || can('audio')
        : family === 'compatible' && !isListed && !provider.isLocal,
  }
}

interface ToolNames {
  there(name: string): string
  back(name: string): string
}

/** Providers take letters, digits, `_` and `-`, at most 64 of them; tool servers give any name. */
function nameTools(tools: ToolFace[]): ToolNames {
  const there = new Map<string, string>()
  const back = new Map<string, string>()
  const plain = (name: string): string => name.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 64) || '_'
  for (const { name } of tools) {
    const wanted = plain(name)
    let given = wanted
    for (let n = 2; back.has(given); n++) given = `${wanted.slice(0, 60)}_${n}`
    there.set(name, given)
    back.set(given, name)
  }
  return {
    there: (name) => there.get(name) ?? plain(name),
    back: (name) => back.get(name) ?? name,
  }
}

interface Said {
  hearing: Hearing
  outcome: Outcome
  tail: string
}

/** Null when the answer is whole. */
function problemOf({ outcome, tail }: Said, { provider, mask }: Target): ModelFailure | null {
  const { finish, broken } = outcome
  // A server may leave out the reason and still say that this was all.
  const isComplete = /\[DONE\]/.test(tail)
  if (broken !== null && broken !== undefined) {
    if (!isWithoutEnd(broken)) return classify(broken, provider.title, mask)
    return isComplete ? null : CUT_OFF
  }
  if (!finish) return CUT_OFF
  const { unified, raw } = finish.finishReason
  if (unified === 'error')
    return failure('provider_error', `${provider.title} ended the answer with an error.`, {
      retryable: true,
    })
  const isUnsaid = unified === 'other' && raw === undefined
  return isUnsaid && !isComplete && !isBlocked(finish) ? CUT_OFF : null
}

const isWithoutEnd = (error: unknown): boolean =>
  error instanceof Error && /ended without a finish reason/.test(error.message)

/** Google answers a prompt that it refuses with nothing but the refusal. */
const isBlocked = (finish: Finish): boolean => {
  const feedback = finish.providerMetadata?.google?.promptFeedback
  return typeof feedback === 'object' && feedback !== null && 'blockReason' in feedback
}

function stopOf(finish: Finish | null, hearing: Hearing): Stop {
  const reason = finish?.finishReason
  if (hearing.calls > 0 && reason?.unified !== 'length') return 'calls'
  if (finish && isBlocked(finish)) return 'filter'
  switch (reason?.unified) {
    case 'length':
      return 'length'
    case 'content-filter':
      return 'filter'
    case 'stop':
      return reason.raw === 'stop_sequence' ? 'sequence' : 'end'
    case 'other':
      return reason.raw === undefined ? 'end' : 'other'
    default:
      return 'end'
  }
}

function usageOf(
  finish: Finish | null,
  request: ModelRequest,
  target: Target,
  hearing: Hearing,
): Usage {
  const used = finish?.usage
  if (used?.inputTokens.total === undefined && used?.outputTokens.total === undefined)
    return priced(estimated(request, hearing), target)
  const { inputTokens, outputTokens } = used
  const cacheReadTokens = inputTokens.cacheRead ?? 0
  const cacheWriteTokens = inputTokens.cacheWrite ?? 0
  const rest = (inputTokens.total ?? 0) - cacheReadTokens - cacheWriteTokens
  const tokens: Tokens = {
    inputTokens: Math.max(0, inputTokens.noCache ?? rest),
    outputTokens: outputTokens.total ?? 0,
    cacheReadTokens,
    cacheWriteTokens,
  }
  const reported = target.provider.kind === 'openrouter' ? used.raw?.cost : undefined
  return typeof reported === 'number' ? { ...tokens, costUsd: reported } : priced(tokens, target)
}

/**
 * What a call used that did not come to its end. A provider that had begun to answer bills for it,
 * and what it does not tell is estimated, so that a limit of money still holds.
 */
function partialUsage(request: ModelRequest, target: Target, said: Said): Usage {
  const { hearing, outcome } = said
  if (outcome.finish?.usage.inputTokens.total)
    return usageOf(outcome.finish, request, target, hearing)
  if (hearing.chars === 0 && hearing.calls === 0 && !outcome.early) return NO_USAGE
  const guess = estimated(request, hearing)
  const outputTokens = Math.max(guess.outputTokens, outcome.early?.outputTokens ?? 0)
  return priced({ ...guess, ...outcome.early, outputTokens }, target)
}

function estimated({ messages, system, tools }: ModelRequest, hearing: Hearing): Tokens {
  const fixed = system.length + JSON.stringify(tools).length
  return {
    inputTokens: Math.ceil(fixed / 4) + messages.reduce((sum, m) => sum + estimateTokens(m), 0),
    outputTokens: Math.ceil(hearing.chars / 4),
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
  }
}

const priced = (tokens: Tokens, { entry }: Target): Usage => ({
  ...tokens,
  costUsd: costOf(tokens, entry, Date.now()),
})

interface RawChunk {
  type?: string
  message?: { usage?: Record<string, number | null> }
  usage?: Record<string, number | null>
  modelVersion?: string
  usageMetadata?: Record<string, number>
}

/** Takes from a provider's own chunk what its library keeps back. */
function overhear(raw: unknown, outcome: Outcome): void {
  if (typeof raw !== 'object' || raw === null) return
  const { type, message, usage, modelVersion, usageMetadata: meta } = raw as RawChunk
  if (typeof modelVersion === 'string') outcome.model = modelVersion
  if (type === 'message_delta' && usage?.output_tokens)
    outcome.early = { ...outcome.early, outputTokens: usage.output_tokens }
  if (type === 'message_start' && message?.usage)
    outcome.early = {
      inputTokens: message.usage.input_tokens ?? 0,
      outputTokens: message.usage.output_tokens ?? 0,
      cacheReadTokens: message.usage.cache_read_input_tokens ?? 0,
      cacheWriteTokens: message.usage.cache_creation_input_tokens ?? 0,
    }
  if (meta?.promptTokenCount)
    outcome.early = {
      inputTokens: meta.promptTokenCount - (meta.cachedContentTokenCount ?? 0),
      outputTokens: (meta.candidatesTokenCount ?? 0) + (meta.thoughtsTokenCount ?? 0),
      cacheReadTokens: meta.cachedContentTokenCount ?? 0,
    }
}
