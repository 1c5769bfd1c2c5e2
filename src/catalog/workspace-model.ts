/** Models that a workspace brings along: `<name>: {provider, name, url?, key?}` in `models/*.yaml`. */

import type { Endpoint } from '../kernel/ports.ts'
import { filesIn, NAME, type Reader } from './workspace-reader.ts'
import { type Fields, fieldsAt, isFields, numberAt, readYaml, textAt } from './workspace-yaml.ts'

export interface WorkspaceModel {
  /** As `workspace/<name>` names it. */
  name: string
  provider: string
  modelName: string
  url?: string
  /** As the server names it: `provider:model`. */
  inside: string
}

export interface WorkspaceModels {
  models: WorkspaceModel[]
  /** Where those are called that are not the server's own. */
  endpoints: Endpoint[]
}

/** Any number of models in any number of files. */
export async function readModels(reader: Reader, id: string): Promise<WorkspaceModels> {
  const found: WorkspaceModels = { models: [], endpoints: [] }
  for (const { path } of await filesIn(reader, 'models', /\.ya?ml$/i)) {
    const report = reader.reportOn(path)
    const fields = await readYaml(reader.folder, path, report)
    for (const [name, entry] of Object.entries(fields ?? {})) {
      const model = isFields(entry) ? modelIn(name, entry, id) : null
      if (model === null) {
        report(
          `${name} needs a provider (openai, openai-compatible), a name and, if it is no model of OpenAI's own, a url`,
        )
        continue
      }
      found.models.push(model.model)
      if (model.endpoint) found.endpoints.push(model.endpoint)
    }
  }
  return found
}

function modelIn(
  name: string,
  entry: Fields,
  id: string,
): { model: WorkspaceModel; endpoint: Endpoint | null } | null {
  const provider = textAt(entry, 'provider')
  const modelName = textAt(entry, 'name', 'model', 'model_name')
  const url = textAt(entry, 'url', 'base_url')
  if (modelName === undefined || !NAME.test(name)) return null
  const isCompatible = provider === 'openai-compatible' && /^https?:\/\//i.test(url ?? '')
  if (provider !== 'openai' && !isCompatible) return null
  const shown = { name, provider, modelName, ...(url === undefined ? {} : { url }) }
  const key = textAt(entry, 'key', 'api_key')
  if (url === undefined && key === undefined)
    return { model: { ...shown, inside: `openai:${modelName}` }, endpoint: null }
  const place = `${id}.${name}`.toLowerCase()
  const contextWindow = numberAt(fieldsAt(entry, 'metadata'), 'contextWindowTokens') ?? null
  const endpoint: Endpoint = {
    name: place,
    kind: 'openai',
    baseUrl: url ?? null,
    // Never the server's own key: whoever may write here could have it sent anywhere.
    apiKey: key ?? 'none',
    models: { '*': { contextWindow, maxOutputTokens: null } },
  }
  return { model: { ...shown, inside: `${place}:${modelName}` }, endpoint }
}
