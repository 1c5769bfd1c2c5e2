/** What requests about providers and their models look like. */

import { z } from '../../wire/schema.ts'
import { trimmed } from './schema.ts'

const providerFields = {
  name: trimmed.pipe(z.string().min(1).max(200)),
  provider: z.enum(['openai', 'anthropic', 'gemini']),
  base_url: z.string().nullish(),
  openai_api_mode: z.enum(['auto', 'responses', 'chat_completions']).nullish(),
  advanced_json: z.record(z.string(), z.unknown()).nullish(),
}

export const ProviderBody = z.looseObject({
  ...providerFields,
  api_key: z.string(),
  scope: z.enum(['user', 'platform']).nullish(),
})
export type ProviderBody = z.infer<typeof ProviderBody>

export const ProviderPatch = z.looseObject({
  ...z.object(providerFields).partial().shape,
  api_key: z.string().min(1).nullish(),
})
export type ProviderPatch = z.infer<typeof ProviderPatch>

const modelFields = {
  priority: z.number().int().nullish(),
  is_default: z.boolean().nullish(),
  show_in_picker: z.boolean().nullish(),
  tags: z.array(z.string()).nullish(),
  when: z.record(z.string(), z.unknown()).nullish(),
  advanced_json: z.record(z.string(), z.unknown()).nullish(),
  multiplier: z.number().nonnegative().nullish(),
  cost_per_1k_input: z.number().nonnegative().nullish(),
  cost_per_1k_output: z.number().nonnegative().nullish(),
  cost_per_1k_cache_write: z.number().nonnegative().nullish(),
  cost_per_1k_cache_read: z.number().nonnegative().nullish(),
}

export const ModelBody = z.looseObject({
  ...modelFields,
  model: trimmed.pipe(z.string().min(1).max(200)),
})
export type ModelBody = z.infer<typeof ModelBody>

export const ModelPatch = z.looseObject({
  ...modelFields,
  model: trimmed.pipe(z.string().min(1).max(200)).nullish(),
})
export type ModelPatch = z.infer<typeof ModelPatch>
