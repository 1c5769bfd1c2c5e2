/** What a workspace declares on disk, read and watched, and used by its sessions. */

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isEnd, type Json, type OahServer, script, startOah } from './oah-server.ts'

let server: OahServer
let folder: string
let id: string

const FILES: Record<string, string> = {
  'AGENTS.md': '# Rules of the house\n',
  '.openharness/settings.yaml':
    'default_agent: build\nmodels:\n  quick:\n    ref: platform/scripted:quick\n    temperature: 0.2\n',
  '.openharness/agents/build.md':
    '---\nmode: primary\ndescription: builder\nmodel: quick\ntools:\n  native: [Read, Bash]\nswitch: [plan]\nsubagents: [helper]\n---\n# Build\nYou build things.\n',
  '.openharness/agents/plan.md': '---\ndescription: planner\n---\nYou plan things.\n',
  '.openharness/agents/helper.md': '---\nmode: subagent\ndescription: helper\n---\nYou help.\n',
  '.openharness/agents/broken.md': '---\nmode: [\n---\nx\n',
  '.openharness/models/own.yaml':
    'mine:\n  provider: openai-compatible\n  name: m-1\n  url: http://127.0.0.1:9/v1\n  key: k\n',
  '.openharness/skills/greeter/SKILL.md':
    '---\nname: greeter\ndescription: Greets.\n---\nSay hi.\n',
  '.openharness/actions/echo/ACTION.yaml':
    'name: echo.it\ndescription: Echo\nexpose: {callable_by_api: false}\nrecovery: {retry_policy: safe}\ninput_schema: {type: object, required: [text]}\nentry: {command: "cat; env | grep OPENHARNESS_ACTION_NAME"}\n',
  '.openharness/tools/settings.yaml':
    'docs:\n  url: http://127.0.0.1:9/mcp\n  expose: {tool_prefix: mcp.docs}\nlocal:\n  command: node x.js\noff:\n  url: http://127.0.0.1:9/x\n  enabled: false\n',
  '.openharness/hooks/h.yaml': 'name: h\nevents: [run_completed]\nhandler: {type: command}\n',
}

const put = (root: string, path: string, text: string): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'manifold-oah-cat-'))
  for (const [path, text] of Object.entries(FILES)) put(join(folder, 'runtimes/mini'), path, text)
  server = await startOah({ world: { folder } })
  id = await server.newWorkspace({ runtime: 'mini' })
})

afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

const catalog = async (): Promise<Json> =>
  (await server.ask('GET', `/api/v1/workspaces/${id}/catalog`)).body

/** The instructions that the run's first model call had. */
async function instructions(run: unknown): Promise<string> {
  const { body } = await server.ask<{ items: Json[] }>('GET', `/api/v1/runs/${run}/steps`)
  const step = body.items.find((s) => s.stepType === 'model_call') as Json
  const { messages } = (step.input as { request: { messages: Json[] } }).request
  return messages[0]?.content as string
}

describe('the catalog', () => {
  it('lists what the files declare, and what the server adds', async () => {
    const { agents, models, ...rest } = (await catalog()) as { agents: Json[]; models: Json[] }
    expect(agents).toEqual([
      expect.objectContaining({ name: 'assistant', source: 'platform', mode: 'primary' }),
      { name: 'build', mode: 'primary', source: 'workspace', description: 'builder' },
      { name: 'helper', mode: 'subagent', source: 'workspace', description: 'helper' },
      { name: 'plan', mode: 'primary', source: 'workspace', description: 'planner' },
    ])
    expect(models.at(-1)).toEqual({
      ref: 'workspace/mine',
      name: 'mine',
      source: 'workspace',
      provider: 'openai-compatible',
      modelName: 'm-1',
      url: 'http://127.0.0.1:9/v1',
    })
    expect(rest).toMatchObject({
      workspaceId: id,
      actions: [
        {
          name: 'echo.it',
          description: 'Echo',
          exposeToLlm: true,
          callableByUser: true,
          callableByApi: false,
          retryPolicy: 'safe',
          inputSchema: { type: 'object', required: ['text'] },
        },
      ],
      skills: [{ name: 'greeter', description: 'Greets.', exposeToLlm: true }],
      tools: [
        { name: 'docs', transportType: 'http', toolPrefix: 'mcp.docs' },
        { name: 'local', transportType: 'stdio' },
      ],
      hooks: [{ name: 'h', handlerType: 'command', events: ['run_completed'] }],
    })
    const problems = server.world.engine.catalog.problems().map((p) => p.problem)
    expect(problems.some((p) => p.includes('front matter is not valid YAML'))).toBe(true)
  })

  it('adds the tool servers of a request to those of the template', async () => {
    const own = await server.newWorkspace({
      runtime: 'mini',
      toolServers: { extra: { url: 'http://127.0.0.1:9/e' } },
    })
    const { body } = await server.ask('GET', `/api/v1/workspaces/${own}/catalog`)
    expect((body.tools as Json[]).map((t) => t.name)).toEqual(['docs', 'local', 'extra'])
  })
})

