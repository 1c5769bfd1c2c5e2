/**
 * The words that all agents of a workspace share, from `prompts.yaml` (or `system_prompt` of the
 * settings, where they stood earlier), and the order in which an agent's instructions are said.
 */

import type { Folder } from './folder.ts'
import { type Fields, fieldsAt, isFields, readYaml, textAt, wordsAt } from './workspace-yaml.ts'

/** The parts that are composed here; tools, skills and the place are told by the engine. */
const SECTIONS = ['base', 'llm_optimized', 'agent', 'project_agents_md', 'memory'] as const

type Section = (typeof SECTIONS)[number]

export interface Prompts {
  base: string
  /** By the ref of the model, and by its provider; the first wins. */
  models: Record<string, string>
  providers: Record<string, string>
  order: readonly Section[]
}

export const NO_PROMPTS: Prompts = { base: '', models: {}, providers: {}, order: SECTIONS }

const FILE = '.openharness/prompts.yaml'

export async function readPrompts(
  folder: Folder,
  settings: Fields,
  reportOn: (path: string) => (problem: string) => void,
): Promise<Prompts> {
  const report = reportOn(FILE)
  const own = (await readYaml(folder, FILE, report)) ?? fieldsAt(settings, 'system_prompt')
  const optimized = fieldsAt(own, 'llm_optimized')
  const textsOf = async (fields: Fields): Promise<Record<string, string>> => {
    const texts: Record<string, string> = {}
    for (const [name, source] of Object.entries(fields))
      texts[name] = await wordsOf(folder, source, report)
    return texts
  }
  return {
    base: await wordsOf(folder, own.base, report),
    models: await textsOf(fieldsAt(optimized, 'models')),
    providers: await textsOf(fieldsAt(optimized, 'providers')),
    order: orderOf(fieldsAt(own, 'compose')),
  }
}

/** `{inline}` or `{file}`; a file is a path within the workspace. */
async function wordsOf(
  folder: Folder,
  source: unknown,
  report: (problem: string) => void,
): Promise<string> {
  const fields = isFields(source) ? source : {}
  const file = textAt(fields, 'file')
  if (file === undefined) return (textAt(fields, 'inline') ?? '').trim()
  const text = await folder.text(file)
  if (typeof text === 'string') return text.trim()
  report(text === null ? `there is no file ${file}` : `${file} ${text.problem}`)
  return ''
}

/** What the order does not name is said last, so that nothing is lost by leaving it out. */
function orderOf(compose: Fields): readonly Section[] {
  const named = (wordsAt(compose, 'order') ?? []).filter(isSection)
  const order = [...named, ...SECTIONS.filter((s) => !named.includes(s))]
  return compose.include_project_agents_md === false
    ? order.filter((s) => s !== 'project_agents_md')
    : order
}

const isSection = (word: string): word is Section => (SECTIONS as readonly string[]).includes(word)

export interface Words {
  agent: string
  agentsMd: string
  memory: string
  /** As the agent's file names its model, and as the server does: `provider:model`. */
  modelRef: string | null
  model: string | null
}

/** An agent's instructions, in the workspace's order. */
export function composed({ base, models, providers, order }: Prompts, words: Words): string {
  const said: Record<Section, string> = {
    base,
    llm_optimized: optimizedFor(words, models, providers),
    agent: words.agent,
    project_agents_md: words.agentsMd.trim(),
    memory: words.memory.trim() ? `# Memory of this workspace\n\n${words.memory.trim()}` : '',
  }
  return order
    .map((section) => said[section])
    .filter((text) => text !== '')
    .join('\n\n')
}

function optimizedFor(
  { modelRef, model }: Words,
  models: Record<string, string>,
  providers: Record<string, string>,
): string {
  const named = [modelRef, model && `platform/${model}`].filter((name) => name !== null)
  const exact = named.find((name) => Object.hasOwn(models, name))
  if (exact !== undefined) return models[exact] as string
  const provider = model?.split(':')[0] ?? ''
  return Object.hasOwn(providers, provider) ? (providers[provider] as string) : ''
}
