/**
 * Everything a client can ask of a thread. A dialect translates its requests into these; ids come
 * in with the command, so that the same command on the same thread always means the same.
 */

import type { Sampling } from './agent.ts'
import type { Facts, Origin } from './event.ts'
import type { InputPart, Json } from './part.ts'

/** What a submit does on a thread that has a run. */
export type Busy = 'reject' | 'queue' | 'steer' | 'interrupt'

/** What a thread is from its first fact on. */
export type OpenThread = Omit<Facts['thread.opened'], 'origin'>

interface From {
  origin: Origin
}

export type Command = From &
  (
    | ({ do: 'open' } & OpenThread)
    | {
        do: 'submit'
        /** Id of the run to create, or of the steering message. */
        run: string
        input: InputPart[]
        busy: Busy
        agent?: string
        model?: string
        instructions?: string
        sampling?: Sampling
        /** The run is this one call, and no model is called; `input` then says nothing. */
        call?: { tool: string; input: Json }
      }
    | {
        do: 'answer'
        /** Which ask: by its id, or by the id of a call that it is about; none: all that are open. */
        ask?: string
        call?: string
        /** For every call that `rulings` does not name. Absent: those calls stay open. */
        allow?: boolean
        reason?: string
        rulings?: Record<string, { allow: boolean; reason?: string }>
        /** To a question. */
        answer?: Json
        /** For a limit that is raised; default: once more the agent's own. */
        limitUsd?: number
      }
    | { do: 'expire'; ask: string }
    | { do: 'steer'; id: string; run?: string; input: InputPart[] }
    | {
        do: 'cancel'
        /** Absent: the active run. */
        run?: string
        reason: string | null
        when: 'now' | 'step'
        /** Queued runs: `drop` ends them too. */
        queue: 'keep' | 'drop'
      }
    | { do: 'edit'; run: string; input: InputPart[] }
    | { do: 'drop'; run: string }
    | { do: 'move'; run: string; place: number }
    /** To the head of the queue; `interrupt` also cancels what is going on. */
    | { do: 'promote'; run: string; interrupt: boolean }
    | { do: 'compact'; run: string; instructions?: string }
    | {
        do: 'retry'
        /** Id of the run to create. */
        run: string
        /**
         * Which run to do again; absent: the last. It and all later ones no longer count. What it
         * asked for instead of the thread's own it asks for again.
         */
        of?: string
        /** Another input instead of the old one. */
        input?: InputPart[]
        /** Another model instead of the old one. */
        model?: string
        reason: 'retry' | 'edit' | 'restart'
        /** What to do with a run that is going on; default `interrupt`. */
        busy?: 'reject' | 'interrupt'
      }
    /** The run and all later ones no longer count; one of them that goes on is cancelled. */
    | { do: 'rewind'; to: string }
    | {
        do: 'change'
        agent?: string
        model?: string | null
        title?: string | null
        policy?: string | null
      }
  )

export type CommandOf<D extends Command['do']> = Extract<Command, { do: D }>
