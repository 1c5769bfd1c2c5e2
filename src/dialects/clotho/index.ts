/**
 * Clotho's gateway on the kernel's engine. This file says what the dialect is; the README says what
 * it serves, what it leaves out, and where it is better than the system it speaks for.
 */

import { Fault } from '../../kernel/fault.ts'
import type { Engine, Principal } from '../../kernel/ports.ts'
import type { Dialect, Incoming } from '../../wire/dialect.ts'
import type { ClothoSettings } from './context.ts'
import { refuse } from './faults.ts'
import { clothoGuide } from './guide.ts'
import { clothoLens } from './lens.ts'
import { writePolicy } from './record.ts'
import { routes } from './routes.ts'
import { sockets } from './socket.ts'
import { openTokens, type Tokens } from './token.ts'

const LOCAL_PAGES = ['http://localhost:*', 'http://127.0.0.1:*']

/** Its door is its own token, always. */
export function clotho(engine: Engine, settings: ClothoSettings): Dialect {
  const context = { engine, settings }
  const tokens = opened(async () => {
    await writePolicy(engine.store, settings.approvalTimeoutMs)
    return openTokens(settings.dataFolder, settings.clothoHome)
  })
  return {
    name: 'clotho',
    about: "Clotho's gateway: chats and profiles over REST, turns over a WebSocket.",
    routes: routes(context),
    sockets: sockets(context),
    refuse,
    // What fails now is tried again, and told, when the first client comes.
    prepare: () => tokens().then(ignore, ignore),
    admit: async (incoming) => admit(await tokens(), incoming),
    origins: LOCAL_PAGES,
    lens: clothoLens,
    guide: clothoGuide(settings.dataFolder),
  }
}

const ignore = (): void => {}

/** Done once; a failure is forgotten, so that the next one who asks tries again. */
function opened<T>(open: () => Promise<T>): () => Promise<T> {
  let opening: Promise<T> | null = null
  return () => {
    opening ??= open().catch((error) => {
      opening = null
      throw error
    })
    return opening
  }
}

const OWNER: Principal = { id: 'local', account: 'local' }

/** A socket says its token in the address, a request in a header, and neither in the other's place. */
async function admit(tokens: Tokens, incoming: Incoming): Promise<Principal> {
  if (incoming.path.startsWith('/ws/')) {
    const { token } = incoming.query
    if (typeof token === 'string' && (await tokens.accepts(token))) return OWNER
    throw new Fault('unauthenticated', 'Unauthorized')
  }
  // An empty token loses the space before it on the way here.
  const token = /^Bearer(?: (.*))?$/s.exec(incoming.headers.authorization ?? '')
  if (!token) throw new Fault('unauthenticated', 'Missing or invalid Authorization header')
  if (await tokens.accepts(token[1] ?? '')) return OWNER
  throw new Fault('unauthenticated', 'Invalid token')
}

export type { ClothoSettings, SandboxProbe } from './context.ts'
export { tokenFile } from './token.ts'
