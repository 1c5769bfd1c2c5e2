/** Models as OAH names them: `platform/<name>`, or just the name as the server has it. */

import type { Engine, ModelCard } from '../../kernel/ports.ts'
import type { WorkspaceModel } from './context.ts'
import { refusal } from './faults.ts'

/** The model that is meant, as `provider:model`. Fault when nobody knows it. */
export async function modelOf(
  engine: Engine,
  ref: string,
  own: readonly WorkspaceModel[] = [],
): Promise<string> {
  if (ref.startsWith('workspace/')) return workspaceModel(ref, own)
  const name = ref.startsWith('platform/') ? ref.slice('platform/'.length) : ref
  const known = (await engine.models.list()).find((m) => m.id === name || m.aliases.includes(name))
  const model = known?.id ?? name
  const fault = model.includes(':') ? await engine.models.check(model) : null
  if (model.includes(':') && fault?.code !== 'unknown_model') return model
  throw refusal(
    'not_found',
    'model_not_found',
    ref.startsWith('platform/')
      ? `Platform model ${name} was not found.`
      : `Model ${name} was not found.`,
  )
}

/** Inside their places are lower case, so a ref that was made of one is found as well. */
function workspaceModel(ref: string, own: readonly WorkspaceModel[]): string {
  const name = ref.slice('workspace/'.length)
  const found =
    own.find((m) => m.name === name) ?? own.find((m) => m.name.toLowerCase() === name.toLowerCase())
  if (found) return found.inside
  throw refusal('not_found', 'model_not_found', `Workspace model ${name} was not found.`)
}

/** The inverse: how OAH names a model in a workspace. */
export function refOf(model: string, workspace: string): string {
  const place = `${workspace}.`
  if (!model.startsWith(place)) return `platform/${model}`
  return `workspace/${model.slice(place.length, model.indexOf(':'))}`
}

export interface PlatformModel {
  id: string
  provider: string
  modelName: string
  hasKey: boolean
  contextWindowTokens?: number
  metadata?: Record<string, unknown>
  isDefault: boolean
}

export async function platformModels(engine: Engine): Promise<PlatformModel[]> {
  const preferred = await engine.models.preferred()
  const cards = (await engine.models.list()).filter((c) => c.isUsable || c.id === preferred)
  const known = cards.some((c) => c.id === preferred)
  const items = cards.map((card) => shown(card, preferred))
  return known ? items : [unlisted(preferred), ...items]
}

function shown(card: ModelCard, preferred: string): PlatformModel {
  const window = card.contextWindow
  return {
    id: card.id,
    provider: card.provider,
    modelName: card.id.slice(card.id.indexOf(':') + 1),
    hasKey: card.isUsable,
    ...(window === null ? {} : { contextWindowTokens: window }),
    metadata: { name: card.name, tier: card.tier, capabilities: card.capabilities },
    isDefault: card.id === preferred,
  }
}

const unlisted = (id: string): PlatformModel => ({
  id,
  provider: id.split(':')[0] ?? '',
  modelName: id.slice(id.indexOf(':') + 1),
  hasKey: true,
  isDefault: true,
})
