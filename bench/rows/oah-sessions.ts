/**
 * Open Agent Harness: from a message to its first delta, one stream as fast as it goes, fifty sessions
 * at once, and short runs. Beside the figures stand those of the real system, read off its captures.
 */

import { type Figure, least, median, most, quantile } from '../figure.ts'
import { type Link, openLink, openLinks } from '../link.ts'
import { faultsOf, Listener } from '../listener.ts'
import type { Row } from '../row.ts'
import type { Stage } from '../stage.ts'
import { numbered, prose, wordsIn } from '../text.ts'
import { type Heard, say, sayFile, type Tongue } from '../tongue.ts'

const SILENT: Heard = { is: 'other', seq: null, text: '', at: null }

interface Data {
  delta?: string
}

/** Frames of a session are numbered from 0; the listener counts from 1. */
const OAH: Tongue = {
  name: 'oah',
  async open(link) {
    const body = { name: 'bench', runtime: 'workspace' }
    const { id } = await link.json('POST', '/api/v1/workspaces', body)
    return openSession(link, id as string)
  },
  async begin(link, input) {
    const session = await OAH.open(link)
    await OAH.submit(link, session, input)
    return session
  },
  submit: async (link, session, content) =>
    void (await link.json('POST', `/api/v1/sessions/${session}/messages`, { content })),
  stream: (session, after) =>
    `/api/v1/sessions/${session}/events${after > 0 ? `?cursor=${after - 1}` : ''}`,
  hear(frame) {
    if (frame.startsWith(': connected')) return { ...SILENT, is: 'ready' }
    const [id, event, , line] = frame.split('\n')
    if (!id?.startsWith('id: ') || !event || !line) return SILENT
    const seq = Number(id.slice('id: '.length)) + 1
    const name = event.slice('event: '.length)
    if (/^run\.(completed|failed|cancelled)$/.test(name)) return { ...SILENT, is: 'end', seq }
    if (name !== 'message.delta') return { ...SILENT, seq }
    const { delta } = JSON.parse(line.slice('data: '.length)) as Data
    return delta === undefined ? { ...SILENT, seq } : { ...SILENT, is: 'token', seq, text: delta }
  },
}

const openSession = async (link: Link, workspace: string): Promise<string> =>
  (
    await link.json('POST', `/api/v1/workspaces/${workspace}/sessions`, {
      modelRef: 'platform/scripted:bench',
    })
  ).id as string

interface Measured {
  figures: Figure[]
  faults: string[]
}

async function listen(port: number, link: Link): Promise<Listener> {
  const listener = new Listener({ port, tongue: OAH, thread: await OAH.open(link) })
  await listener.connect()
  await listener.ready()
  return listener
}

async function firstDelta(stage: Stage, port: number): Promise<Measured> {
  const link = await openLink(port)
  const listener = await listen(port, link)
  const times: number[] = []
  const warming = stage.pick(50, 1)
  for (let run = 1; run <= warming + stage.pick(300, 5); run++) {
    listener.restart()
    const began = performance.now()
    await OAH.submit(link, listener.thread, say('one two three'))
    await listener.ended(run)
    if (run > warming) times.push((listener.tokenAt as number) - began)
  }
  listener.close()
  link.close()
  const figures = ([0.5, 0.99] as const).map(
    (q): Figure => ({
      name: `OAH, message to first delta, p${q * 100}`,
      value: quantile(times, q),
      unit: 'ms',
      bar: most(q === 0.5 ? 5 : 20),
      more: 'the real system: 40 ms in its captures',
    }),
  )
  return { figures, faults: faultsOf([listener]) }
}

async function oneStream(stage: Stage, port: number): Promise<Measured> {
  const text = prose(stage.pick(50_000, 1_000), 1)
  stage.writeScript('oah-long', [[{ say: text }]])
  const faults: string[] = []
  const rates: number[] = []
  let deltas = 0
  for (let round = 0; round < stage.pick(5, 1); round++) {
    const link = await openLink(port)
    const listener = await listen(port, link)
    const began = performance.now()
    await OAH.submit(link, listener.thread, sayFile('oah-long'))
    await listener.ended()
    rates.push((wordsIn(text) / (listener.lastAt - began)) * 1000)
    deltas = listener.frames
    if (listener.text !== text) faults.push(`${listener.thread}: the text told is not that said`)
    faults.push(...faultsOf([listener]))
    listener.close()
    link.close()
  }
  const more = `told in ${deltas} frames; the real system tells about 1000 deltas a second`
  const name = 'OAH, one stream, tokens a second'
  return {
    figures: [{ name, value: median(rates), unit: 'per s', bar: least(30_000), more }],
    faults,
  }
}

async function manySessions(stage: Stage, port: number): Promise<Measured> {
  const sessions = stage.pick(50, 4)
  const links = await openLinks(port, sessions)
  const listeners = await Promise.all(links.map((link) => listen(port, link)))
  const texts = listeners.map((_, n) => numbered(`s${n}`, 100))
  const first: number[] = []
  const done: number[] = []
  const faults: string[] = []
  for (let round = 1; round <= stage.pick(6, 1); round++) {
    for (const listener of listeners) listener.restart()
    const began = performance.now()
    await Promise.all(
      listeners.map((l, n) => OAH.submit(links[n] as Link, l.thread, say(texts[n] as string))),
    )
    await Promise.all(listeners.map((l) => l.ended(round)))
    first.push(...listeners.map((l) => (l.tokenAt as number) - began))
    done.push(performance.now() - began)
    listeners.forEach((l, n) => {
      if (l.text !== texts[n]) faults.push(`${l.thread}: the text told is not that said`)
    })
  }
  faults.push(...faultsOf(listeners))
  for (const each of [...links, ...listeners]) each.close()
  const name = `OAH, ${sessions} sessions of 100 deltas`
  const figures: Figure[] = [
    { name: `${name}, first delta p99`, value: quantile(first, 0.99), unit: 'ms', bar: most(150) },
    { name: `${name}, all done`, value: median(done), unit: 'ms', bar: most(1000) },
  ]
  return { figures, faults }
}

async function shortRuns(stage: Stage, port: number): Promise<Measured> {
  const width = stage.pick(64, 4)
  const each = stage.pick(60, 5)
  const links = await openLinks(port, width)
  const listeners = await Promise.all(links.map((link) => listen(port, link)))
  const began = performance.now()
  await Promise.all(
    listeners.map(async (listener, n) => {
      for (let run = 1; run <= each; run++) {
        await OAH.submit(links[n] as Link, listener.thread, say('one two three'))
        await listener.ended(run)
      }
    }),
  )
  const perSecond = ((width * each) / (performance.now() - began)) * 1000
  const faults = faultsOf(listeners)
  for (const one of [...links, ...listeners]) one.close()
  const name = `OAH, short runs, ${width} sessions`
  const more = 'the real system needs 30 ms for a run of one command'
  return { figures: [{ name, value: perSecond, unit: 'per s', bar: least(300), more }], faults }
}

export const oahSessions: Row = {
  name: 'oah-sessions',
  about: 'Open Agent Harness: first delta, one stream, fifty sessions, short runs.',
  async measure(stage) {
    const { port } = await stage.start()
    const all: Measured[] = []
    for (const measure of [firstDelta, oneStream, manySessions, shortRuns])
      all.push(await measure(stage, port))
    return { figures: all.flatMap((m) => m.figures), faults: all.flatMap((m) => m.faults) }
  },
}
