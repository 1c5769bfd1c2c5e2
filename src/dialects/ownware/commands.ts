/** Requests as kernel commands. Pure; what cannot be a command is a Fault in Ownware's words. */

import type { CommandOf } from '../../kernel/command.ts'
import type { Origin } from '../../kernel/event.ts'
import { Fault } from '../../kernel/fault.ts'
import type { InputPart, Json } from '../../kernel/part.ts'
import type { Request } from '../../kernel/ports.ts'
import { refusal } from './faults.ts'
import { decodedBytes } from './frame.ts'
import type { ResumeBody, RunBody } from './schema.ts'

export type Submit = Extract<Request, { do: 'submit' }>

export const LIMITS = {
  maxCount: 8,
  maxItemDecodedBytes: 4_194_304,
  maxTotalDecodedBytes: 6_291_456,
  maxFilenameCharacters: 255,
}
const MAX_MIME_CHARACTERS = 127

/** A run never waits here: a thread that has one refuses the next. */
export function submitOf(body: RunBody, origin: Origin, model: string | null): Submit {
  const instructions = instructionsOf(body)
  return {
    do: 'submit',
    busy: 'reject',
    input: [{ kind: 'text', text: body.prompt }, ...partsOf(body.attachments ?? [])],
    origin,
    ...(model === null ? {} : { model }),
    ...(instructions === '' ? {} : { instructions }),
  }
}

function instructionsOf({ systemPromptAppend, activeContext }: RunBody): string {
  const skills = activeContext?.skills ?? []
  const names = skills.map((s) => `- ${s.name}`).join('\n')
  const wanted = names === '' ? '' : `The user wants these skills to be used:\n${names}`
  return [systemPromptAppend ?? '', wanted].filter((t) => t !== '').join('\n\n')
}

type Attached = NonNullable<RunBody['attachments']>

const partsOf = (attachments: Attached): InputPart[] =>
  attachments.map(({ filename: name, data, mimeType: media }) => ({
    kind: media.startsWith('image/') ? 'image' : 'file',
    media,
    name,
    data,
  }))

/** Null when all attachments may be sent. */
export function attachmentFault(attachments: Attached): Fault | null {
  if (attachments.length > LIMITS.maxCount) return badAttachment('count_exceeded', LIMITS.maxCount)
  let total = 0
  for (const [index, { filename, data, mimeType }] of attachments.entries()) {
    if (filename.length === 0 || filename.length > LIMITS.maxFilenameCharacters)
      return badAttachment('filename_invalid', index)
    if (mimeType.length > MAX_MIME_CHARACTERS || !/^[\w.+-]+\/[\w.+-]+(;.*)?$/.test(mimeType))
      return badAttachment('mime_type_invalid', index)
    if (!isBase64(data)) return badAttachment('base64_invalid', index)
    const bytes = decodedBytes(data)
    if (bytes > LIMITS.maxItemDecodedBytes) return badAttachment('item_too_large', index)
    total += bytes
    if (total > LIMITS.maxTotalDecodedBytes) return badAttachment('total_too_large', index)
  }
  return null
}

const badAttachment = (reason: string, index: number): Fault =>
  refusal('invalid', 'attachment_invalid', 'Attachment input is invalid.', {
    reason,
    index,
    limits: LIMITS,
  })

const isBase64 = (text: string): boolean =>
  text.length > 0 && text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text)

// ---- answers ----------------------------------------------------------------------------------

const ACTIONS = ['approve', 'deny', 'always', 'answer', 'allow_folder_session'] as const
type Action = (typeof ACTIONS)[number]

export type Answer = Omit<CommandOf<'answer'>, 'ask' | 'call'>

export interface Resume {
  action: Action
  requestId: string | null
  allow: boolean
  command: Answer
  /** The approval is kept as a grant. */
  remember: boolean
}

/** A yes is also an answer to a question, for clients that know only yes and no. */
export function resumeOf(body: ResumeBody, origin: Origin): Resume {
  const action = actionOf(body)
  const requestId = body.requestId ?? null
  const allow = action !== 'deny'
  const remember = action === 'always'
  if (action === 'answer') {
    const command: Answer = { do: 'answer', origin, answer: answerOf(body) }
    return { action, requestId, allow, command, remember }
  }
  const command: Answer = { do: 'answer', origin, allow, ...(allow ? { answer: 'yes' } : {}) }
  return { action, requestId, allow, command, remember }
}

function actionOf(body: ResumeBody): Action {
  const { action } = body
  if (action === undefined || action === null || action === '')
    throw new Fault('invalid', 'Missing required field: action')
  const known = ACTIONS.find((a) => a === action)
  if (!known) {
    const shown = typeof action === 'string' ? ` ${JSON.stringify(action.slice(0, 100))}` : ''
    throw new Fault('invalid', `Unknown action${shown}. Use approve, deny, always or answer.`)
  }
  if (known === 'allow_folder_session') throw noFolders(body.grantPath)
  return known
}

/** Tools never leave the workspace here, so the real grant has no counterpart. Said, not faked. */
function noFolders(grantPath: string | undefined): Fault {
  if (grantPath === undefined) return new Fault('invalid', 'Missing required field: grantPath')
  if (grantPath === '/') return new Fault('invalid', 'The root folder cannot be granted.')
  return new Fault(
    'unsupported',
    'Folders outside of the workspace cannot be opened here. Use approve or deny.',
  )
}

function answerOf({ answer }: ResumeBody): Json {
  if (answer === undefined || answer === null || answer === '')
    throw new Fault('invalid', 'Missing required field: answer')
  return answer as Json
}

export const decisionOf = (decision: 'approve' | 'deny', origin: Origin): Answer =>
  decision === 'approve'
    ? { do: 'answer', origin, allow: true, answer: 'yes' }
    : { do: 'answer', origin, allow: false }

export const cancelOf = (origin: Origin, run: string): Extract<Request, { do: 'cancel' }> => ({
  do: 'cancel',
  run,
  reason: null,
  when: 'now',
  queue: 'keep',
  origin,
})

// ---- cursors ----------------------------------------------------------------------------------

/** The number of the last frame a client has seen; null when it does not say. */
export function cursorOf(since: unknown, whose: 'Thread' | 'Run'): number | null {
  if (since === undefined) return null
  const text = Array.isArray(since) ? since[0] : since
  if (typeof text !== 'string' || !/^\d+$/.test(text))
    throw refusal('invalid', 'cursor_invalid', `${whose} cursor must be a non-negative integer`)
  return Math.min(Number(text), Number.MAX_SAFE_INTEGER)
}
