/** The server of the scenarios as a process of its own, so that it can be killed like one. */

import { startOah } from './oah-server.ts'

const folder = process.argv[2] as string
const { url } = await startOah({ world: { folder } })
process.stdout.write(`listening on ${url}\n`)
