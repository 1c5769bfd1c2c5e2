/**
 * One HTTP exchange with a provider: how long it may be silent, where it may be sent, and that its
 * socket closes when nobody listens any more. A key never follows a redirect to another host.
 */

import { redirected, timedOut } from './failure.ts'

export interface Exchange {
  fetch: typeof fetch
  /** The last bytes of the answer's body, as far as they came. */
  tail(): string
  /** Ends everything that is still open. */
  close(): void
}

export interface Limits {
  firstByteMs: number
  stallMs: number
}

export function openExchange(limits: Limits, signal: AbortSignal): Exchange {
  const stop = new AbortController()
  const abort = (): void => stop.abort(signal.reason)
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  let last: Uint8Array[] = []
  const guard = watch(limits, (error) => stop.abort(error))
  return {
    async fetch(input, init) {
      guard.begin()
      try {
        const response = await follow(String(input), { ...init, signal: stop.signal })
        if (!response.body) return response
        const body = guarded(response.body, guard, (bytes) => {
          last = [...last.slice(-1), bytes]
        })
        return new Response(body, response)
      } catch (error) {
        guard.end()
        // Aborting rejects with the reason on some paths and with a plain AbortError on others.
        throw stop.signal.aborted && stop.signal.reason instanceof Error
          ? stop.signal.reason
          : error
      }
    },
    tail: () => Buffer.concat(last).toString('latin1').slice(-64),
    close() {
      signal.removeEventListener('abort', abort)
      guard.end()
      stop.abort()
    },
  }
}

interface Watch {
  begin(): void
  heard(): void
  end(): void
}

/** One timer for the wait until the first byte, then one for every silence. */
function watch({ firstByteMs, stallMs }: Limits, expire: (error: Error) => void): Watch {
  let timer: NodeJS.Timeout | null = null
  let isStreaming = false
  const start = (ms: number, text: string): void => {
    if (timer) clearTimeout(timer)
    timer = setTimeout(() => expire(timedOut(text)), ms)
  }
  return {
    begin() {
      isStreaming = false
      start(firstByteMs, `No answer within ${firstByteMs / 1_000} s.`)
    },
    heard() {
      if (isStreaming) timer?.refresh()
      else start(stallMs, `The answer stalled: nothing came for ${stallMs / 1_000} s.`)
      isStreaming = true
    },
    end() {
      if (timer) clearTimeout(timer)
      timer = null
    },
  }
}

function guarded(
  body: ReadableStream<Uint8Array>,
  guard: Watch,
  heard: (bytes: Uint8Array) => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          if (done) {
            guard.end()
            controller.close()
            return
          }
          guard.heard()
          heard(value)
          controller.enqueue(value)
        } catch (error) {
          guard.end()
          controller.error(error)
        }
      },
      async cancel(reason) {
        guard.end()
        await reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}

const MAX_REDIRECTS = 3

async function follow(url: string, init: RequestInit): Promise<Response> {
  let at = new URL(url)
  for (let hops = 0; ; hops++) {
    const response = await fetch(at, { ...init, redirect: 'manual' })
    const target = response.headers.get('location')
    if (response.status < 300 || response.status >= 400 || !target) return response
    const next = new URL(target, at)
    await response.body?.cancel()
    const keepsBody = response.status === 307 || response.status === 308
    if (next.origin !== at.origin || !keepsBody || hops >= MAX_REDIRECTS)
      throw redirected(
        `It redirects to ${next.origin}, which is not followed. Set the provider's base URL to the address that answers.`,
      )
    at = next
  }
}
