/** How the native API is spoken to, for a terminal. */

import type { EventType } from '../../kernel/event.ts'
import { curlAuth, type Guide, nodeClient, nodeProgram } from '../../wire/guide.ts'

const WORDS: EventType = 'text.delta'

export const nativeGuide: Guide = {
  credential: 'remote',
  snippets: (needsToken) => [
    {
      title: 'Begin a run with curl',
      code: `curl -X POST "$BASE/manifold/v1/runs"${curlAuth(needsToken)} \\
  -H "Content-Type: application/json" \\
  -d '{"input":"hello"}'`,
    },
    {
      title: 'Begin a run and read its events with Node',
      code: nodeProgram(`${nodeClient(needsToken)}
const { run } = await post('/manifold/v1/runs', { input: 'hello' })
for await (const event of frames(\`/manifold/v1/runs/\${run}/stream\`))
  if (event.type === '${WORDS}') stdout.write(event.data.text)
console.log()`),
    },
  ],
}
