/**
 * Every way in which a request can be refused. A dialect's `faults.ts` gives each code its status
 * and shape; anything that is not a Fault is a bug and is told as `internal` without its text.
 */
export const FAULT_CODES = [
  'invalid', // the request does not have the form it must have
  'unauthenticated', // no credential, or one that nobody issued
  'forbidden', // a credential that may not do this
  'not_found', // no such thing, or none that the caller may know of
  'conflict', // the thing is in a state in which this cannot be done
  'busy', // the thread has a run and the caller chose not to wait
  'not_waiting', // an answer, but nothing was asked
  'not_active', // the run has ended
  'duplicate', // the same idempotency key with another request
  'stale', // written on top of something that has changed
  'too_large', // more bytes than the limit
  'limited', // too many requests, or too many runs
  'unknown_agent',
  'unknown_model', // no such provider, or no such model at it
  'no_credentials', // the provider is known, but has no key
  'unavailable', // a part of the server cannot answer now
  'unsupported', // understood, but not something this server does
  'internal',
] as const

export type FaultCode = (typeof FAULT_CODES)[number]

/** An expected failure. `message` is for the person: what is wrong and what to do next. */
export class Fault extends Error {
  readonly code: FaultCode
  /** Facts a dialect may need to fill in its own error body. Never secrets. */
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: FaultCode, message: string, details: Record<string, unknown> = {}) {
    super(message)
    this.name = 'Fault'
    this.code = code
    this.details = details
  }
}

export const isFault = (value: unknown): value is Fault => value instanceof Fault
