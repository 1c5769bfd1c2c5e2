/** How Clotho's gateway is spoken to, for a terminal. Its own token is wanted always. */

import { readFile } from 'node:fs/promises'
import { curlAuth, type Guide, nodeClient, nodeProgram } from '../../wire/guide.ts'
import { tokenFile } from './token.ts'

export const clothoGuide = (dataFolder: string): Guide => ({
  credential: 'always',
  token: tokenOf(tokenFile(dataFolder)),
  snippets: () => [
    {
      title: 'List the chats with curl',
      code: `curl "$BASE/api/chats"${curlAuth(true)}`,
    },
    {
      title: 'Open a chat and talk over its WebSocket with Node',
      // The flag is for Node 20; later ones have the class without it.
      code: nodeProgram(
        `${nodeClient(true)}
const { chat_id } = await post('/api/chats', {})
const at = new URL(BASE.replace(/^http/, 'ws') + \`/ws/\${chat_id}\`)
at.searchParams.set('token', TOKEN) // Clotho's sockets have no other place for it.
const socket = new WebSocket(at)
socket.onopen = () =>
  socket.send(JSON.stringify({ type: 'run', data: { message: 'hello', stream: true } }))
socket.onmessage = ({ data }) => {
  const frame = JSON.parse(data)
  if (frame.type === 'agent.text_delta') stdout.write(frame.data.text)
  if (frame.type === 'agent.turn_complete' || frame.type === 'agent.error') socket.close()
}
socket.onclose = () => console.log()`,
        '--experimental-websocket ',
      ),
    },
  ],
})

const tokenOf = (file: string) => ({
  file,
  print: `sed -n 's/.*"api_token": *"\\([^"]*\\)".*/\\1/p' '${file.replaceAll("'", `'\\''`)}'`,
  value: async () => {
    try {
      const { api_token: token } = JSON.parse(await readFile(file, 'utf8')) as {
        api_token?: unknown
      }
      return typeof token === 'string' ? token : null
    } catch {
      return null
    }
  },
})
