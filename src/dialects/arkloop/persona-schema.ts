/** What requests about personas look like. */

import { z } from '../../wire/schema.ts'
import { custom, reasoning } from './schema.ts'

export const ScopeQuery = z.looseObject({ scope: z.enum(['user', 'platform']).optional() })

const texts = z.array(z.string())

const positive = z.number().int().min(0).nullish()

const Budgets = z.looseObject({
  reasoning_iterations: positive,
  max_output_tokens: positive,
  max_cost_micros: positive,
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
})
export type Budgets = z.infer<typeof Budgets>

const personaFields = {
  display_name: z.string().min(1).max(200),
  description: z.string().max(4000).nullish(),
  prompt_md: z.string().min(1),
  model: z.string().max(300).nullish(),
  tool_allowlist: texts.nullish(),
  tool_denylist: texts.nullish(),
  budgets: Budgets.nullish(),
  user_selectable: z.boolean().nullish(),
  selector_name: z.string().nullish(),
  selector_order: z.number().int().nullish(),
  reasoning_mode: reasoning,
  preferred_credential: z.string().nullish(),
  is_active: z.boolean().nullish(),
}

const version = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/)

export const PersonaBody = z
  .looseObject({
    ...personaFields,
    // Of a copy they are those of what is copied.
    display_name: personaFields.display_name.nullish(),
    prompt_md: personaFields.prompt_md.nullish(),
    copy_from_repo_persona_key: z.string().min(1).nullish(),
    persona_key: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/),
    version,
    scope: z.enum(['user', 'platform']).nullish(),
  })
  .refine(
    (body) => body.copy_from_repo_persona_key || (body.display_name && body.prompt_md),
    custom('display_name and prompt_md are required'),
  )
export type PersonaBody = z.infer<typeof PersonaBody>

export const PersonaPatch = z.looseObject({
  ...z.object(personaFields).partial().shape,
  version: version.nullish(),
})
export type PersonaPatch = z.infer<typeof PersonaPatch>
