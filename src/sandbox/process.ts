/**
 * Processes by their mark. A number alone is reused by the system, so a process is only ever ended
 * when its start time and the machine's boot are those that were marked.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import type { ProcessMark } from '../kernel/event.ts'

/** The variable by which everything that a marked process started is known, even what left its group. */
export const MARK_VARIABLE = 'MANIFOLD_PROCESS'

export const markText = (mark: ProcessMark): string => `${mark.pid}.${mark.startTicks}`

interface Facts {
  isZombie: boolean
  parent: number
  group: number
  startTicks: number
}

/** Null where the system has no process table to read, or no such process. */
export function markOf(pid: number): ProcessMark | null {
  const facts = factsOf(pid)
  const boot = bootId()
  return facts && boot ? { pid, startTicks: facts.startTicks, bootId: boot } : null
}

function bootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return null
  }
}

function factsOf(pid: number): Facts | null {
  try {
    return parse(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return null
  }
}

/** The name in brackets may itself contain brackets and spaces. */
function parse(stat: string): Facts {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return {
    isZombie: fields[0] === 'Z',
    parent: Number(fields[1]),
    group: Number(fields[2]),
    startTicks: Number(fields[19]),
  }
}

/** Ends what the mark names, and only that. True when something was ended. */
export function reap(mark: ProcessMark): boolean {
  if (!Number.isInteger(mark.pid) || mark.pid <= 1 || mark.bootId !== bootId()) return false
  const facts = factsOf(mark.pid)
  let ended = false
  if (facts?.startTicks === mark.startTicks) {
    const send = facts.group === mark.pid ? signalGroup : signal
    // Who has died and was not buried yet cannot be ended again.
    ended = send(mark.pid, 'SIGKILL') && !facts.isZombie
  }
  // What left the group, or outlived its leader, still carries the mark.
  for (let round = 0; round < 5; round++) {
    const carriers = pidsIn(readdirSync('/proc')).filter((pid) => carriesNow(pid, mark))
    if (carriers.length === 0) break
    for (const pid of carriers) ended = signal(pid, 'SIGKILL') || ended
  }
  return ended
}

/** The same without holding up the server; used when a command has ended. */
export async function sweep(mark: ProcessMark): Promise<void> {
  for (let round = 0; round < 5; round++) {
    const pids = pidsIn(await readdir('/proc').catch(() => []))
    const carry = await Promise.all(pids.map((pid) => carries(pid, mark)))
    const carriers = pids.filter((_, i) => carry[i])
    if (carriers.length === 0) return
    for (const pid of carriers) signal(pid, 'SIGKILL')
  }
}

/** Everything below a process, without itself. */
export async function descendants(pid: number): Promise<number[]> {
  const pids = pidsIn(await readdir('/proc').catch(() => []))
  const stats = await Promise.all(
    pids.map((p) => readFile(`/proc/${p}/stat`, 'utf8').then(parse, () => null)),
  )
  const found = new Set([pid])
  for (let grown = true; grown; ) {
    grown = false
    pids.forEach((p, i) => {
      const parent = stats[i]?.parent
      if (found.has(p) || parent === undefined || !found.has(parent)) return
      found.add(p)
      grown = true
    })
  }
  found.delete(pid)
  return [...found]
}

export function signalGroup(pid: number, name: NodeJS.Signals): boolean {
  return pid > 1 && signal(-pid, name)
}

export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}

const pidsIn = (names: string[]): number[] =>
  names.flatMap((name) => (/^[0-9]+$/.test(name) ? [Number(name)] : []))

function carriesNow(pid: number, mark: ProcessMark): boolean {
  const facts = pid === process.pid ? null : factsOf(pid)
  if (!facts || facts.startTicks < mark.startTicks) return false
  try {
    return hasMark(readFileSync(`/proc/${pid}/environ`), mark)
  } catch {
    return false
  }
}

async function carries(pid: number, mark: ProcessMark): Promise<boolean> {
  if (pid === process.pid) return false
  try {
    const facts = parse(await readFile(`/proc/${pid}/stat`, 'utf8'))
    if (facts.startTicks < mark.startTicks) return false
    return hasMark(await readFile(`/proc/${pid}/environ`), mark)
  } catch {
    return false
  }
}

const hasMark = (environment: Buffer, mark: ProcessMark): boolean =>
  `\0${environment.toString('latin1')}`.includes(`\0${MARK_VARIABLE}=${markText(mark)}\0`)
