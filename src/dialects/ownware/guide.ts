/** How Ownware's run API is spoken to, for a terminal. */

import { curlAuth, type Guide, nodeClient, nodeProgram } from '../../wire/guide.ts'

export const ownwareGuide: Guide = {
  credential: 'remote',
  snippets: (needsToken) => [
    {
      title: 'Begin a run with curl',
      code: `curl -X POST "$BASE/api/v1/run"${curlAuth(needsToken)} \\
  -H "Content-Type: application/json" \\
  -d '{"profileId":"assistant","prompt":"hello"}'`,
    },
    {
      title: 'Begin a run and read its events with Node',
      code: nodeProgram(`${nodeClient(needsToken)}
const { threadId } = await post('/api/v1/run', { profileId: 'assistant', prompt: 'hello' })
for await (const frame of frames(\`/api/v1/threads/\${threadId}/agents/root/events?since=0\`)) {
  if (frame.type === 'text.complete') console.log(frame.text)
  if (frame.type === 'session.end') break
}`),
    },
  ],
}
