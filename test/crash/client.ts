/**
 * Clients that do not give up: they follow a thread over any number of server deaths with nothing
 * but their own cursor, and write down every frame they are told.
 */

import { setTimeout as pause } from 'node:timers/promises'
import { frames, json, type SseFrame } from '../support/sse.ts'

export interface Told {
  cursor: number
  frame: SseFrame
  data: Record<string, unknown>
}

export interface Follower {
  told: Told[]
  /** Connections made. */
  connects: number
  close(): void
}

export interface FollowSpec {
  /** The stream from a cursor on. */
  url(cursor: number): string
  /** The frame's own cursor; null for frames of the connection. */
  cursorOf(frame: SseFrame, data: Record<string, unknown>): number | null
}

export const NATIVE: (base: () => string, thread: string) => FollowSpec = (base, thread) => ({
  url: (cursor) => `${base()}/manifold/v1/threads/${thread}/stream?after=${cursor}`,
  cursorOf: (frame) => (frame.id === null ? null : Number(frame.id)),
})

export const OWNWARE: (base: () => string, thread: string) => FollowSpec = (base, thread) => ({
  url: (cursor) => `${base()}/api/v1/threads/${thread}/agents/root/events?since=${cursor}`,
  cursorOf: (_, data) => (typeof data.seq === 'number' ? data.seq : null),
})

export function follow(spec: FollowSpec): Follower {
  const stop = new AbortController()
  const follower: Follower = { told: [], connects: 0, close: () => stop.abort() }
  void run(spec, follower, stop.signal)
  return follower
}

async function run(spec: FollowSpec, follower: Follower, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const cursor = follower.told.at(-1)?.cursor ?? 0
    try {
      const response = await fetch(spec.url(cursor), {
        signal,
        headers: { accept: 'text/event-stream' },
      })
      if (response.ok) {
        follower.connects++
        for await (const frame of frames(response)) hear(spec, follower, frame)
      } else await response.body?.cancel()
    } catch {
      // The server is dead or dying; it will be back.
    }
    await pause(20)
  }
}

function hear(spec: FollowSpec, follower: Follower, frame: SseFrame): void {
  if (frame.data === '') return
  const data = json(frame)
  const cursor = spec.cursorOf(frame, data)
  if (cursor !== null) follower.told.push({ cursor, frame, data })
}

/** Sends until the server answers; only an answer counts. */
export async function insist(
  base: () => string,
  path: string,
  init: RequestInit,
  signal: AbortSignal,
): Promise<Response> {
  for (;;) {
    signal.throwIfAborted()
    try {
      const response = await fetch(base() + path, { ...init, signal })
      if (response.status < 500) return response
      await response.body?.cancel()
    } catch (error) {
      if (signal.aborted) throw error
    }
    await pause(25)
  }
}
