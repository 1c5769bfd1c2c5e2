/**
 * A guide shows a person how a dialect is spoken to: snippets for a terminal that work when they are
 * pasted. They find the server in `$BASE` and the credential, where one is wanted, in `$TOKEN`;
 * whoever shows them says first what these are, so that no secret stands in a snippet.
 */

export interface Guide {
  /** `remote`: only where the server wants a token. `always`: on loopback too. */
  credential: 'remote' | 'always'
  /** Absent: the server's own token opens it. */
  token?: GuideToken
  snippets(needsToken: boolean): Snippet[]
}

export interface GuideToken {
  /** Absolute. */
  file: string
  /** The shell command that prints it. */
  print: string
  /** Null when it cannot be read. */
  value(): Promise<string | null>
}

export interface Snippet {
  title: string
  code: string
}

/** The header as curl takes it, at the end of a line that goes on; '' when none is wanted. */
export const curlAuth = (needsToken: boolean): string =>
  needsToken ? ` \\\n  -H "Authorization: Bearer $TOKEN"` : ''

/** A program for Node that reads `BASE` and `TOKEN` from its environment. */
export const nodeProgram = (lines: string, flags = ''): string =>
  `BASE="$BASE" TOKEN="\${TOKEN:-}" node ${flags}--input-type=module <<'EOF'\n${lines.trim()}\nEOF`

/** The beginning of such a program: posts JSON, and reads the frames of a stream. */
export const nodeClient = (needsToken: boolean): string => `
import { env, stdout } from 'node:process'

const { BASE, TOKEN } = env
const headers = { 'content-type': 'application/json'${
  needsToken ? ', authorization: "Bearer " + TOKEN' : ''
} }
const post = async (path, body) => {
  const answer = await fetch(BASE + path, { method: 'POST', headers, body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(await answer.text())
  return answer.json()
}
async function* frames(path, init = {}) {
  const answer = await fetch(BASE + path, { headers, ...init })
  if (!answer.ok) throw new Error(await answer.text())
  let rest = ''
  for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + piece).split('\\n\\n')
    rest = parts.pop()
    for (const part of parts) {
      const data = part.split('\\n').find((line) => line.startsWith('data: '))?.slice(6)
      if (data && data !== '[DONE]') yield JSON.parse(data)
    }
  }
}`
