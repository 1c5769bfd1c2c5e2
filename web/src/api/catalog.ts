/** The agents and models there are, for whoever lets a person choose. */

import { api } from './client.ts'
import { type Resource, useResource } from './resource.ts'
import type { AgentList, ModelList } from './types.ts'

export const useAgents = (): Resource<AgentList> =>
  useResource('agents', (signal) => api.get<AgentList>('/agents', {}, { signal }))

export const useModels = (): Resource<ModelList> =>
  useResource('models', (signal) => api.get<ModelList>('/models', {}, { signal }))
