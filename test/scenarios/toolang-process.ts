/** A server that speaks Toolang as a process of its own, so that it can be killed like one. */

import { openAgent } from './toolang-agent.ts'

const [folder] = process.argv.slice(2)
const agent = await openAgent({
  ...(folder === undefined ? {} : { folder }),
  onError: (fields, text) => console.error(text, fields),
})
process.stdout.write(`listening on ${agent.own}\n`)
