/** The gateway of the scenarios as a process of its own, so that it can be killed like one. */

import { startGateway } from './clotho-gateway.ts'

const folder = process.argv[2] as string
const { url } = await startGateway({ world: { folder } })
process.stdout.write(`listening on ${url}\n`)
