/** What tests add to a world: a tool that hands a run over, and agents with hooks. */

import type { CommandHook, Hook } from '../../src/kernel/hook.ts'
import type { Catalog, Tool, Toolbox } from '../../src/kernel/ports.ts'

/** The tools, and one more that hands the run over. */
export const withSwitch = (toolbox: Toolbox): Toolbox => ({
  ...toolbox,
  open: async (agent) => {
    const { tools, problems } = await toolbox.open(agent)
    return { tools: [...tools, handOver], problems }
  },
})

const handOver: Tool = {
  name: 'hand_over',
  about: 'Hand over.',
  input: { type: 'object' },
  kind: 'plain',
  access: 'none',
  readOnly: false,
  replayable: true,
  subject: () => '',
  grant: () => null,
  async *run(input) {
    yield { kind: 'done', output: 'over to you', switchTo: (input as { to: string }).to }
  },
}

export const hook = (
  name: string,
  command: string,
  more: Partial<CommandHook> = {},
): CommandHook => ({
  ...{ name, command, tools: [], env: {}, cwd: null, timeoutMs: 5_000, form: null },
  moments: ['tool.before'],
  ...more,
})

export const hooked =
  (hooks: Hook[]) =>
  async (catalog: Catalog): Promise<Catalog> => ({
    agents: () => catalog.agents(),
    agent: (name) => {
      const agent = catalog.agent(name)
      return agent && { ...agent, hooks }
    },
    problems: () => catalog.problems(),
    onChange: (listener) => catalog.onChange(listener),
    write: (name, files) => catalog.write(name, files),
    remove: (name) => catalog.remove(name),
    close: () => catalog.close(),
  })
