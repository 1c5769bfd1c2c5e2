/** Actions of a workspace: named commands, each in a folder of its own with an `ACTION.yaml`. */

import type { Action } from '../kernel/action.ts'
import type { Json } from '../kernel/part.ts'
import { filesIn, type Reader, textsIn } from './workspace-reader.ts'
import { type Fields, fieldsAt, isFields, numberAt, readYaml, textAt } from './workspace-yaml.ts'

export async function readActions(reader: Reader): Promise<Action[]> {
  const actions: Action[] = []
  for (const { name: dir, path } of await filesIn(reader, 'actions', /(?!)|$/)) {
    const file = `${path}/ACTION.yaml`
    const report = reader.reportOn(file)
    const fields = await readYaml(reader.folder, file, report)
    if (fields === null) continue
    const action = actionIn(dir, path, fields)
    if (action) actions.push(action)
    else report('needs entry.command')
  }
  return actions
}

function actionIn(dir: string, path: string, fields: Fields): Action | null {
  const entry = fieldsAt(fields, 'entry')
  const command = textAt(entry, 'command')
  if (command === undefined) return null
  const expose = fieldsAt(fields, 'expose')
  const retry = fieldsAt(fields, 'recovery').retry_policy
  const seconds = numberAt(entry, 'timeout_seconds')
  return {
    name: textAt(fields, 'name') ?? dir,
    about: textAt(fields, 'description') ?? '',
    exposeToLlm: expose.to_llm !== false,
    callableByUser: expose.callable_by_user !== false,
    callableByApi: expose.callable_by_api !== false,
    retryPolicy: retry === 'safe' || retry === 'manual' ? retry : null,
    inputSchema: isFields(fields.input_schema) ? (fields.input_schema as Json) : null,
    command,
    environment: textsIn(fieldsAt(entry, 'environment')),
    cwd: textAt(entry, 'cwd') ?? path,
    timeoutMs: seconds === undefined ? null : Math.ceil(seconds * 1000),
  }
}
