/** A person who has signed in to Arkloop's API, and links that say so. */

import { type Link, openLinks } from './link.ts'
import type { Server } from './server.ts'

const PERSON = { login: 'bench', password: 'a long password 1', email: 'bench@example.com' }

export interface Person {
  port: number
  token: string
  /** Connections that are signed in. */
  links(count: number): Promise<Link[]>
}

/** The first who registers owns the server. */
export async function signUp({ port }: Server): Promise<Person> {
  const [link] = (await openLinks(port, 1)) as [Link]
  const { access_token: token } = await link.json('POST', '/v1/auth/register', PERSON)
  link.close()
  return withToken(port, token as string)
}

export const withToken = (port: number, token: string): Person => ({
  port,
  token,
  links: async (count) => (await openLinks(port, count)).map((link) => link.signIn(token)),
})

/** A thread with what the scripted model is to say. */
export async function threadWith(link: Link, script: string): Promise<string> {
  const { id } = await link.json('POST', '/v1/threads', {})
  await link.json('POST', `/v1/threads/${id}/messages`, { content: script })
  return id as string
}

/** A run of the thread, by the model that does what the message says. */
export const runIn = async (link: Link, thread: string): Promise<string> =>
  (await link.json('POST', `/v1/threads/${thread}/runs`, { model: 'scripted:bench' }))
    .run_id as string
