/** Actions run over the API, agents that hand over, and hooks: as the real server told of them. */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { comparable, goldenExchanges, goldenFrames, grouped, type Said } from './oah-golden.ts'
import { checkCausal } from './oah-model.ts'
import { isEnd, type Json, type OahServer, script, startOah, type Told } from './oah-server.ts'

const schema =
  '{type: object, properties: {text: {type: string}}, required: [text], additionalProperties: false}'

/** A hook that looks at the command, as people write them. */
const GUARD = `
input=$(cat)
printf '%s' "$input" > .openharness/last-hook.json
case "$input" in
  *'rm -rf'*) echo dangerous >&2; exit 2;;
  *STOP*) echo '{"continue": false, "stopReason": "stopped by hook"}';;
  *'echo ok'*) echo '{"hookSpecificOutput": {"patch": {"tool_input": {"command": "echo ok # patched"}}}}';;
  *'echo oops'*) echo oops >&2; exit 7;;
esac
`

const FILES: Record<string, string> = {
  'AGENTS.md': '# Mini\n',
  '.openharness/settings.yaml': 'default_agent: build\n',
  '.openharness/agents/build.md':
    '---\ntools:\n  native: [Bash, Read]\n  actions: []\nswitch: [plan]\n---\n# Build\nYou build things.\n',
  '.openharness/agents/plan.md':
    '---\ntools: {native: [Read]}\nswitch: [build]\n---\n# Plan\nYou plan things.\n',
  '.openharness/agents/brief.md':
    '---\ntools: {native: [Bash]}\npolicy: {tool_timeout_seconds: 0.2}\n---\n# Brief\nYou are quick.\n',
  '.openharness/agents/helper.md': '---\nmode: subagent\n---\nYou help.\n',
  '.openharness/actions/echo/ACTION.yaml': `name: echo.it\nrecovery: {retry_policy: safe}\ninput_schema: ${schema}\nentry: {command: 'printf "got: "; cat; echo; env | grep OPENHARNESS_ | sort'}\n`,
  '.openharness/actions/private/ACTION.yaml':
    'name: private.it\nexpose: {to_llm: false, callable_by_api: false}\nentry: {command: "echo done"}\n',
  '.openharness/actions/fail/ACTION.yaml':
    'name: fail.it\nentry: {command: "echo said; echo broken >&2; exit 4"}\n',
  '.openharness/actions/hang/ACTION.yaml':
    'name: hang.it\nentry: {command: "echo up; touch began; sleep 1000", cwd: .}\n',
}

const HOOKS: Record<string, string> = {
  '.openharness/hooks/guard.sh': GUARD,
  '.openharness/hooks/guard.yaml':
    'name: guard\nevents: [before_tool_dispatch]\nmatcher: "Bash|Nothing"\nhandler: {type: command, command: sh .openharness/hooks/guard.sh}\ncapabilities: [rewrite_tool_request]\n',
  '.openharness/hooks/late.yaml':
    'name: late\nevents: [after_tool_dispatch]\nmatcher: Read\nhandler:\n  type: command\n  command: |\n    echo \'{"hookSpecificOutput": {"additionalContext": "SEEN BY HOOK"}}\'\n',
  '.openharness/hooks/slow.yaml':
    'name: slow-hook\nevents: [run_completed]\nhandler: {type: command, command: sleep 30, timeout_seconds: 1}\n',
  '.openharness/hooks/web.yaml':
    'name: web\nevents: [before_tool_dispatch]\nhandler: {type: http, url: "ftp://127.0.0.1:9"}\n',
}

let server: OahServer
let folder: string
let id: string
let hooked: string
let isIsolated: boolean

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'manifold-oah-actions-'))
  const put = (runtime: string, files: Record<string, string>): void => {
    for (const [path, text] of Object.entries(files)) {
      const file = join(folder, 'runtimes', runtime, path)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
    }
  }
  put('mini', FILES)
  put('hooked', { ...FILES, ...HOOKS })
  server = await startOah({ world: { folder } })
  id = await server.newWorkspace({ runtime: 'mini' })
  hooked = await server.newWorkspace({ runtime: 'hooked' })
  isIsolated = (await server.world.engine.sandbox.runner.describe()).isolated
})

afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

const start = (name: string, body?: unknown) =>
  server.ask('POST', `/api/v1/workspaces/${id}/actions/${name}/runs`, body)

const codeOf = ({ status, body }: { status: number; body: Json }) => [
  status,
  (body.error as Json | undefined)?.code,
]

describe('an action', () => {
  it('is refused in the words of the real one', async () => {
    for (const { method, path, body, status, answer } of goldenExchanges('actions')) {
      if (status < 400) continue
      const own = path.replace(/ws_[0-9a-f]{32}/, id)
      const said = await server.ask(method, own, body ?? undefined)
      const golden = JSON.parse(JSON.stringify(answer).replace(/ws_[0-9a-f]{32}/g, id))
      expect([own, body, said.status, said.body]).toEqual([own, body, status, golden])
    }
    expect(codeOf(await start('echo.it', { input: { text: 'x' }, agentName: 'nobody' }))).toEqual([
      404,
      'agent_not_found',
    ])
    const elsewhere = await server.newSession()
    const mismatch = await start('echo.it', { input: { text: 'x' }, sessionId: elsewhere })
    expect(codeOf(mismatch)).toEqual([409, 'session_workspace_mismatch'])
    expect(codeOf(await start('echo.it', { input: { text: 'x' }, triggerSource: 'nope' }))).toEqual(
      [400, 'invalid_request'],
    )
  })

  it('is a run with steps, messages and output, without a model', async () => {
    if (!isIsolated) return
    const accepted = await start('echo.it', { input: { text: 'hey' } })
    expect(accepted.status).toBe(202)
    const { runId, sessionId } = accepted.body as { runId: string; sessionId: string }
    const told = await server.stream(sessionId, isEnd(runId))
    expect(grouped(told)).toMatchObject(withoutEnd(grouped(goldenFrames('action'))))
    const [posted, run, steps, session, messages] = goldenExchanges('actions')
    const ask = async (path: string) => (await server.ask('GET', path)).body
    const own = await ask(`/api/v1/runs/${runId}`)
    expect(comparable(accepted.body)).toMatchObject(comparable(posted?.answer) as object)
    expect(comparable(own)).toMatchObject(comparable(run?.answer) as object)
    const { metadata } = own as { metadata: Json }
    expect(metadata.stdout).toContain('got: {"text":"hey"}\n')
    expect(metadata.stdout).toContain(`OPENHARNESS_RUN_ID=${runId}\n`)
    expect(comparable(await ask(`/api/v1/runs/${runId}/steps`))).toMatchObject(
      comparable(steps?.answer) as object,
    )
    expect(comparable(await ask(`/api/v1/sessions/${sessionId}`))).toMatchObject(
      comparable(session?.answer) as object,
    )
    expect(comparable(await ask(`/api/v1/sessions/${sessionId}/messages`))).toMatchObject(
      comparable(messages?.answer) as object,
    )
  })

  it('may be for users only, and in a session that is there', async () => {
    if (!isIsolated) return
    const session = await server.newSession(id)
    const { status, body } = await start('private.it', {
      triggerSource: 'user',
      sessionId: session,
    })
    expect([status, body.sessionId]).toEqual([202, session])
    const run = await server.ended(body.runId as string)
    expect(run).toMatchObject({
      status: 'completed',
      triggerType: 'manual_action',
      triggerRef: 'private.it',
      agentName: 'build',
      metadata: {
        actionName: 'private.it',
        input: null,
        exitCode: 0,
        stdout: 'done\n',
        stderr: '',
      },
    })
    const { body: after } = await server.ask('GET', `/api/v1/sessions/${session}`)
    expect(after.activeAgentName).toBe('build')
    const { runId } = await server.say(session, 'and now?')
    expect(await server.ended(runId as string)).toMatchObject({ status: 'completed' })
  })

  it('that fails is a failed run that tells how', async () => {
    if (!isIsolated) return
    const { body } = await start('fail.it', {})
    const run = await server.ended(body.runId as string)
    expect(run).toMatchObject({
      status: 'failed',
      errorCode: 'action_failed',
      metadata: { exitCode: 4, stdout: 'said\n', stderr: 'broken\n' },
    })
    const told = await server.stream(body.sessionId as string, isEnd(body.runId))
    expect(told.find((f) => f.event === 'tool.failed')?.data).toMatchObject({
      toolName: 'fail.it',
      sourceType: 'action',
    })
  })

  it('is ended by a cancel, and waits behind what goes on', async () => {
    if (!isIsolated) return
    const { body } = await start('hang.it', {})
    const session = body.sessionId as string
    const began = join(folder, 'workspaces', id, 'began')
    while (!existsSync(began)) await new Promise((resolve) => setTimeout(resolve, 10))
    const next = await start('private.it', { triggerSource: 'user', sessionId: session })
    const queue = await server.ask<{ items: Json[] }>('GET', `/api/v1/sessions/${session}/queue`)
    expect(queue.body.items).toEqual([])
    await server.ask('POST', `/api/v1/runs/${body.runId}/cancel`)
    expect(await server.ended(body.runId as string)).toMatchObject({ status: 'cancelled' })
    expect(await server.ended(next.body.runId as string)).toMatchObject({ status: 'completed' })
  })
})

