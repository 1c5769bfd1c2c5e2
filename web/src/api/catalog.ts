/** The agents, models and dialects there are, for whoever lets a person choose. */

import { api } from './client.ts'
import { type Resource, useResource } from './resource.ts'
import type { AgentList, ModelList } from './types.ts'

export const useAgents = (): Resource<AgentList> =>
  useResource('agents', (signal) => api.get<AgentList>('/agents', {}, { signal }))

export const useModels = (): Resource<ModelList> =>
  useResource('models', (signal) => api.get<ModelList>('/models', {}, { signal }))

export const useDialects = (): string[] => {
  const { data } = useResource('dialects', (signal) =>
    api.get<{ items: { dialect: string }[] }>('/connect', {}, { signal }),
  )
  return data?.items.map(({ dialect }) => dialect) ?? []
}
