/**
 * What a row works with: servers on fresh folders, raw Node beside them, and how large the row is
 * to be. Everything that was started is gone when the row is over.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, type Program, type Server, startServer } from './server.ts'
import { NATIVE, OWNWARE, type Tongue } from './tongue.ts'

/** One of those that are measured: a server and the API it is spoken to in. */
export interface Side {
  name: 'native' | 'ownware' | 'raw'
  tongue: Tongue
  server: Server
}

export interface StageOptions {
  isShort: boolean
  /** The server under test, without `--port` and `--data-dir`. */
  program: Program
  /** Folder for profiles of the server's work; it is then stopped in peace instead of killed. */
  profileDir: string | null
  /** Where data folders are made; what is measured is that disk. */
  folder?: string
}

export const HEALTH = '/manifold/v1/health'

const RAW: Program = {
  file: process.execPath,
  args: [join(import.meta.dirname, 'raw-server.mjs')],
  health: HEALTH,
}

export class Stage {
  readonly isShort: boolean
  readonly #options: StageOptions
  readonly #root: string
  #servers: Server[] = []
  #folders = 0

  constructor(options: StageOptions) {
    this.#options = options
    this.isShort = options.isShort
    this.#root = mkdtempSync(join(options.folder ?? tmpdir(), 'manifold-bench-'))
    mkdirSync(join(this.#root, 'fixtures'))
  }

  /** The number for a full run, or the one for a short run. */
  pick(full: number, short: number): number {
    return this.isShort ? short : full
  }

  /** A data folder that does not exist yet. */
  newFolder(): string {
    return join(this.#root, `data-${++this.#folders}`)
  }

  /** A script that both servers find under its name. */
  writeScript(name: string, turns: unknown): void {
    writeFileSync(join(this.#root, 'fixtures', `${name}.json`), JSON.stringify(turns))
  }

  async start(dataDir = this.newFolder(), port?: number): Promise<Server> {
    const { program } = this.#options
    const args = ['--data-dir', dataDir, '--fixtures', join(this.#root, 'fixtures')]
    return this.#start(program, [...args, '--log-level', 'error'], port)
  }

  async startRaw(port?: number): Promise<Server> {
    return this.#start(RAW, ['--fixtures', join(this.#root, 'fixtures')], port)
  }

  async #start(program: Program, args: string[], port?: number): Promise<Server> {
    const { profileDir } = this.#options
    const isProfiled = profileDir !== null && program !== RAW
    const flags = isProfiled ? ['--cpu-prof', '--cpu-prof-dir', profileDir] : []
    const server = await startServer({
      program: { ...program, args: [...flags, ...program.args] },
      port: port ?? (await freePort()),
      args,
      // Nothing that this machine happens to offer is found, and nothing is looked for in vain.
      env: { PATH: process.env.PATH, HOME: this.#root, OLLAMA_HOST: 'http://127.0.0.1:9' },
    })
    this.#servers.push(server)
    return server
  }

  /** Both APIs on one server, and raw Node. */
  async sides(): Promise<Side[]> {
    const server = await this.start()
    return [
      { name: 'native', tongue: NATIVE, server },
      { name: 'ownware', tongue: OWNWARE, server },
      { name: 'raw', tongue: NATIVE, server: await this.startRaw() },
    ]
  }

  /** Native, and raw Node. */
  async pair(): Promise<Side[]> {
    return (await this.sides()).filter((side) => side.name !== 'ownware')
  }

  async close(): Promise<void> {
    const end = (server: Server): Promise<void> =>
      this.#options.profileDir === null ? server.kill() : server.stop()
    await Promise.all(this.#servers.map(end))
    rmSync(this.#root, { recursive: true, force: true })
  }
}
