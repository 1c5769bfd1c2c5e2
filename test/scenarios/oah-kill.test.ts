/**
 * A session under kill -9 at random moments, while messages are sent, cancelled, guided and interrupted:
 * each is answered once or cancelled, in the allowed order, and who reads along misses and doubles
 * nothing. `MANIFOLD_OAH_MESSAGES=1000 MANIFOLD_OAH_KILLS=30` makes a campaign of it.
 */

import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { dice } from '../crash/seed.ts'
import { all, answersAre, checkCausal, createQueueModel } from './oah-model.ts'
import { clientOf, isEnd, type Json, script, type Told } from './oah-server.ts'

const MESSAGES = Number(process.env.MANIFOLD_OAH_MESSAGES ?? 120)
const KILLS = Number(process.env.MANIFOLD_OAH_KILLS ?? 4)
const SEED = Number(process.env.MANIFOLD_SEED ?? 20_261_122)

/** One message in eight is followed by one of them. */
const VERBS = ['cancel', 'guide', ...Array.from({ length: 14 }, () => null)]

interface Server {
  url: string
  kill(): Promise<void>
}

function spawnOah(folder: string): Promise<Server> {
  const file = join(import.meta.dirname, 'oah-process.ts')
  const child = spawn(process.execPath, ['--import', 'tsx', file, folder], {
    cwd: join(import.meta.dirname, '../..'),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const gone = new Promise<void>((done) => child.once('exit', () => done()))
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await gone
  }
  return new Promise((resolve, reject) => {
    let errors = ''
    let text = ''
    child.stderr.on('data', (chunk) => {
      errors += String(chunk)
    })
    child.stdout.on('data', (chunk) => {
      text += String(chunk)
      const url = /listening on (\S+)/.exec(text)?.[1]
      if (url) resolve({ url, kill })
    })
    void gone.then(() => reject(new Error(`the server ended: ${errors}`)))
  })
}

/** Which server there is now; requests that meet none are told so and made again. */
class Place {
  server: Server
  #killed = 0

  constructor(server: Server) {
    this.server = server
  }

  get client() {
    return clientOf(this.server.url)
  }

  async replace(folder: string): Promise<void> {
    await this.server.kill()
    this.#killed++
    this.server = await spawnOah(folder)
  }

  get killed(): number {
    return this.#killed
  }

  /** Until it was answered, by whichever server. */
  async insist<T>(work: (client: ReturnType<typeof clientOf>) => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work(this.client)
      } catch (error) {
        if (error instanceof TypeError) await pause(20)
        else throw error
      }
    }
  }
}

/** The run of a message; after a request that broke off, only the session knows whether it counted. */
async function say(place: Place, session: string, content: string, behavior: string) {
  for (;;) {
    try {
      const { runId } = await place.client.say(session, content, { runningRunBehavior: behavior })
      return runId as string
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      const path = `/api/v1/sessions/${session}/messages`
      const said = await place.insist((client) => all(client, path))
      const mine = said.find((m) => m.role === 'user' && m.content === content)
      if (mine) return mine.runId as string
    }
  }
}

/** Reads along like a client that loses its server, and comes back with its cursor. */
function readAlong(place: Place, session: string, isLast: (frame: Told) => boolean) {
  const seen: Told[] = []
  const reading = (async () => {
    let isOver = false
    while (!isOver) {
      const cursor = seen.length > 0 ? `?cursor=${seen.at(-1)?.id}` : ''
      const frames = place.client.stream(
        session,
        (frame) => {
          seen.push(frame)
          isOver = isLast(frame)
          return isOver
        },
        cursor,
      )
      await frames.catch(() => pause(20))
    }
    return seen
  })()
  return reading
}

