/** The forms in which native tells of the server itself: how it fares, and how it is reached. */

import { z } from '../../wire/schema.ts'

const Problem = z.object({ file: z.string(), problem: z.string() })

export const ServerView = z.object({
  version: z.string(),
  node: z.string(),
  platform: z.string(),
  startedAt: z.number().int(),
  uptimeMs: z.number().int(),
  dataFolder: z.string(),
  workspace: z.string(),
  memory: z.object({
    residentBytes: z.number().int(),
    heapUsedBytes: z.number().int(),
    heapTotalBytes: z.number().int(),
  }),
  store: z.looseObject({ ok: z.boolean() }).describe('What it is and how it fares.'),
  sandbox: z.object({
    mode: z.string(),
    isolated: z.boolean().describe('Commands see the workspace and nothing else.'),
    notice: z.string().nullable(),
  }),
  models: z.object({
    preferred: z.string(),
    providers: z.array(
      z.object({
        provider: z.string(),
        models: z.number().int(),
        usable: z.number().int().describe('0: no credential, or nothing answers.'),
      }),
    ),
    endpoints: z.array(
      z.object({
        name: z.string(),
        kind: z.string(),
        baseUrl: z.string().nullable(),
        hasKey: z.boolean(),
      }),
    ),
  }),
  catalog: z.object({ agents: z.number().int(), problems: z.array(Problem) }),
  engine: z.record(z.string(), z.number()).describe('What is going on now.'),
})

const Way = z.object({
  kind: z.enum(['root', 'prefix', 'port']),
  url: z.string(),
})

export const Connect = z.object({
  items: z.array(
    z.object({
      dialect: z.string(),
      about: z.string(),
      ways: z.array(Way).describe('Where it answers: at its own paths, under its name, alone.'),
      credential: z.object({
        isNeeded: z.boolean(),
        file: z.string().describe('Where it is on the machine of the server.'),
        print: z.string().describe('The shell command that prints it there.'),
      }),
      snippets: z
        .array(z.object({ title: z.string(), code: z.string() }))
        .describe('For a shell in which `BASE` and, where it is needed, `TOKEN` are set.'),
    }),
  ),
})

export const Token = z.object({ dialect: z.string(), token: z.string() })
