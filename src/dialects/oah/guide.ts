/** How Open Agent Harness is spoken to, for a terminal. */

import { curlAuth, type Guide, nodeClient, nodeProgram } from '../../wire/guide.ts'

export const oahGuide: Guide = {
  credential: 'remote',
  snippets: (needsToken) => [
    {
      title: 'List the workspaces with curl',
      code: `curl "$BASE/api/v1/workspaces"${curlAuth(needsToken)}`,
    },
    {
      title: 'Make a workspace and a session, and read an answer with Node',
      code: nodeProgram(`${nodeClient(needsToken)}
const workspace = await post('/api/v1/workspaces', { name: 'First', runtime: 'workspace' })
const session = await post(\`/api/v1/workspaces/\${workspace.id}/sessions\`, {})
const events = frames(\`/api/v1/sessions/\${session.id}/events\`)
await post(\`/api/v1/sessions/\${session.id}/messages\`, { content: 'hello' })
for await (const frame of events) {
  if (frame.delta) stdout.write(frame.delta)
  if (frame.status === 'completed' || frame.status === 'failed') break
}
console.log()`),
    },
  ],
}
