/** Where the server wants to know who asks: the token, kept for this tab only. */

import { type FormEvent, useState } from 'react'
import { api, messageOf, Refusal } from '../api/client.ts'
import { session } from '../api/session.ts'
import { Button } from '../components/button.tsx'
import { TextField } from '../components/field.tsx'
import { ErrorNote } from '../components/note.tsx'

export function LoginPage() {
  const [token, setToken] = useState('')
  const [trouble, setTrouble] = useState<string | null>(null)
  const [isBusy, setBusy] = useState(false)
  const enter = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    setTrouble(null)
    try {
      await api.get('/threads', { limit: 1 }, { token: token.trim() })
      session.enter(token.trim())
    } catch (error) {
      const isWrong = error instanceof Refusal && error.status === 401
      setTrouble(isWrong ? 'This is not the token of this server.' : messageOf(error))
      setBusy(false)
    }
  }
  return (
    <main className="flex h-full items-center justify-center p-4">
      <form
        onSubmit={(event) => void enter(event)}
        className="flex w-full max-w-sm flex-col gap-4 rounded-lg border border-line bg-panel p-6"
      >
        <h1 className="text-xl font-semibold">Manifold</h1>
        <p className="text-soft">
          This server wants its token. It is in the file <code>gateway-token</code> of the server's
          data folder.
        </p>
        <TextField
          label="Token"
          type="password"
          autoComplete="off"
          autoFocus
          required
          value={token}
          onChange={(event) => setToken(event.target.value)}
          hint="Kept until this tab is closed, and sent to this server only."
        />
        {trouble && <ErrorNote error={trouble} />}
        <Button type="submit" tone="primary" disabled={isBusy || token.trim() === ''}>
          Sign in
        </Button>
      </form>
    </main>
  )
}
