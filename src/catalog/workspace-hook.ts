/**
 * Hooks of a workspace, from `hooks/*.yaml`. Commands and services are performed, at the moments that
 * there are here; the others are listed and reported, because a hook that does nothing must not look
 * as if it guarded something.
 */

import {
  type CommandHook,
  HOOK_MOMENTS,
  type Hook,
  type HookMoment,
  type HttpHook,
} from '../kernel/hook.ts'
import { toolsMatching } from './hook-matcher.ts'
import { filesIn, NAME, type Reader, textsIn } from './workspace-reader.ts'
import { type Fields, fieldsAt, numberAt, readYaml, textAt, wordsAt } from './workspace-yaml.ts'

export interface ShownHook {
  name: string
  matcher?: string
  handlerType?: string
  events: string[]
}

export interface WorkspaceHooks {
  shown: ShownHook[]
  hooks: Hook[]
}

/** The forms in which such a hook is spoken with: the second lets it change inputs of tools. */
export const HOOK_FORM = 'openharness'
export const REWRITING_HOOK_FORM = 'openharness.rewrite'

/** The context is built for the model call that follows, so a word about it is said before that. */
const MOMENTS: Record<string, HookMoment> = {
  before_tool_dispatch: 'tool.before',
  after_tool_dispatch: 'tool.after',
  before_context_build: 'model.before',
  after_context_build: 'model.before',
  before_model_call: 'model.before',
  after_model_call: 'model.after',
  before_context_compact: 'compaction.before',
  after_context_compact: 'compaction.after',
  run_completed: 'run.completed',
  run_failed: 'run.failed',
}

const DEFAULT_TIMEOUT_MS = 30_000
const MAX_TIMEOUT_MS = 600_000

export async function readHooks(reader: Reader): Promise<WorkspaceHooks> {
  const found: WorkspaceHooks = { shown: [], hooks: [] }
  for (const { name: file, path } of await filesIn(reader, 'hooks', /\.ya?ml$/i)) {
    const report = reader.reportOn(path)
    const fields = await readYaml(reader.folder, path, report)
    if (fields === null) continue
    const shown = shownHook(file, fields)
    found.shown.push(shown)
    const hook = hookIn(shown, fields, report)
    if (hook === null) continue
    if (found.hooks.some((h) => h.name === hook.name))
      report(`another hook is called ${hook.name} already; this one is left out`)
    else found.hooks.push(hook)
  }
  return found
}

function shownHook(file: string, fields: Fields): ShownHook {
  const matcher = textAt(fields, 'matcher')
  const handlerType = textAt(fieldsAt(fields, 'handler'), 'type')
  return {
    name: textAt(fields, 'name') ?? file,
    ...(matcher === undefined ? {} : { matcher }),
    ...(handlerType === undefined ? {} : { handlerType }),
    events: wordsAt(fields, 'events') ?? [],
  }
}

function hookIn(
  { name, matcher, handlerType, events }: ShownHook,
  fields: Fields,
  report: (problem: string) => void,
): Hook | null {
  const settings = fieldsAt(fields, 'handler')
  const handler = handlerIn(handlerType, settings)
  if (handler === null || !NAME.test(name)) {
    report('is not performed: here a hook has a plain name and a handler of type command or http')
    return null
  }
  const known = events.filter((event) => MOMENTS[event])
  if (known.length < events.length)
    report(`is not performed at ${events.filter((e) => !MOMENTS[e]).join(', ')}`)
  const tools = matcher === undefined ? [] : toolsMatching(matcher)
  if (tools === null) {
    report('is not performed: its matcher is no regular expression')
    return null
  }
  const moments = known
    .map((event) => MOMENTS[event] as HookMoment)
    .filter((moment) => !moment.startsWith('tool.') || matcher === undefined || tools.length > 0)
  if (moments.length === 0) return null
  const seconds = numberAt(settings, 'timeout_seconds')
  const timeoutMs = seconds === undefined ? DEFAULT_TIMEOUT_MS : Math.ceil(seconds * 1000)
  const mayRewrite = wordsAt(fields, 'capabilities')?.includes('rewrite_tool_request') ?? false
  return {
    ...handler,
    ...{ name, tools },
    moments: HOOK_MOMENTS.filter((moment) => moments.includes(moment)),
    timeoutMs: Math.min(Math.max(1, timeoutMs), MAX_TIMEOUT_MS),
    form: mayRewrite ? REWRITING_HOOK_FORM : HOOK_FORM,
  }
}

type Handler = Pick<CommandHook, 'command' | 'env' | 'cwd'> | Pick<HttpHook, 'url' | 'headers'>

/** Null when it is none that is performed here. */
function handlerIn(type: string | undefined, settings: Fields): Handler | null {
  const command = textAt(settings, 'command')
  if (type === 'command' && command !== undefined) {
    const env = textsIn(fieldsAt(settings, 'environment'))
    return { command, env, cwd: textAt(settings, 'cwd') ?? null }
  }
  const url = textAt(settings, 'url')
  const isPosted = (textAt(settings, 'method') ?? 'POST').toUpperCase() === 'POST'
  if (type !== 'http' || url === undefined || !/^https?:\/\//i.test(url) || !isPosted) return null
  return { url, headers: textsIn(fieldsAt(settings, 'headers')) }
}
