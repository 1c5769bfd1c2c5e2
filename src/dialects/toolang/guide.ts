/** How Toolang's agent API is spoken to, for a terminal. */

import { curlAuth, type Guide, nodeClient, nodeProgram } from '../../wire/guide.ts'

export const toolangGuide: Guide = {
  credential: 'remote',
  snippets: (needsToken) => [
    {
      title: 'Ask and wait for the answer with curl',
      code: `curl -X POST "$BASE/api/v1/chat"${curlAuth(needsToken)} \\
  -H "Content-Type: application/json" \\
  -d '{"message":{"role":"user","parts":[{"type":"text","text":"hello"}]}}'`,
    },
    {
      title: 'Stream a chat with Node',
      code: nodeProgram(`${nodeClient(needsToken)}
const message = { role: 'user', parts: [{ type: 'text', text: 'hello' }] }
const init = { method: 'POST', body: JSON.stringify({ message }) }
for await (const frame of frames('/api/v1/chat/stream', init))
  if (frame.type === 'text-delta') stdout.write(frame.delta)
console.log()`),
    },
  ],
}