/** The golden run was told of without its figures. */
function withoutEnd(groups: Record<string, Said[]>): Record<string, Said[]> {
  for (const [subject, said] of Object.entries(groups))
    if (subject.startsWith('asks '))
      for (const { data } of said) delete (data.metadata as Json).toolDurationMs
  return groups
}

describe('an agent', () => {
  it('hands over in the middle of a run, as the real one does', async () => {
    const session = await server.newSession(id)
    const { runId } = await server.say(
      session,
      script(
        [{ say: 'switching ' }, { call: 'switch_agent', input: { agent: 'plan' } }],
        [{ say: 'planned.' }],
      ),
    )
    const told = await server.stream(session, isEnd(runId))
    const golden = grouped(goldenFrames('switch'))
    for (const said of golden['asks call 1'] ?? []) delete (said.data.metadata as Json).toolStatus
    expect(grouped(told)).toMatchObject(golden)
    expect(await server.ended(runId as string)).toMatchObject({
      agentName: 'build',
      effectiveAgentName: 'plan',
      switchCount: 1,
    })
    const { body } = await server.ask('GET', `/api/v1/sessions/${session}`)
    expect(body.activeAgentName).toBe('plan')
    const steps = await server.ask<{ items: Json[] }>('GET', `/api/v1/runs/${runId}/steps`)
    expect(steps.body.items.map((s) => [s.stepType, s.name, s.agentName])).toMatchObject([
      ['system', 'run.started', 'build'],
      ['model_call', expect.any(String), 'build'],
      ['tool_call', 'AgentSwitch', 'build'],
      ['agent_switch', 'plan', 'build'],
      ['model_call', expect.any(String), 'plan'],
      ['system', 'run.completed', 'plan'],
    ])
    expect(JSON.stringify(steps.body.items[4]?.input)).toContain('You plan things.')
  })

  it('hands over only to those it may', async () => {
    const session = await server.newSession(id)
    const { runId } = await server.say(
      session,
      script([{ call: 'switch_agent', input: { agent: 'helper' } }], [{ say: 'I stay.' }]),
    )
    const told = await server.stream(session, isEnd(runId))
    expect(told.find((f) => f.event === 'tool.failed')?.data.errorMessage).toContain('may not')
    expect(told.some((f) => f.event.startsWith('agent.'))).toBe(false)
    expect(told.find((f) => f.event === 'run.completed')).toBeDefined()
  })
})

