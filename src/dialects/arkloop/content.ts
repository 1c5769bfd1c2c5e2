/** What a message may hold: text, images and files that were staged before. */

import type { InputPart } from '../../kernel/part.ts'
import type { Engine } from '../../kernel/ports.ts'
import { readAttachment } from './attachment.ts'
import { invalid } from './faults.ts'
import type { Posted } from './message.ts'
import type { MessageBody, Part } from './schema.ts'

const MAX_RUNES = 20_000
const MAX_ATTACHMENTS = 8
const MAX_TOTAL_BYTES = 20 * 1024 * 1024

const wrong = (message: string, reason: string) => invalid(message, { reason })

/** `content_json` wins over `content`. */
export async function contentOf(
  engine: Engine,
  user: string,
  body: MessageBody,
): Promise<Pick<Posted, 'content' | 'parts' | 'input'>> {
  const parts: Part[] = body.content_json?.parts ?? [{ type: 'text', text: body.content ?? '' }]
  const texts = parts.flatMap((p) => (p.type === 'text' ? [p.text] : []))
  const content = texts.join('\n\n').trim()
  const attached = parts.filter((p) => p.type !== 'text')
  if (content === '' && attached.length === 0)
    throw wrong('content must not be empty', 'content_empty')
  if ([...content].length > MAX_RUNES) throw wrong('content too long', 'content_too_long')
  if (attached.length > MAX_ATTACHMENTS) throw wrong('too many attachments', 'too_many_attachments')
  const input: InputPart[] = []
  let total = 0
  for (const part of parts) {
    if (part.type === 'text') {
      if (part.text.trim() !== '') input.push({ kind: 'text', text: part.text })
      continue
    }
    const file = await readAttachment(engine, user, part.attachment.key)
    if (!file) throw wrong('attachment not found', 'attachment_not_found')
    if (file.kind !== part.type)
      throw wrong(`attachment is of kind ${file.kind}`, 'attachment_kind')
    total += file.size
    if (total > MAX_TOTAL_BYTES) throw wrong('attachments too large', 'attachments_too_large')
    input.push(inputOf(part, file))
  }
  return { content, parts, input }
}

interface File {
  filename: string
  mime_type: string
  data: string
}

/** A text that was taken out of a file is what the model reads of it. */
function inputOf(part: Exclude<Part, { type: 'text' }>, file: File): InputPart {
  const { filename: name, mime_type: media, data } = file
  if (part.type === 'image') return { kind: 'image', media, name, data }
  const text = Buffer.from(data, 'base64').toString('utf8')
  return { kind: 'text', text: `File ${name}:\n${text}` }
}
