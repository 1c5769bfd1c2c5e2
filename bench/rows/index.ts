/** Every row of the table, in its order. */

import type { Row } from '../row.ts'
import { arkloopCrud } from './arkloop-crud.ts'
import { arkloopGateway } from './arkloop-gateway.ts'
import { arkloopHold } from './arkloop-hold.ts'
import { arkloopRuns } from './arkloop-runs.ts'
import { clothoChats } from './clotho-chats.ts'
import { fiftyRuns } from './fifty-runs.ts'
import { firstToken } from './first-token.ts'
import { idleConnections } from './idle-connections.ts'
import { liveStreams } from './live-streams.ts'
import { logSize } from './log-size.ts'
import { oahSessions } from './oah-sessions.ts'
import { oneStream } from './one-stream.ts'
import { replay } from './replay.ts'
import { restart } from './restart.ts'
import { shortRuns } from './short-runs.ts'
import { soak } from './soak.ts'
import { start } from './start.ts'
import { toolangChats } from './toolang-chats.ts'

export const ROWS: readonly Row[] = [
  start,
  firstToken,
  oneStream,
  fiftyRuns,
  clothoChats,
  arkloopGateway,
  arkloopCrud,
  arkloopHold,
  arkloopRuns,
  toolangChats,
  oahSessions,
  shortRuns,
  liveStreams,
  idleConnections,
  restart,
  replay,
  logSize,
  soak,
]
