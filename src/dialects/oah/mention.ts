/**
 * Files that a message names and that are meant with it: pictures of the workspace, and whatever stands
 * behind an `@`. Each word is looked at once, so that a message costs time in proportion to its length.
 */

import { isFault } from '../../kernel/fault.ts'
import type { InputPart } from '../../kernel/part.ts'
import type { Piece, Workspace } from '../../kernel/workspace.ts'

const MAX_FILES = 4
const MAX_BYTES = 5 * 1024 * 1024
const MAX_TEXT_BYTES = 256 * 1024
/** Words that look like files and are none; more of them are not tried. */
const MAX_TRIES = 32
const MAX_WORD = 300

const PICTURES: Record<string, string> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
}

/** To be said behind the message. What is not there, or not to be read, is only a word. */
export async function filesNamed(
  text: string,
  open: () => Promise<Workspace | null>,
): Promise<InputPart[]> {
  const names = namesIn(text)
  const files = names.length > 0 ? await open() : null
  if (files === null) return []
  const parts: InputPart[] = []
  for (const named of names) {
    if (parts.length === MAX_FILES) break
    const part = await partOf(files, named)
    if (part) parts.push(part)
  }
  return parts
}

interface Named {
  path: string
  picture: string | undefined
}

function namesIn(text: string): Named[] {
  const found = new Map<string, Named>()
  for (const [word] of text.matchAll(/\S+/g)) {
    if (word.length > MAX_WORD) continue
    const bare = stripped(word)
    const isMeant = bare.startsWith('@')
    const path = isMeant ? bare.slice(1) : bare
    const dot = path.lastIndexOf('.')
    if (dot < 1 || dot === path.length - 1) continue
    const picture = PICTURES[path.slice(dot + 1).toLowerCase()]
    if (isMeant || picture) found.set(path, { path, picture })
    if (found.size === MAX_TRIES) break
  }
  return [...found.values()]
}

const AROUND = '.,;:!?()[]{}<>\'"`'

/** A name in brackets or quotes, or at the end of a sentence. */
function stripped(word: string): string {
  let from = 0
  let to = word.length
  while (from < to && AROUND.includes(word[from] as string) && word[from] !== '.') from++
  while (to > from && AROUND.includes(word[to - 1] as string)) to--
  return word.slice(from, to)
}

async function partOf(files: Workspace, { path, picture }: Named): Promise<InputPart | null> {
  const piece = await readable(files, path, picture ? MAX_BYTES : MAX_TEXT_BYTES)
  if (piece === null) return null
  const bytes = Buffer.from(piece.bytes)
  if (picture)
    return piece.truncated
      ? null
      : { kind: 'image', media: picture, data: bytes.toString('base64') }
  // What is no text would make a model refuse the whole conversation.
  if (bytes.includes(0)) return null
  const text = new TextDecoder().decode(bytes, { stream: piece.truncated })
  return { kind: 'text', text: `\n[file: ${path}]\n${text}\n` }
}

async function readable(files: Workspace, path: string, maxBytes: number): Promise<Piece | null> {
  try {
    return await files.read(path, { maxBytes })
  } catch (error) {
    if (isFault(error)) return null
    throw error
  }
}
