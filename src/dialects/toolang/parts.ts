/**
 * Message parts as Toolang writes them, and the kernel's input parts they mean. Pure. What the kernel
 * cannot say (a file known by id, a tool's result in a user's message) becomes words for the model.
 */

import type { InputPart, Json } from '../../kernel/part.ts'
import { detail } from './faults.ts'

export type Part = { type: string; [key: string]: Json }
type Fields = Record<string, unknown>

/** The parts as they are stored and echoed; throws the Fault that refuses one. */
export const partsOf = (given: readonly Fields[]): Part[] =>
  given.map((fields) => readable(readPart(fields)))

/** Bytes that are none would spoil every later run of the thread: no model takes them. */
function readable(part: Part): Part {
  const data = bytesIn(part)
  if (data === null || /^[A-Za-z0-9+/_-]+={0,2}$/.test(data.replace(/\s/g, ''))) return part
  throw refused(`${part.type} part requires its data in base64`)
}

function bytesIn(part: Part): string | null {
  if (part.type === 'image') return dataUrl(text(part.image_url))?.data ?? null
  if (part.type === 'audio') return text(part.data)
  if (part.type !== 'file' || part.file_data === undefined) return null
  return dataUrl(text(part.file_data))?.data ?? text(part.file_data)
}

function readPart(fields: Fields): Part {
  const type = text(fields.type)
  switch (type) {
    case 'text':
      return { type, text: text(fields.text) }
    case 'image':
      return image(fields)
    case 'audio':
      return audio(fields)
    case 'file':
      return file(fields)
    case 'tool_call':
      return tool(type, fields, 'input')
    case 'tool_result':
      return tool(type, fields, 'output')
    default:
      throw refused(`unknown message part type: ${type || '<empty>'}`)
  }
}

const refused = (message: string) => detail('invalid', message)

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

/** Only what is there. */
const some = (fields: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''))

const named = (fields: Fields) =>
  some({ filename: text(fields.filename), media_type: text(fields.media_type) })

const DETAILS = ['low', 'high', 'auto', 'original']

function image(fields: Fields): Part {
  const places = some({ image_url: text(fields.image_url), file_id: text(fields.file_id) })
  if (Object.keys(places).length === 0) throw refused('image part requires image_url or file_id')
  const level = text(fields.detail) || 'auto'
  if (!DETAILS.includes(level)) throw refused(`unsupported image detail: ${level}`)
  return { type: 'image', detail: level, ...places, ...named(fields) }
}

const FORMATS: Record<string, string> = {
  'audio/mpeg': 'mp3',
  'audio/mp3': 'mp3',
  'audio/wav': 'wav',
  'audio/x-wav': 'wav',
  'audio/wave': 'wav',
}

function audio(fields: Fields): Part {
  const url = dataUrl(text(fields.data_url) || text(fields.data))
  const data = url?.data ?? text(fields.data)
  if (data === '') throw refused('audio part requires data or data_url')
  const media = text(fields.media_type) || (url?.media ?? '')
  const format = text(fields.format) || (FORMATS[media] ?? '')
  if (format !== 'mp3' && format !== 'wav')
    throw refused('audio part requires format=mp3|wav or one inferable from media_type/data_url')
  const rest = some({ filename: text(fields.filename), media_type: media })
  return { type: 'audio', data, format, ...rest }
}

function file(fields: Fields): Part {
  const url = dataUrl(text(fields.data_url))
  const places = some({
    file_data: text(fields.file_data) || (url?.data ?? ''),
    file_url: text(fields.file_url),
    file_id: text(fields.file_id),
  })
  if (Object.keys(places).length === 0)
    throw refused('file part requires file_data, file_url, file_id, or data_url')
  const media = text(fields.media_type) || (url?.media ?? '')
  return {
    type: 'file',
    ...places,
    ...some({ filename: text(fields.filename), media_type: media }),
  }
}

function tool(type: 'tool_call' | 'tool_result', fields: Fields, body: 'input' | 'output'): Part {
  const value = fields[body]
  const call = text(fields.call_id)
  return {
    type,
    tool_call_id: text(fields.tool_call_id),
    tool_name: text(fields.tool_name),
    tool_family: text(fields.tool_family),
    [body]: typeof value === 'object' && value !== null ? (value as Json) : {},
    ...(call === '' ? {} : { call_id: call }),
  }
}

function dataUrl(value: string): { media: string; data: string } | null {
  const found = /^data:([^;,]*)(?:;[^,]*)?;base64,(.*)$/s.exec(value)
  return found ? { media: found[1] ?? '', data: found[2] ?? '' } : null
}

// ---- to the kernel and back ---------------------------------------------------------------------

export const inputOf = (parts: readonly Part[]): InputPart[] => parts.map(toInput)

function toInput(part: Part): InputPart {
  const media = text(part.media_type)
  const name = text(part.filename) === '' ? {} : { name: text(part.filename) }
  switch (part.type) {
    case 'text':
      return { kind: 'text', text: text(part.text) }
    case 'image': {
      const url = text(part.image_url)
      const inline = dataUrl(url)
      if (inline) return { kind: 'image', media: inline.media || media, ...name, data: inline.data }
      if (url !== '') return { kind: 'image', media: media || 'image/png', ...name, url }
      return { kind: 'text', text: `[image ${text(part.file_id)}]` }
    }
    case 'audio': {
      const format = text(part.format) === 'mp3' ? 'audio/mpeg' : 'audio/wav'
      return { kind: 'audio', media: media || format, ...name, data: text(part.data) }
    }
    case 'file': {
      const inline = dataUrl(text(part.file_data))
      const own = media || inline?.media || 'application/octet-stream'
      if (text(part.file_data) !== '')
        return { kind: 'file', media: own, ...name, data: inline?.data ?? text(part.file_data) }
      if (text(part.file_url) !== '')
        return { kind: 'file', media: own, ...name, url: text(part.file_url) }
      return { kind: 'text', text: `[file ${text(part.file_id)}]` }
    }
    default:
      return { kind: 'text', text: JSON.stringify(part) }
  }
}

/** Input that came through another dialect, as Toolang would have written it. */
export const fromInput = (input: readonly InputPart[]): Part[] => input.map(toPart)

function toPart(part: InputPart): Part {
  if (part.kind === 'text') return { type: 'text', text: part.text }
  const rest = some({ filename: part.name ?? '', media_type: part.media })
  const { data, url } = part
  switch (part.kind) {
    case 'image': {
      const address = data === undefined ? (url ?? '') : `data:${part.media};base64,${data}`
      return { type: 'image', detail: 'auto', image_url: address, ...rest }
    }
    case 'audio':
      return { type: 'audio', data: data ?? '', format: FORMATS[part.media] ?? 'wav', ...rest }
    case 'file':
      return {
        type: 'file',
        ...(data === undefined ? { file_url: url ?? '' } : { file_data: data }),
        ...rest,
      }
  }
}

/** Text with its white space collapsed, attachments by name: what lists show of a message. */
export const gist = (parts: readonly Part[]): string =>
  parts
    .map((p) => {
      if (p.type === 'text') return text(p.text)
      if (p.type === 'tool_call' || p.type === 'tool_result') return ''
      return `[${p.type}${text(p.filename) === '' ? '' : `:${text(p.filename)}`}]`
    })
    .join(' ')
    .replace(/\s+/g, ' ')
    .trim()
