/** What native requests mean as commands. Pure. */

import type { Origin } from '../../kernel/event.ts'
import type { InputPart } from '../../kernel/part.ts'
import type { NewThread, Principal, Request } from '../../kernel/ports.ts'
import type {
  AnswerBody,
  CancelBody,
  Input,
  OpenBody,
  QueueBody,
  RetryBody,
  SubmitBody,
} from './schema.ts'

type Submit = Extract<Request, { do: 'submit' }>

export const originOf = (principal: Principal): Origin => ({
  dialect: 'native',
  principal: principal.id,
})

/** The same without what was left out: a command has no fields that say nothing. */
export function given<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const said = Object.entries(fields).filter(([, value]) => value !== undefined)
  return Object.fromEntries(said) as { [K in keyof T]: Exclude<T[K], undefined> }
}

export const partsOf = (input: Input): InputPart[] =>
  typeof input === 'string'
    ? [{ kind: 'text', text: input }]
    : input.map((p) => given(p) as InputPart)

export function newThread(
  { model, title, workspace, policy }: Omit<OpenBody, 'input'>,
  agent: string,
  principal: Principal,
): NewThread {
  const { account } = principal
  return {
    ...given({ model, title, workspace, policy }),
    agent,
    account,
    origin: originOf(principal),
  }
}

export function submit(body: SubmitBody, origin: Origin): Submit {
  const { input, busy, agent, model, instructions, sampling, call } = body
  return {
    do: 'submit',
    input: input === undefined ? [] : partsOf(input),
    busy,
    origin,
    ...given({ agent, model, instructions, sampling, call }),
  }
}

export const first = (input: Input, origin: Origin): Submit => ({
  do: 'submit',
  input: partsOf(input),
  busy: 'queue',
  origin,
})

export const cancel = (run: string | undefined, body: CancelBody, origin: Origin): Request => ({
  do: 'cancel',
  ...given({ run }),
  ...body,
  origin,
})

export const steer = (run: string, input: Input, origin: Origin): Request => ({
  do: 'steer',
  run,
  input: partsOf(input),
  origin,
})

/** The schema sees to it that a request says either the one or the other. */
export const requeue = (run: string, { input, place = 0 }: QueueBody, origin: Origin): Request =>
  input === undefined
    ? { do: 'move', run, place, origin }
    : { do: 'edit', run, input: partsOf(input), origin }

export const retry = (of: string, { input, model }: RetryBody, origin: Origin): Request => ({
  do: 'retry',
  of,
  reason: input === undefined ? 'retry' : 'edit',
  origin,
  ...given({ input: input === undefined ? undefined : partsOf(input), model }),
})

export function answer(ask: string, body: AnswerBody, origin: Origin): Request {
  const { remember: _, ...said } = body
  return { do: 'answer', ask, ...given(said), origin } as Request
}
