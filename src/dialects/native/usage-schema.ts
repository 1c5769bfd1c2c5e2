/** The forms in which native tells what was used, and by what. */

import { integerText, listText, timeText, z } from '../../wire/schema.ts'
import { Usage } from './schema.ts'

const UsageKey = z.enum(['day', 'agent', 'model'])

const span = { since: timeText().optional(), until: timeText().optional() }

export const UsageQuery = z.object({
  ...span,
  by: listText(UsageKey).optional().describe('Default `day,agent,model`.'),
})

export const UsageList = z.object({
  items: z.array(
    z.object({
      day: z.string().optional().describe('`YYYY-MM-DD`, UTC.'),
      agent: z.string().optional(),
      model: z.string().optional(),
      calls: z.number().int(),
      usage: Usage,
    }),
  ),
})

export const RunFiguresQuery = z.object(span)

const scanned = {
  runs: z.number().int().describe('So many runs were looked at, the newest first.'),
  of: z.number().int().describe('So many runs there are in the span.'),
}

export const RunFigures = z.object({
  ...scanned,
  dialects: z.array(
    z.object({
      dialect: z.string(),
      runs: z.number().int(),
      failed: z.number().int(),
      usage: Usage,
    }),
  ),
  outcomes: z.array(z.object({ status: z.string(), runs: z.number().int() })),
  failures: z
    .array(
      z.object({
        code: z.string(),
        runs: z.number().int(),
        message: z.string().describe('Of the latest.'),
        latest: z.object({ run: z.string(), thread: z.string(), at: z.number().int() }),
      }),
    )
    .describe('The most frequent first.'),
})

export const ToolFiguresQuery = z.object({
  ...span,
  runs: integerText({ min: 1, max: 1000 }).optional().describe('Look at so many; default 200.'),
})

export const ToolFigures = z.object({
  ...scanned,
  items: z
    .array(
      z.object({
        tool: z.string(),
        calls: z.number().int(),
        failed: z.number().int(),
        denied: z.number().int(),
        medianMs: z.number(),
        p95Ms: z.number(),
        maxMs: z.number(),
        totalMs: z.number(),
        slowest: z.object({ thread: z.string(), run: z.string(), seq: z.number().int() }),
      }),
    )
    .describe('The ones that took longest in all first.'),
})
