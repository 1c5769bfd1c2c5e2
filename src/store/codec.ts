/**
 * Events as the log keeps them: one JSON text for a chunk of consecutive events. What the row says
 * already (thread, first seq) is left out, and a series of deltas of the same part is one text with
 * its cuts. Decoding gives back exactly what was encoded: every boundary, seq and time.
 */

import { deflateRaw, inflateRawSync } from 'node:zlib'
import { type DeltaType, type Event, isDelta } from '../kernel/event.ts'
import type { Json } from '../kernel/part.ts'

/** A delta's place in this list is its name on disk: never reorder, only add. */
const DELTAS: DeltaType[] = ['text.delta', 'thinking.delta', 'call.delta', 'tool.progressed']

/** The keys of each delta's data, in order; `text` is the last. Another form is kept as it is. */
const HEADS: Record<DeltaType, string[]> = {
  'text.delta': ['turn', 'part'],
  'thinking.delta': ['turn', 'part'],
  'call.delta': ['turn', 'part', 'call'],
  'tool.progressed': ['turn', 'call'],
}

const PACKED = 'z:'

/** Stands for "the same run as the event before". */
const SAME = 0

type RunRef = string | null | typeof SAME
type Whole = [type: string, dt: number, run: RunRef, data: Json]
type Single = [code: number, dt: number, run: RunRef, head: Json[], text: string]
type Series = [code: number, dts: number[], run: RunRef, head: Json[], text: string, cuts: number[]]
type Item = Whole | Single | Series

interface OpenSeries {
  code: number
  run: string | null
  ref: RunRef
  head: Json[]
  dts: number[]
  texts: string[]
}

/** About how many characters the events have as text; what packing is bounded by. */
export const sizeOf = (events: readonly Event[]): number =>
  events.reduce((sum, e) => sum + 4 + (isDelta(e.type) ? textIn(e).length : 64), 0)

export const hasMilestone = (events: readonly Event[]): boolean =>
  events.some((e) => !isDelta(e.type))

/** The events must be consecutive and of one thread. */
export function encode(events: readonly Event[]): string {
  const [only] = events
  if (only && events.length === 1) return encodeOne(only)
  const start = events[0]?.at ?? 0
  const items: (number | Item)[] = [start]
  let at = start
  let run: string | null | undefined
  let open: OpenSeries | null = null
  for (const event of events) {
    const dt = event.at - at
    const head = headOf(event)
    if (open && head && continues(open, event, head)) {
      open.dts.push(dt)
      open.texts.push(textIn(event))
    } else {
      if (open) items.push(close(open))
      const ref = event.run === run ? SAME : event.run
      open = head && begin(event, head, ref, dt)
      if (!open) items.push([event.type, dt, ref, event.data as unknown as Json])
    }
    at = event.at
    run = event.run
  }
  if (open) items.push(close(open))
  return JSON.stringify(items)
}

/** The same for a single event, which most appends are made of. */
function encodeOne(event: Event): string {
  const head = headOf(event)
  const code = DELTAS.indexOf(event.type as DeltaType)
  const item: Whole | Single = head
    ? [code, 0, event.run, head, textIn(event)]
    : [event.type, 0, event.run, event.data as unknown as Json]
  return JSON.stringify([event.at, item])
}

const textIn = (event: Event): string => (event.data as { text: string }).text

/** The data of a delta without its text; null when the event does not have the usual form. */
function headOf(event: Event): Json[] | null {
  if (!isDelta(event.type)) return null
  const names = HEADS[event.type]
  const keys = Object.keys(event.data)
  if (keys.length !== names.length + 1 || keys[names.length] !== 'text') return null
  if (!names.every((name, i) => keys[i] === name)) return null
  const data = event.data as unknown as Record<string, Json>
  return typeof data.text === 'string' ? names.map((name) => data[name] as Json) : null
}

const begin = (event: Event, head: Json[], ref: RunRef, dt: number): OpenSeries => ({
  code: DELTAS.indexOf(event.type as DeltaType),
  run: event.run,
  ref,
  head,
  dts: [dt],
  texts: [textIn(event)],
})

const continues = (open: OpenSeries, event: Event, head: Json[]): boolean =>
  DELTAS[open.code] === event.type &&
  open.run === event.run &&
  open.head.every((value, i) => value === head[i])

function close(open: OpenSeries): Item {
  const { code, ref, head, dts, texts } = open
  if (texts.length === 1) return [code, dts[0] as number, ref, head, texts[0] as string]
  return [code, dts, ref, head, texts.join(''), texts.map((t) => t.length)]
}

/** The events of a body, packed or not. */
export function decode(thread: string, firstSeq: number, body: string): Event[] {
  const [start, ...items] = JSON.parse(unpack(body)) as [number, ...Item[]]
  const events: Event[] = []
  let at = start
  let run: string | null = null
  const add = (type: string, dt: number, data: unknown): void => {
    at += dt
    events.push({ thread, seq: firstSeq + events.length, at, type, run, data } as Event)
  }
  for (const item of items) {
    run = item[2] === SAME ? run : item[2]
    if (isWhole(item)) add(item[0], item[1], item[3])
    else for (const [dt, data] of piecesOf(item)) add(DELTAS[item[0]] as string, dt, data)
  }
  return events
}

const isWhole = (item: Item): item is Whole => typeof item[0] === 'string'

function* piecesOf(item: Single | Series): Generator<[dt: number, data: Record<string, Json>]> {
  const [code, dts, , head, text, cuts] = item
  const names = HEADS[DELTAS[code] as DeltaType]
  const dataOf = (piece: string): Record<string, Json> => {
    const data: Record<string, Json> = {}
    for (let i = 0; i < names.length; i++) data[names[i] as string] = head[i] as Json
    data.text = piece
    return data
  }
  if (typeof dts === 'number') return yield [dts, dataOf(text)]
  let from = 0
  for (let i = 0; i < dts.length; i++) {
    const to = from + ((cuts as number[])[i] as number)
    yield [dts[i] as number, dataOf(text.slice(from, to))]
    from = to
  }
}

/** Small bodies need a small window: the memory for a large one costs more than the packing. */
const SMALL = { windowBits: 12, memLevel: 4 }
const SMALL_BODY = 8_192

/** The body in less space. */
export const pack = (body: string): Promise<string> =>
  new Promise((resolve, reject) => {
    deflateRaw(body, body.length > SMALL_BODY ? {} : SMALL, (error, bytes) =>
      error ? reject(error) : resolve(PACKED + bytes.toString('base64')),
    )
  })

const unpack = (body: string): string =>
  body.startsWith(PACKED)
    ? inflateRawSync(Buffer.from(body.slice(PACKED.length), 'base64')).toString('utf8')
    : body
