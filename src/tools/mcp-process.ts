/** Speaks MCP with a server that is a process: a message a line, in both directions. */

import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'
import type { Talk } from '../kernel/workspace.ts'

export interface ProcessTransport extends Transport {
  /** The end of what it wrote to its error output. */
  complaint(): string
}

const MAX_COMPLAINT = 2_000

/** `start` starts the process; it is called once, when the line is opened. */
export async function createProcessTransport(
  start: () => Promise<Talk>,
): Promise<ProcessTransport> {
  const { ReadBuffer, serializeMessage } = await import('@modelcontextprotocol/sdk/shared/stdio.js')
  const buffer = new ReadBuffer()
  let starting: Promise<Talk> | null = null
  let complaint = ''

  const receive = (chunk: Uint8Array): void => {
    try {
      buffer.append(Buffer.from(chunk))
    } catch (error) {
      transport.onerror?.(error as Error)
      void transport.close()
      return
    }
    for (;;) {
      try {
        const message = buffer.readMessage()
        if (message === null) return
        transport.onmessage?.(message)
      } catch (error) {
        // A line that is no message (a greeting, a log) is skipped.
        transport.onerror?.(error as Error)
      }
    }
  }
  const transport: ProcessTransport = {
    async start() {
      starting = start()
      const talk = await starting
      talk.hear({
        stdout: receive,
        stderr: (chunk) => {
          complaint = (complaint + Buffer.from(chunk).toString('utf8')).slice(-MAX_COMPLAINT)
        },
      })
      void talk.gone.then(() => transport.onclose?.())
    },
    async send(message: JSONRPCMessage) {
      if (!starting) throw new Error('The server was not started.')
      await (await starting).say(serializeMessage(message))
    },
    async close() {
      // A server that never came needs no goodbye.
      const talk = await starting?.catch(() => null)
      await talk?.end()
    },
    complaint: () => complaint.trim(),
  }
  return transport
}
