/** How Arkloop's API is spoken to, for a terminal. A bearer is wanted always; the server's token is one. */

import { curlAuth, type Guide, nodeClient, nodeProgram } from '../../wire/guide.ts'

export const arkloopGuide: Guide = {
  credential: 'always',
  snippets: () => [
    {
      title: 'List the threads with curl',
      code: `curl "$BASE/v1/threads"${curlAuth(true)}`,
    },
    {
      title: 'Begin a run and read its events with Node',
      code: nodeProgram(`${nodeClient(true)}
const thread = await post('/v1/threads', {})
await post(\`/v1/threads/\${thread.id}/messages\`, { content: 'hello' })
const { run_id } = await post(\`/v1/threads/\${thread.id}/runs\`, {})
const ends = ['run.completed', 'run.failed', 'run.cancelled', 'run.interrupted']
for await (const { type, data } of frames(\`/v1/runs/\${run_id}/events\`)) {
  if (type === 'message.delta' && data.channel !== 'thinking')
    stdout.write(data.content_delta)
  if (ends.includes(type)) break
}
console.log()`),
    },
  ],
}
