/**
 * What is attached to a message: base64, a data URL, or an address. What is none of these is refused
 * before it becomes part of a conversation that no model could read any more. Pure.
 */

import type { Blob, InputPart } from '../../kernel/part.ts'
import { refusal } from './faults.ts'
import type { ContentPart } from './schema.ts'

type Attached = Exclude<ContentPart, { type: 'text' }>

export function attachment(part: Attached, place: number): Exclude<InputPart, { kind: 'text' }> {
  const { media = '', ...bytes } = sourceOf(part.type === 'image' ? part.image : part.data, place)
  if (part.type === 'image') {
    const known = media || part.mediaType || imageMedia(bytes.data)
    return { kind: 'image', media: known, ...bytes }
  }
  const known = media || part.mediaType
  if (known.startsWith('image/')) return { kind: 'image', media: known, ...bytes }
  const kind = known.startsWith('audio/') ? 'audio' : 'file'
  const name = part.filename === undefined ? {} : { name: part.filename }
  return { kind, media: known, ...name, ...bytes }
}

/** How pictures begin in base64. */
const BEGINNINGS: [string, string][] = [
  ['iVBORw0KGgo', 'image/png'],
  ['/9j/', 'image/jpeg'],
  ['R0lGOD', 'image/gif'],
  ['UklGR', 'image/webp'],
]

const imageMedia = (data = ''): string =>
  BEGINNINGS.find(([beginning]) => data.startsWith(beginning))?.[1] ?? 'image/png'

type Source = Pick<Blob, 'data' | 'url'> & { media?: string }

function sourceOf(source: string, place: number): Source {
  if (/^https?:\/\//i.test(source) && URL.canParse(source)) return { url: source }
  const inline = /^data:([^,]*),(.*)$/s.exec(source)
  if (!inline) return { data: base64(source, place) }
  const [media = '', ...options] = (inline[1] ?? '').split(';')
  const body = inline[2] ?? ''
  const data = options.includes('base64') ? base64(body, place) : unescaped(body, place)
  return { media, data }
}

/** Also in lines, and in the form for addresses. */
function base64(text: string, place: number): string {
  const plain = text.replace(/\s/g, '').replaceAll('-', '+').replaceAll('_', '/')
  if (/^[A-Za-z0-9+/]+={0,2}$/.test(plain)) return plain
  throw unreadable(place)
}

function unescaped(text: string, place: number): string {
  try {
    return Buffer.from(decodeURIComponent(text)).toString('base64')
  } catch {
    throw unreadable(place)
  }
}

const unreadable = (place: number) =>
  refusal(
    'invalid',
    'invalid_request',
    `content.${place}: Attach it as base64, as a data: URL, or as an http or https address.`,
  )
