/** What a new capability may begin with. */

import type { CapKind, CapTemplate } from '../kernel/caps.ts'

const template = (
  kind: CapKind,
  name: string,
  about: string | null,
  content: string,
): CapTemplate => ({
  ...{ kind, name, about, content },
  title: name.charAt(0).toUpperCase() + name.slice(1),
  file: `${kind}.${name}.md`,
})

/** Of each kind, the default first. */
export const CAP_TEMPLATES: readonly CapTemplate[] = [
  template(
    'prompt',
    'default',
    'Write `/name` and what it is about to use this prompt.',
    `---
description: Write \`/name\` and what it is about to use this prompt.
---

{{input}}

Answer in three sentences, the result first.
`,
  ),
  template(
    'psyche',
    'default',
    'How the agent thinks and speaks.',
    `---
description: How the agent thinks and speaks.
---

You are calm and exact. You say what you are sure of, what you are not sure of, and what you did not
look at. You ask when a question can only be answered by the person.
`,
  ),
  template(
    'service',
    'default',
    'Use this service when the agent needs this remote MCP server.',
    `---
description: Use this service when the agent needs this remote MCP server.
transport: http
target: https://example.com/mcp
---

Say here when its tools are to be used, and what to watch out for.
`,
  ),
  template(
    'service',
    'stdio',
    'Use this service when the agent should start this MCP server itself.',
    `---
description: Use this service when the agent should start this MCP server itself.
transport: stdio
target: npx -y some-mcp-server
env: SOME_API_KEY
---

Say here when its tools are to be used, and what to watch out for.
`,
  ),
  template(
    'skill',
    'default',
    'Say here when this skill is to be used.',
    `---
description: Say here when this skill is to be used.
---

# Steps

1. Say what is done first.
2. Say how the result is checked.
`,
  ),
]
