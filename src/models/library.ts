/**
 * The types of the provider libraries as this folder uses them, taken from the packages themselves.
 * Types only: the packages are heavy and are loaded when a provider is called for the first time.
 */

import type { OpenAICompatibleProvider } from '@ai-sdk/openai-compatible'

export type LanguageModel = ReturnType<OpenAICompatibleProvider['chatModel']>
export type CallOptions = Parameters<LanguageModel['doStream']>[0]
export type Prompt = CallOptions['prompt']
export type Meta = NonNullable<CallOptions['providerOptions']>
type Streamed = Awaited<ReturnType<LanguageModel['doStream']>>['stream']
export type StreamPart = Streamed extends ReadableStream<infer P> ? P : never
export type Finish = Extract<StreamPart, { type: 'finish' }>