describe('a tool', () => {
  it('has the time that the policy of its agent gives it, and no more', async () => {
    if (!isIsolated) return
    const session = await server.newSession(id, { agentName: 'brief' })
    const slow = { call: 'shell', input: { command: 'sleep 60' } }
    const { runId } = await server.say(session, script([slow], [{ say: 'Too slow.' }]))
    const told = await server.stream(session, isEnd(runId))
    const late = { errorCode: 'tool_timed_out', errorMessage: expect.stringContaining('200 ms') }
    expect(told.find((f) => f.event === 'tool.failed')?.data).toMatchObject(late)
    expect(told.at(-1)?.event).toBe('run.completed')
    const { body } = await server.ask<{ items: Json[] }>('GET', `/api/v1/runs/${runId}/steps`)
    expect(body.items.find((s) => s.name === 'Bash')).toMatchObject({
      status: 'failed',
      output: late,
    })
  })
})

describe('hooks', () => {
  const bash = (command: string) => ({ call: 'shell', input: { command } })

  const run = async (session: string, command: string): Promise<Told[]> => {
    const said = script([bash(command)], [{ say: 'Done.' }])
    const { runId } = await server.say(session, said)
    return server.stream(session, isEnd(runId), `?runId=${runId}`)
  }

  it('change and stop calls, and what fails is told, as the real one does', async () => {
    if (!isIsolated) return
    const session = await server.newSession(hooked)
    const told: Told[] = []
    for (const command of ['echo ok', 'rm -rf x', 'echo STOP'])
      told.push(...(await run(session, command)))
    const groups = grouped(told)
    const golden = grouped(goldenFrames('hooks'))
    for (const call of ['call 1', 'call 2', 'call 3'])
      expect(groups[call]).toMatchObject(golden[call] as Said[])
    const failed = told.filter((f) => f.event === 'tool.failed').map((f) => f.data)
    expect(failed.map((d) => [d.errorCode, d.errorMessage])).toEqual([
      ['hook_blocked', 'dangerous'],
      ['hook_blocked', 'stopped by hook'],
    ])
    const notices = told.filter((f) => f.event === 'hook.notice').map((f) => f.data)
    expect(notices[0]).toMatchObject({
      hookName: 'slow-hook',
      eventName: 'run_completed',
      handlerType: 'command',
      errorCode: 'hook_execution_failed',
    })
    expect(told.filter((f) => f.event === 'run.completed')).toHaveLength(3)
    checkCausal(told)
  })

  it('are told what goes on in OAH words', async () => {
    if (!isIsolated) return
    const session = await server.newSession(hooked)
    const told = await run(session, 'echo ok')
    const file = join(folder, 'workspaces', hooked, '.openharness/last-hook.json')
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
      workspace_id: hooked,
      session_id: session,
      run_id: told[0]?.data.runId,
      cwd: join(folder, 'workspaces', hooked),
      hook_event_name: 'before_tool_dispatch',
      agent_name: 'build',
      effective_agent_name: 'build',
      trigger_type: 'message',
      run_status: 'running',
      tool_name: 'Bash',
      tool_input: { command: 'echo ok' },
      tool_call_id: expect.any(String),
    })
  })

  it('that break stop nothing, and say a word to the model after a call', async () => {
    if (!isIsolated) return
    const session = await server.newSession(hooked)
    const told = await run(session, 'echo oops')
    expect(told.find((f) => f.event === 'hook.notice')?.data).toMatchObject({ hookName: 'guard' })
    expect(told.some((f) => f.event === 'tool.completed')).toBe(true)
    const read = { call: 'read', input: { path: 'AGENTS.md' } }
    const { runId } = await server.say(session, script([read], [{ say: 'Read.' }]))
    await server.ended(runId as string)
    const steps = await server.ask<{ items: Json[] }>('GET', `/api/v1/runs/${runId}/steps`)
    expect(steps.body.items.filter((s) => s.stepType === 'hook').map((s) => s.name)).toEqual([
      'late',
      'slow-hook',
    ])
  })

  it('that cannot be performed are reported, and listed all the same', async () => {
    const { body } = await server.ask('GET', `/api/v1/workspaces/${hooked}/catalog`)
    expect((body.hooks as Json[]).map((h) => h.name)).toEqual(['guard', 'late', 'slow-hook', 'web'])
    const problems = server.world.engine.catalog.problems().map((p) => `${p.file} ${p.problem}`)
    expect(problems.some((p) => p.includes('web.yaml is not performed'))).toBe(true)
  })
})