describe('actions', () => {
  it('are run by agents, with a checked input, behind the walls', async () => {
    const session = await server.newSession(id)
    const call = (input: Json) => ({ call: 'run_action', input: { name: 'echo.it', input } })
    const { runId } = await server.say(
      session,
      script([call({ text: 'hey' })], [call({ wrong: 1 })], [{ say: 'Done.' }]),
    )
    const { isolated } = await server.world.engine.sandbox.runner.describe()
    if (!isolated) {
      await server.stream(session, (f) => f.event === 'engine.log')
      return
    }
    const told = await server.stream(session, isEnd(runId))
    const completed = told.find((f) => f.event === 'tool.completed')?.data
    expect(completed).toMatchObject({
      toolName: 'run_action',
      sourceType: 'action',
      output: '{"text":"hey"}OPENHARNESS_ACTION_NAME=echo.it',
    })
    const failed = told.find((f) => f.event === 'tool.failed')?.data
    expect(failed?.errorMessage).toContain("must have required property 'text'")
  })
})

describe('agents', () => {
  it('lead sessions with their own words, model and tools', async () => {
    const session = await server.newSession(id)
    const { body } = await server.ask('GET', `/api/v1/sessions/${session}`)
    expect(body).toMatchObject({ activeAgentName: 'build' })
    const { runId } = await server.say(session, 'hello')
    expect(await server.ended(runId as string)).toMatchObject({
      agentName: 'build',
      status: 'completed',
    })
    const text = await instructions(runId)
    expect(text).toContain('You build things.')
    expect(text).toContain('# Rules of the house')
    expect(text).toContain('greeter: Greets.')
    const told = await server.stream(session, isEnd(runId))
    const delta = told.find((f) => f.event === 'message.delta')
    expect(delta?.data.metadata).toMatchObject({ agentName: 'build', effectiveAgentName: 'build' })
    const thread = await server.world.engine.thread(
      session.replace(/^ses_(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
    )
    expect(thread.agent).toBe(`${id}.build`)
    expect(thread.last?.model).toBe('scripted:quick')
  })

  it('are switched for the runs that follow', async () => {
    const session = await server.newSession(id)
    const path = `/api/v1/sessions/${session}`
    const refused = await server.ask('PATCH', path, { activeAgentName: 'helper' })
    expect([refused.status, (refused.body.error as Json).code]).toEqual([
      409,
      'invalid_session_agent_target',
    ])
    await server.ask('PATCH', path, { activeAgentName: 'plan' })
    const { runId } = await server.say(session, 'hello')
    await server.ended(runId as string)
    expect(await instructions(runId)).toContain('You plan things.')
  })

  it('give tasks to subagents of the workspace, whose sessions are there too', async () => {
    const session = await server.newSession(id)
    const task = { agent: `${id}.helper`, name: 'look', prompt: 'look around' }
    const { runId } = await server.say(
      session,
      script([{ call: 'task', input: task }], [{ say: 'Done.' }]),
    )
    const told = await server.stream(session, isEnd(runId))
    const begun = told.find((f) => f.event === 'agent.delegate.started')?.data as Json
    expect(begun).toMatchObject({ agentName: 'build', targetAgent: 'helper' })
    expect(told.some((f) => f.event === 'agent.delegate.completed')).toBe(true)
    const child = await server.ask('GET', `/api/v1/sessions/${begun.childSessionId}`)
    expect(child.body).toMatchObject({
      workspaceId: id,
      parentSessionId: session,
      activeAgentName: 'helper',
    })
    const run = (await server.ask('GET', `/api/v1/runs/${runId}`)).body
    expect(run.metadata).toMatchObject({
      delegatedRuns: [{ childRunId: begun.childRunId, targetAgentName: 'helper' }],
    })
  })

  it('are read again when their files change, without anybody asking', async () => {
    const session = await server.newSession(id, { agentName: 'plan' })
    put(
      join(folder, 'workspaces', id),
      '.openharness/agents/plan.md',
      '---\ndescription: planner\n---\nYou plan better now.\n',
    )
    const inside = `${id}.plan`
    while (!server.world.engine.catalog.agent(inside)?.instructions.includes('better'))
      await new Promise((resolve) => setTimeout(resolve, 20))
    const { runId } = await server.say(session, 'hello')
    await server.ended(runId as string)
    expect(await instructions(runId)).toContain('You plan better now.')
  })

  it('are there at once after a restart', async () => {
    const session = await server.newSession(id)
    await server.stop(false)
    server = await startOah({ world: { folder } })
    const { runId } = await server.say(session, 'hello')
    expect(await server.ended(runId as string)).toMatchObject({ status: 'completed' })
  })

  it('cannot be led out of the workspace by what they declare', async () => {
    const root = join(folder, 'workspaces', id)
    writeFileSync(join(folder, 'secret.md'), '---\nname: s\n---\nSECRET')
    symlinkSync(join(folder, 'secret.md'), join(root, '.openharness/agents/leak.md'))
    const before = join(root, '.openharness/skills/greeter/SKILL.md')
    const session = await server.newSession(id)
    rmSync(before)
    symlinkSync(join(folder, 'secret.md'), before)
    const { runId } = await server.say(
      session,
      script([{ call: 'skill', input: { name: 'greeter' } }], [{ say: 'Done.' }]),
    )
    const told = await server.stream(session, isEnd(runId))
    expect(JSON.stringify(told)).not.toContain('SECRET')
    expect(JSON.stringify(await catalog())).not.toContain('leak')
  })
})
