/** Replaces text in a file. Nothing is changed unless the old text is found exactly as often as was meant. */

import { Fault } from '../kernel/fault.ts'
import type { Edit, Edited } from '../kernel/workspace.ts'
import { readFile, writeFile } from './file.ts'
import { type Root, shown } from './place.ts'

const MAX_BYTES = 10 * 1024 * 1024

export async function editFile(root: Root, path: string, edit: Edit): Promise<Edited> {
  if (edit.old === '') throw new Fault('invalid', 'The old text is empty. Say what to replace.')
  if (edit.old === edit.new) throw new Fault('invalid', 'The old and the new text are the same.')
  const { entry, bytes, truncated } = await readFile(root, path, { maxBytes: MAX_BYTES })
  if (truncated) throw new Fault('too_large', `${shown(path)} is too large to edit.`)
  const text = decode(bytes, path)
  const [from, to] = inLineEndingsOf(text, edit)
  const places = text.split(from)
  const found = places.length - 1
  if (found === 0) throw new Fault('not_found', notFound(text, edit.old, path), { reason: 'text' })
  if (found > 1 && !edit.all)
    throw new Fault(
      'conflict',
      `The old text occurs ${found} times in ${shown(path)}. Give more of the text around the one that is meant, or replace all.`,
      { reason: 'ambiguous' },
    )
  const written = await writeFile(root, path, places.join(to), {
    ifMatch: edit.ifMatch ?? entry.etag,
  })
  const line = (places[0] as string).split('\n').length
  return { entry: written.entry, replaced: found, line }
}

/** Text that is no UTF-8 would come back changed, so it is not touched. */
function decode(bytes: Buffer, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new Fault('unsupported', `${shown(path)} is not UTF-8 text and cannot be edited.`)
  }
}

/** Models write `\n`; a file that has `\r\n` throughout keeps it. */
function inLineEndingsOf(text: string, edit: Edit): [string, string] {
  const foreign = !text.includes(edit.old) && text.includes('\r\n') && !edit.old.includes('\r')
  if (!foreign) return [edit.old, edit.new]
  const crlf = (s: string): string => s.replace(/\r?\n/g, '\r\n')
  return [crlf(edit.old), crlf(edit.new)]
}

function notFound(text: string, old: string, path: string): string {
  const first = old
    .split('\n')
    .find((l) => l.trim() !== '')
    ?.trim()
  const near = first ? text.split('\n').findIndex((l) => l.includes(first)) : -1
  const hint =
    near < 0
      ? 'Read the file and give the text exactly as it is there.'
      : `Its first line is like line ${near + 1}; compare the spaces and the lines after it.`
  return `The old text is not in ${shown(path)}. ${hint}`
}
