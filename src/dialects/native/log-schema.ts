/** The forms in which native tells of a log as a whole, and of one moment in it. */

import { integerText, z } from '../../wire/schema.ts'
import { EventView, ThreadView } from './schema.ts'

const seq = () => integerText({ min: 1 })

export const OutlineQuery = z.object({
  after: integerText({ min: 0 }).optional().describe('The last seq already seen; default 0.'),
  limit: integerText({ min: 1, max: 50_000 }).optional().describe('Default 20000.'),
})

export const Outline = z.object({
  first: z.number().int().describe('The seq of the first row; the others follow without gap.'),
  types: z.array(z.string()).describe('The types that occur, for `rows` to point at.'),
  runs: z.array(z.string()).describe('The runs that occur, for `rows` to point at.'),
  rows: z
    .array(z.array(z.number()))
    .describe('`[type, run, at]` for each event: two indexes (-1: no run) and epoch milliseconds.'),
  next: z.number().int().describe('Send it as `after` to read on.'),
  isComplete: z.boolean(),
})

export const MomentQuery = z.object({
  messages: integerText({ min: 0, max: 100 })
    .optional()
    .describe('How many of the transcript, newest; default 0.'),
})

export const FramesQuery = z.object({
  from: seq().optional().describe('The first seq; default 1.'),
  limit: integerText({ min: 1, max: 500 }).optional().describe('Default 100.'),
})

const Frame = z.object({
  text: z.string().describe('As it goes over the wire; its beginning when it is long.'),
  bytes: z.number().int(),
  isCut: z.boolean(),
})

const Stream = z.object({
  dialect: z.string(),
  stream: z.string().describe("Where clients read it, as the dialect's documentation says it."),
  carrier: z.enum(['sse', 'socket']),
})

export const MomentView = z.object({
  event: EventView,
  before: ThreadView.nullable().describe('The fold before the event; null at the first.'),
  after: ThreadView.describe('The fold after it.'),
  dialects: z.array(Stream.extend({ frames: z.array(Frame) })),
})

export const FramePage = z.object({
  dialects: z.array(Stream),
  items: z.array(
    z.object({
      seq: z.number().int(),
      type: z.string(),
      frames: z.array(z.array(Frame)).describe('In the order of `dialects`.'),
    }),
  ),
  next: z.number().int().nullable().describe('Send it as `from` to read on.'),
})