describe('kill -9 in an action', () => {
  it('does it again where that is safe, and otherwise says that nobody knows', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'manifold-oah-kill-'))
    for (const policy of ['safe', 'manual']) {
      const home = join(folder, 'runtimes/mini/.openharness/actions', policy)
      mkdirSync(home, { recursive: true })
      // It is not over before the server has been killed.
      const until = 'while ! [ -e go ]; do sleep 0.05; done'
      const command = `echo begun >> ${policy}; ${until}; echo done`
      const text = `name: ${policy}\nrecovery: {retry_policy: ${policy}}\nentry: {command: "${command}", cwd: .}\n`
      writeFileSync(join(home, 'ACTION.yaml'), text)
    }
    const place = new Place(await spawnOah(folder))
    try {
      const workspace = await place.client.newWorkspace({ runtime: 'mini' })
      const root = join(folder, 'workspaces', workspace)
      const runs: string[] = []
      for (const policy of ['safe', 'manual']) {
        const path = `/api/v1/workspaces/${workspace}/actions/${policy}/runs`
        const { status, body } = await place.client.ask('POST', path)
        expect([path, status]).toEqual([path, 202])
        runs.push(body.runId as string)
        while (!existsSync(join(root, policy))) await pause(5)
      }
      await place.replace(folder)
      writeFileSync(join(root, 'go'), '')
      const [safe, manual] = await Promise.all(runs.map((run) => place.client.ended(run)))
      expect(safe).toMatchObject({ status: 'completed', metadata: { stdout: 'done\n' } })
      expect(manual).toMatchObject({ status: 'failed', errorCode: 'action_failed' })
      const begun = (policy: string) => readFileSync(join(root, policy), 'utf8')
      expect([begun('safe'), begun('manual')]).toEqual(['begun\nbegun\n', 'begun\n'])
    } finally {
      await place.server.kill()
      rmSync(folder, { recursive: true, force: true })
    }
  }, 120_000)
})

describe('kill -9', () => {
  it(`${KILLS} times over ${MESSAGES} messages, and each is answered once`, {
    timeout: 120_000 + KILLS * 20_000 + MESSAGES * 500,
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'manifold-oah-kill-'))
    const random = dice(SEED)
    const place = new Place(await spawnOah(folder))
    try {
      const session = await place.client.newSession()
      const model = createQueueModel()
      const runs: string[] = []
      const open = new Set<string>()
      let isSent = false
      const reading = readAlong(place, session, (frame) => {
        if (isEnd()(frame)) open.delete(frame.data.runId as string)
        return isSent && open.size === 0
      })
      const kills = (async () => {
        for (let n = 0; n < KILLS; n++) {
          await pause(random.between(150, 900))
          await place.replace(folder)
        }
      })()
      for (let i = 0; i < MESSAGES || place.killed < KILLS; i++) {
        const behavior = random.chance(0.05) ? 'interrupt' : 'queue'
        const run = await say(
          place,
          session,
          script([{ say: `answer ${i}`, everyMs: 8 }]),
          behavior,
        )
        model.note(run, behavior)
        runs.push(run)
        open.add(run)
        const verb = random.pick(VERBS)
        const aim = random.pick(runs)
        if (verb) await place.insist((c) => c.ask('POST', `/api/v1/runs/${aim}/${verb}`))
      }
      await kills
      // One more, because the reader only looks up when it is told something.
      isSent = true
      const last = await say(place, session, script([{ say: `answer ${runs.length}` }]), 'queue')
      model.note(last, 'queue')
      runs.push(last)
      open.add(last)
      const seen = await reading
      expect(seen.map((f) => f.id)).toEqual(seen.map((_, i) => i))
      const again = await place.client.stream(session, (f) => f.id === seen.at(-1)?.id)
      expect(seen).toEqual(again)
      model.check(again)
      checkCausal(again)
      await answersAre(place.client, session, runs)
      const queue = await place.client.ask<{ items: Json[] }>(
        'GET',
        `/api/v1/sessions/${session}/queue`,
      )
      expect(queue.body.items).toEqual([])
    } finally {
      await place.server.kill()
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
