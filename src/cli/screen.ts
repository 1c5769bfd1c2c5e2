/**
 * Where a chat is written and typed. What a person is typing is never torn apart by what comes in:
 * output is held while the line has words, and shown when it is sent or emptied.
 */

import { createInterface, type Interface } from 'node:readline'
import { type Readable, Writable } from 'node:stream'

export interface Screen {
  write(text: string): void
  /** What stands before the cursor; null hides it while somebody else speaks. */
  prompt(text: string | null): void
  close(): void
}

export interface ScreenEvents {
  line(text: string): void
  /** Ctrl-C on an empty line. */
  interrupt(): void
  /** Nothing more will be typed. */
  ended(): void
}

export interface Terminal {
  input: Readable
  output: Writable & { columns?: number }
}

/** For a person: prompt, editing and history. */
export function createTerminalScreen(terminal: Terminal, on: ScreenEvents): Screen {
  return new TerminalScreen(terminal, on)
}

/** For a pipe: lines in, text out. */
export function createPipeScreen(terminal: Terminal, on: ScreenEvents): Screen {
  const lines = createInterface({ input: terminal.input, terminal: false })
  lines.on('line', on.line)
  lines.on('close', on.ended)
  return {
    write: (text) => {
      terminal.output.write(text)
    },
    prompt: () => {},
    close: () => lines.close(),
  }
}

const ERASE_LINE = '\r\u001b[K'

class TerminalScreen implements Screen {
  readonly #output: Terminal['output']
  readonly #lines: Interface
  #prompt: string | null = null
  /** The prompt and what is typed stand on the terminal. */
  #isShown = false
  #isAtLineStart = true
  #held = ''

  constructor({ input, output }: Terminal, on: ScreenEvents) {
    this.#output = output
    this.#lines = createInterface({
      input,
      output: this.#echo(),
      terminal: true,
      historySize: 200,
      removeHistoryDuplicates: true,
    })
    this.#lines.on('line', (text) => {
      this.#leaveLine()
      on.line(text)
    })
    this.#lines.on('SIGINT', () => {
      if (this.#lines.line === '') return on.interrupt()
      this.#lines.write(null, { ctrl: true, name: 'e' })
      this.#lines.write(null, { ctrl: true, name: 'u' })
      this.#settle()
    })
    this.#lines.on('close', () => {
      if (!this.#isAtLineStart || this.#isShown) output.write('\n')
      on.ended()
    })
    // Readline's own listener was added first, so the line is up to date here.
    input.on('keypress', () => this.#settle())
  }

  write(text: string): void {
    if (this.#lines.line !== '') this.#held += text
    else this.#put(text)
  }

  prompt(text: string | null): void {
    this.#prompt = text
    this.#lines.setPrompt(text ?? '> ')
    if (this.#lines.line !== '') return
    this.#hide()
    this.#show()
  }

  close(): void {
    this.#hide()
    this.#lines.close()
  }

  /** After a key: shows a line that was begun blindly, lets go what waited for an emptied one. */
  #settle(): void {
    if (this.#lines.line === '') {
      if (this.#held !== '' || (this.#isShown && this.#prompt === null)) this.#put('')
    } else if (!this.#isShown) {
      this.#breakLine()
      this.#isShown = true
      this.#lines.prompt(true)
    }
  }

  /** The line was sent: it stays on the terminal, and what waited behind it comes. */
  #leaveLine(): void {
    if (this.#isShown) this.#isAtLineStart = true
    this.#isShown = false
    this.#put('')
  }

  #put(text: string): void {
    this.#hide()
    const all = this.#held + text
    this.#held = ''
    if (all !== '') {
      this.#output.write(all)
      this.#isAtLineStart = all.endsWith('\n')
    }
    if (this.#isAtLineStart) this.#show()
  }

  #show(): void {
    if (this.#prompt === null) return
    this.#breakLine()
    this.#isShown = true
    this.#lines.prompt()
  }

  #hide(): void {
    if (!this.#isShown) return
    this.#isShown = false
    this.#output.write(ERASE_LINE)
    this.#isAtLineStart = true
  }

  #breakLine(): void {
    if (!this.#isAtLineStart) this.#output.write('\n')
    this.#isAtLineStart = true
  }

  /** What readline draws reaches the terminal only while its line is meant to be seen. */
  #echo(): Writable {
    const output = this.#output
    const isShown = (): boolean => this.#isShown
    const echo = new Writable({
      write(chunk, _encoding, done) {
        // Done at once: what waited for the terminal here would be judged by a later state.
        if (isShown()) output.write(chunk)
        done()
      },
    })
    Object.defineProperty(echo, 'columns', { get: () => output.columns ?? 80 })
    output.on('resize', () => echo.emit('resize'))
    return echo
  }
}
