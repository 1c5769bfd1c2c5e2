/**
 * Toolang's agent API on the kernel's engine. This file says what the dialect is; the README says what
 * it serves, what it leaves out, and where it is better than the system it speaks for.
 */

import type { Json } from '../../kernel/part.ts'
import { ALLOW_ALL, ASK_BEFORE_CHANGES } from '../../kernel/policy.ts'
import type { Engine, SharedPolicy } from '../../kernel/ports.ts'
import type { Dialect, Route } from '../../wire/dialect.ts'
import { agentRoutes, COMPONENTS, documentRoute } from './agent-routes.ts'
import { capRoutes } from './cap-routes.ts'
import { agentOf } from './chat.ts'
import { chatRoutes } from './chat-routes.ts'
import { type Context, POLICY, type ToolangSettings } from './context.ts'
import { createDiary, type NewLine } from './diary.ts'
import { refuser } from './faults.ts'
import { toolangGuide } from './guide.ts'
import { short } from './id.ts'
import { pathOf } from './job.ts'
import { jobRoutes } from './job-routes.ts'
import { createJournal } from './journal.ts'
import { toolangLens } from './lens.ts'
import { runRoutes } from './run-routes.ts'
import { announce } from './status.ts'
import { threadRoutes } from './thread-routes.ts'

const PAGES = ['http://localhost:*', 'http://127.0.0.1:*', 'https://too.run']

/** Its door is the server's: open on loopback, elsewhere the server's token. */
export function toolang(engine: Engine, settings: ToolangSettings): Dialect {
  const journal = createJournal(engine.store)
  const diary = createDiary(engine, journal, settings)
  const context: Context = { engine, settings, journal, diary }
  const routes: Route[] = [
    ...agentRoutes(context),
    ...chatRoutes(context),
    ...capRoutes(context),
    ...jobRoutes(context),
    ...runRoutes(context),
    ...threadRoutes(context),
  ]
  routes.push(documentRoute(() => routes))
  const ready = begin(context)
  // What fails now is told when the first client comes.
  ready.catch(() => {})
  const stops = [listenToCaps(context), listenToJobs(context)]
  let withdraw: (() => Promise<void>) | null = null
  return {
    name: 'toolang',
    about: "Toolang's agent API: chat, capabilities, jobs and activity.",
    routes: routes.map((row) => ({
      ...row,
      handle: async (call) => {
        await ready
        return await row.handle(call)
      },
    })),
    refuse: refuser(knower(routes)),
    headers: () => ({ vary: 'Origin' }),
    origins: settings.origins ?? PAGES,
    lens: toolangLens,
    guide: toolangGuide,
    async listening(base) {
      const { root } = settings
      if (root !== null) withdraw = await announce(context, root, base)
    },
    async close() {
      for (const stop of stops) stop()
      await withdraw?.()
      const agent = nameOf(context)
      const outcome = 'stopped'
      await note(context, {
        type: 'agent_stop',
        payload: { agent, outcome },
        update: { kind: 'stopped', payload: { outcome } },
      })
      diary.close()
    },
  }
}

const nameOf = (context: Context): string => {
  try {
    return agentOf(context)
  } catch {
    return ''
  }
}

/** Tools run without being asked about where commands are kept apart, and only there. */
async function begin(context: Context): Promise<void> {
  const { engine, settings, diary } = context
  const { isolated } = await settings.isolation()
  const policy: SharedPolicy = {
    permissions: isolated ? ALLOW_ALL : ASK_BEFORE_CHANGES,
    ...{ refusedTurns: null, askTimeoutMs: null, compaction: null, confinement: null },
  }
  await engine.store.put({ kind: 'policy', key: POLICY, body: policy as unknown as Json })
  const agent = nameOf(context)
  const revision = engine.catalog.agent(agent)?.revision ?? ''
  const started = { components: COMPONENTS, live_fingerprint: revision }
  await diary.write({
    type: 'agent_start',
    payload: { agent, ...started, started_at: new Date(settings.now()).toISOString() },
    update: { kind: 'started', payload: started },
  })
}

function listenToCaps(context: Context): () => void {
  return context.settings.caps.onChange(({ kind, name, visibility, agent }) => {
    if (agent !== null && agent !== nameOf(context)) return
    const payload = { name, visibility }
    const type = `${kind}_changed`
    void note(context, { type, payload, update: { kind: type, payload } })
  })
}

function listenToJobs(context: Context): () => void {
  return context.settings.jobs.onChange((job, action) => {
    const { kind, account } = job
    const path = pathOf({ ...job, activeRun: null, lastRun: null, nextAt: null })
    const payload = { id: short(job.id), kind, action, path }
    const update = { kind: `${kind}_changed`, payload }
    void note(context, { type: `${kind}_update`, payload, update, account })
  })
}

/** What a line tells of has happened, also when it cannot be written. */
const note = ({ diary, settings }: Context, line: NewLine): Promise<void> =>
  diary.write(line).catch((err) => {
    settings.log.error({ err, line: line.type }, 'a line of the diary could not be written')
  })

/** Whether a path, of whatever method, is one of these. */
function knower(routes: readonly Route[]): (path: string) => boolean {
  const patterns = routes.map(
    ({ path }) => new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{[^}]+\}/g, '[^/]+')}$`),
  )
  return (path) => patterns.some((p) => p.test(path))
}

export type { ToolangSettings } from './context.ts'
