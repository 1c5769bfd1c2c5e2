/** The server of the scenarios as a process of its own, so that it can be killed like one. */

import { openArk } from './arkloop-server.ts'

const folder = process.argv[2] as string
const { url } = await openArk({ world: { folder } })
process.stdout.write(`listening on ${url}\n`)
