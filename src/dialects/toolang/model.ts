/** Models as Toolang names them: a selector is what a chat may ask for. */

import type { ModelCard, Models } from '../../kernel/ports.ts'
import { detail } from './faults.ts'

export const modelItem = ({ id, name, provider, capabilities }: ModelCard) => ({
  selector: id,
  name,
  ref: id.replace(':', '/'),
  provider,
  model: id.slice(id.indexOf(':') + 1),
  adapter: 'chat_completions',
  tools: capabilities.length === 0 || capabilities.includes('tools'),
  streaming: true,
})

export async function modelList(models: Models) {
  const preferred = await models.preferred()
  const usable = (await models.list()).filter((m) => m.isUsable)
  const own = usable.find((m) => m.id === preferred) ?? models.card(preferred)
  const first = own ? [modelItem(own)] : [unlisted(preferred)]
  return {
    default: preferred,
    items: [...first, ...usable.filter((m) => m.id !== preferred).map(modelItem)],
  }
}

/** A model that no table describes can be called all the same. */
function unlisted(id: string) {
  const model = id.slice(id.indexOf(':') + 1)
  const provider = id.slice(0, id.indexOf(':'))
  return {
    ...{ selector: id, name: model, ref: `${provider}/${model}`, provider, model },
    ...{ adapter: 'chat_completions', tools: true, streaming: true },
  }
}

/**
 * The model that a selector names: `provider:model`, an alias, a bare name, or the real system's
 * `provider/model[provider]`. Refused at once when it cannot be called.
 */
export async function resolveModel(models: Models, selector: string): Promise<string> {
  const bare = selector.replace(/\[[^\]]*\]$/, '').trim()
  const id = bare.includes(':') ? bare : await search(models, bare, selector)
  const fault = await models.check(id)
  if (fault) throw detail(fault.code, fault.message, 422)
  return id
}

async function search(models: Models, bare: string, selector: string): Promise<string> {
  const cards = await models.list()
  const wanted = bare.replace('/', ':')
  const found = cards.filter(
    (c) => c.id === wanted || c.aliases.includes(bare) || c.id.endsWith(`:${bare}`),
  )
  const [only, other] = found.filter((c) => c.isUsable).concat(found.filter((c) => !c.isUsable))
  if (!only) {
    if (bare.includes('/')) return wanted
    throw detail('unknown_model', `model not found: ${selector}`)
  }
  if (other?.isUsable && only.id !== wanted && !only.aliases.includes(bare))
    throw detail('unknown_model', `model is ambiguous: ${selector} (${only.id}, ${other.id})`)
  return only.id
}
