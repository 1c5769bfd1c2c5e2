/** Files that somebody has sent ahead of a message: images, and texts. Only their sender can use them. */

import type { Readable } from 'node:stream'
import type { Engine } from '../../kernel/ports.ts'
import { invalid } from './faults.ts'

const KIND = 'arkloop.attachment'

const IMAGES = ['image/png', 'image/jpeg', 'image/webp', 'image/gif']
export const MAX_IMAGE_BYTES = 10 * 1024 * 1024
const MAX_TEXT_BYTES = 1024 * 1024

export interface Attachment {
  key: string
  filename: string
  mime_type: string
  size: number
  kind: 'image' | 'file'
  /** Base64. */
  data: string
}

export async function readAttachment(
  engine: Engine,
  user: string,
  key: string,
): Promise<Attachment | null> {
  return (await engine.store.get(KIND, `${user}/${key}`)) as unknown as Attachment | null
}

/** Takes the file out of a form; one file, in the field `file`. */
export async function stage(
  engine: Engine,
  user: string,
  key: string,
  { raw, headers }: { raw: Readable; headers: Record<string, string | undefined> },
): Promise<Attachment> {
  const file = await fileIn(raw, headers['content-type'] ?? '')
  const bytes = Buffer.from(await file.arrayBuffer())
  const isImage = IMAGES.includes(file.type)
  if (bytes.length === 0) throw invalid('file is empty', { reason: 'file_empty' })
  if (bytes.length > (isImage ? MAX_IMAGE_BYTES : MAX_TEXT_BYTES))
    throw invalid('file too large', { reason: 'file_too_large' })
  if (!isImage && !isText(bytes))
    throw invalid('unsupported file type', { reason: 'unsupported_type' })
  const attachment: Attachment = {
    key,
    filename: file.name.slice(0, 255) || 'file',
    mime_type: isImage ? file.type : file.type || 'text/plain',
    size: bytes.length,
    kind: isImage ? 'image' : 'file',
    data: bytes.toString('base64'),
  }
  await engine.store.put({ kind: KIND, key: `${user}/${key}`, body: { ...attachment } })
  return attachment
}

async function fileIn(raw: Readable, type: string): Promise<File> {
  if (!type.toLowerCase().startsWith('multipart/form-data'))
    throw invalid('multipart form expected', { reason: 'not_multipart' })
  const chunks: Buffer[] = []
  for await (const chunk of raw) chunks.push(chunk as Buffer)
  const form = await new Response(Buffer.concat(chunks), { headers: { 'content-type': type } })
    .formData()
    .catch(() => null)
  const file = form?.get('file')
  if (file instanceof File) return file
  throw invalid('file is required', { reason: 'file_missing' })
}

function isText(bytes: Buffer): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return !bytes.includes(0)
  } catch {
    return false
  }
}

export const attachmentView = ({ data, ...shown }: Attachment) => ({
  ...shown,
  ...(shown.kind === 'file'
    ? { extracted_text: Buffer.from(data, 'base64').toString('utf8') }
    : {}),
})
