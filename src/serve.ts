/** `manifold serve`: a server until somebody says stop, or until its disk cannot be trusted. */

import { banner } from './cli/banner.ts'
import type { Config } from './cli/config.ts'
import { createLog, type Log } from './cli/log.ts'
import { listenForStop } from './cli/stop.ts'
import { compose, type Manifold } from './compose.ts'
import type { Catalog } from './kernel/ports.ts'
import type { Listening } from './server/server.ts'

export async function serve(config: Config): Promise<void> {
  const log = await createLog(config.log)
  const signals = listenForStop(() => process.exit(130))
  let break_: (error: Error) => void = () => {}
  const broken = new Promise<Error>((resolve) => {
    break_ = resolve
  })
  try {
    const manifold = await compose(config, log, (error) => break_(error))
    const listening = await manifold.listen()
    await announce(manifold, config, listening)
    reportProblems(manifold.engine.catalog, log)
    const reason = await Promise.race([signals.stopped, broken])
    if (reason instanceof Error) {
      log.error({ err: reason }, 'the store failed; the server stops')
      process.exit(1)
    }
    const seconds = config.drainMs / 1000
    const text = `stopping: running steps may settle for ${seconds} s; the same again ends it at once`
    log.info({ signal: reason }, text)
    await manifold.close()
  } finally {
    signals.close()
  }
}

/** A mistake in an agent's file is told once, when it is first seen. */
function reportProblems(catalog: Catalog, log: Log): void {
  let known = new Set(catalog.problems().map((p) => JSON.stringify(p)))
  catalog.onChange(() => {
    const problems = catalog.problems()
    for (const problem of problems)
      if (!known.has(JSON.stringify(problem))) log.warn({ ...problem }, 'an agent has a mistake')
    known = new Set(problems.map((p) => JSON.stringify(p)))
  })
}

async function announce(manifold: Manifold, config: Config, at: Listening): Promise<void> {
  const { engine, dialects } = manifold
  const [model, warnings] = await Promise.all([engine.models.preferred(), manifold.warnings()])
  const own = (port: number): string => at.url.replace(/:\d+$/, `:${port}`)
  process.stdout.write(
    banner(
      {
        urls: [at.url],
        listens: Object.entries(at.ports).map(([dialect, port]) => ({ dialect, url: own(port) })),
        dialects,
        agents: engine.catalog.agents().map((a) => a.name),
        model,
        dataDir: config.dataDir,
        warnings,
      },
      process.stdout.isTTY === true && config.log.colour,
    ),
  )
}
