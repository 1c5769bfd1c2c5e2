/** What the model providers are told: keys, addresses, limits of time. Values only; nobody here reads the environment. */

export interface ProviderAccess {
  apiKey: string | null
  /** Null: the provider's own address. */
  baseUrl: string | null
}

/** US dollars per million tokens. */
export interface Price {
  inputUsd: number
  outputUsd: number
  cacheReadUsd?: number | null
  cacheWriteUsd?: number | null
}

export interface ModelSettings {
  providers: Partial<Record<'anthropic' | 'openai' | 'google' | 'openrouter', ProviderAccess>>
  /**
   * How `openai` is spoken to. Default: `responses` at OpenAI itself, whose newer models take no
   * tools over chat completions; `chat` at any other address.
   */
  openaiApi?: 'responses' | 'chat'
  ollamaUrl?: string
  defaultModel?: string | null
  /** Tokens a second of `demo:*`; 0: at once. */
  demoRate?: number
  /** Tokens a second of `scripted:*`; 0: at once. */
  scriptedRate?: number
  /** Context window of `scripted:*`, so that compaction can be tried. */
  scriptedWindow?: number
  /** Folder of the scripts that `scripted:NAME` and `script-file NAME` read. */
  fixtures?: string | null
  /** From the request to the first byte of the answer. */
  firstByteMs?: number
  /** Longest silence within an answer. */
  stallMs?: number
  /** Own prices, by `provider:model`; they win over the table. */
  prices?: Record<string, Price>
}

export const DEFAULT_FIRST_BYTE_MS = 120_000
export const DEFAULT_STALL_MS = 90_000
/** A local server may have to load a model of many gigabytes first. */
export const LOCAL_FIRST_BYTE_MS = 290_000
