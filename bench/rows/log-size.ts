/**
 * What the disk keeps of what was told: growth of the database, without its free pages, over the
 * bytes of the answers. Tokens come one by one, as from a real model, and packing is over by then.
 */

import { closeSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { deflateRawSync } from 'node:zlib'
import { type Figure, most, plain } from '../figure.ts'
import { spread } from '../link.ts'
import { faultsOf, Listener } from '../listener.ts'
import type { Row } from '../row.ts'
import type { Stage } from '../stage.ts'
import { prose } from '../text.ts'
import { NATIVE, sayFile } from '../tongue.ts'

interface Answers {
  /** Words in an answer, answers in all, answers at a time. */
  words: number
  count: number
  width: number
  everyMs: number
}

/** Pages in use times their size; the header is up to date after an end in peace. */
function usedBytes(folder: string): number {
  const header = Buffer.alloc(100)
  const file = openSync(join(folder, 'manifold.db'), 'r')
  readSync(file, header, 0, 100, 0)
  closeSync(file)
  const pageBytes = header.readUInt16BE(16)
  const pages = header.readUInt32BE(28)
  const free = header.readUInt32BE(36)
  return (pages - free) * (pageBytes === 1 ? 65_536 : pageBytes)
}

async function speak(stage: Stage, folder: string, answers: Answers) {
  const server = await stage.start(folder)
  const { port } = server
  let told = 0
  const faults: string[] = []
  const runs = Array.from({ length: answers.count }, (_, n) => n)
  await spread({ port, width: answers.width }, runs, async (_, link, n) => {
    const name = `answer-${n % answers.width}`
    const listener = new Listener({ port, tongue: NATIVE, thread: await NATIVE.open(link) })
    await listener.connect()
    await NATIVE.submit(link, listener.thread, sayFile(name))
    await listener.ended()
    listener.close()
    told += listener.text.length
    faults.push(...faultsOf([listener]))
  })
  await pause(stage.pick(3000, 600))
  await server.stop()
  return { told, faults }
}

async function ratio(stage: Stage, answers: Answers, before: number) {
  const folder = stage.newFolder()
  const texts = Array.from({ length: answers.width }, (_, n) => prose(answers.words, n))
  texts.forEach((say, n) => {
    stage.writeScript(`answer-${n}`, [[{ say, everyMs: answers.everyMs }]])
  })
  const { told, faults } = await speak(stage, folder, answers)
  const bytes = usedBytes(folder) - before
  const all = texts.join('')
  const share = deflateRawSync(all).length / all.length
  return {
    value: bytes / told,
    more: `${answers.count} answers of ${answers.words} tokens; ${plain(bytes / answers.count)} bytes each; the text alone deflates to ${plain(share)}`,
    faults,
  }
}

export const logSize: Row = {
  name: 'log-size',
  about: 'Bytes of the database for each byte of text told, after packing.',
  async measure(stage) {
    const empty = stage.newFolder()
    await (await stage.start(empty)).stop()
    const before = usedBytes(empty)
    const long = await ratio(
      stage,
      {
        words: stage.pick(5000, 200),
        count: stage.pick(40, 4),
        width: stage.pick(20, 4),
        everyMs: stage.pick(5, 1),
      },
      before,
    )
    const short = await ratio(
      stage,
      {
        words: stage.pick(200, 20),
        count: stage.pick(1000, 10),
        width: stage.pick(50, 5),
        everyMs: stage.pick(5, 1),
      },
      before,
    )
    const figures: Figure[] = [
      {
        name: 'log size, long answers',
        value: long.value,
        unit: 'ratio',
        bar: most(1.5),
        more: long.more,
      },
      {
        name: 'log size, answers of 200 tokens',
        value: short.value,
        unit: 'ratio',
        bar: most(1.5),
        more: `everything the thread and the run leave behind counts; ${short.more}`,
      },
    ]
    return { figures, faults: [...long.faults, ...short.faults] }
  },
}
