/**
 * Reads a zip archive as far as templates need it: files and folders, stored or deflated. Whatever
 * the archive says, a path never leads out, and no more is unpacked than the limits allow.
 */

import { promisify } from 'node:util'
import { crc32, inflateRaw } from 'node:zlib'
import { refusal } from './faults.ts'

export interface Member {
  /** Relative, with `/` between its names. */
  path: string
  bytes: Uint8Array
}

export const MAX_ARCHIVE_BYTES = 64 * 1024 * 1024
const MAX_UNPACKED_BYTES = 256 * 1024 * 1024
const MAX_MEMBERS = 10_000

const END = 0x06054b50
const ENTRY = 0x02014b50
const LOCAL = 0x04034b50
const END_BYTES = 22
const MAX_COMMENT = 65_535

const inflate = promisify(inflateRaw)

const broken = (why: string) =>
  refusal('invalid', 'invalid_request', `The upload is no zip archive that can be used: ${why}.`)

/** Its files, without the folder that all of them are in, if there is one. */
export async function unpack(archive: Buffer): Promise<Member[]> {
  const entries = archive.length > 0 ? entriesOf(archive) : []
  const files = entries.filter((e) => !e.path.endsWith('/'))
  if (files.length === 0)
    throw refusal('invalid', 'empty_runtime_zip', 'The archive has no files in it.')
  const members: Member[] = []
  let left = MAX_UNPACKED_BYTES
  for (const entry of files) {
    const bytes = await contentOf(archive, entry, left)
    left -= bytes.length
    members.push({ path: entry.path, bytes })
  }
  return withoutTop(members)
}

interface Entry {
  path: string
  method: number
  crc: number
  packed: number
  size: number
  at: number
}

function entriesOf(archive: Buffer): Entry[] {
  const end = endOf(archive)
  const count = archive.readUInt16LE(end + 10)
  let at = archive.readUInt32LE(end + 16)
  if (count > MAX_MEMBERS) throw broken(`it has more than ${MAX_MEMBERS} files`)
  const entries: Entry[] = []
  for (let i = 0; i < count; i++) {
    if (at + 46 > archive.length || archive.readUInt32LE(at) !== ENTRY)
      throw broken('its directory is damaged')
    const nameLength = archive.readUInt16LE(at + 28)
    const rest = archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32)
    const isLink = (archive.readUInt16LE(at + 40) & 0o170000) === 0o120000
    const path = pathOf(archive.subarray(at + 46, at + 46 + nameLength).toString('utf8'), isLink)
    if ((archive.readUInt16LE(at + 8) & 1) !== 0) throw broken(`${path} is encrypted`)
    entries.push({
      path,
      method: archive.readUInt16LE(at + 10),
      crc: archive.readUInt32LE(at + 16),
      packed: archive.readUInt32LE(at + 20),
      size: archive.readUInt32LE(at + 24),
      at: archive.readUInt32LE(at + 42),
    })
    at += 46 + nameLength + rest
  }
  return entries
}

/** The last thing in an archive, behind which there is only a comment. */
function endOf(archive: Buffer): number {
  const first = Math.max(0, archive.length - END_BYTES - MAX_COMMENT)
  for (let at = archive.length - END_BYTES; at >= first; at--)
    if (archive.readUInt32LE(at) === END) return at
  throw broken('it has no directory')
}

function pathOf(name: string, isLink: boolean): string {
  const path = name.replace(/^(\.\/)+/, '')
  const names = path.replace(/\/$/, '').split('/')
  const isOdd = names.some((n) => n === '' || n === '.' || n === '..')
  if (isLink || isOdd || /[\0\\]/.test(path) || /^[A-Za-z]:/.test(path) || path.length > 1024)
    throw broken(`it has a link or a path that leads out (${JSON.stringify(name.slice(0, 100))})`)
  return path
}

async function contentOf(archive: Buffer, entry: Entry, left: number): Promise<Buffer> {
  const { path, at, method, packed, size, crc } = entry
  if (size > left) throw broken(`it unpacks to more than ${MAX_UNPACKED_BYTES} bytes`)
  if (at + 30 > archive.length || archive.readUInt32LE(at) !== LOCAL)
    throw broken(`${path} is damaged`)
  const from = at + 30 + archive.readUInt16LE(at + 26) + archive.readUInt16LE(at + 28)
  const bytes = archive.subarray(from, from + packed)
  if (method !== 0 && method !== 8) throw broken(`${path} is packed in a way that is not known`)
  const options = { maxOutputLength: Math.max(1, size) }
  const whole = method === 0 ? bytes : await inflate(bytes, options).catch(() => null)
  if (!whole || whole.length !== size || crc32(whole) !== crc) throw broken(`${path} is damaged`)
  return whole
}

/** Who packs a folder often packs it with its name; what a workspace has itself stays. */
function withoutTop(members: Member[]): Member[] {
  const top = members[0]?.path.split('/')[0] ?? ''
  const isShared = members.every((m) => m.path.startsWith(`${top}/`))
  if (!isShared || top.startsWith('.')) return members
  return members.map((m) => ({ ...m, path: m.path.slice(top.length + 1) }))
}
