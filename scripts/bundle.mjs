/**
 * Puts what the server is made of into few files: it is ready much sooner then, because most of
 * that goes into finding and opening hundreds of modules. The modules stay where they are; a bundled
 * one that looks for a file beside itself still finds it.
 */

import { readFile, rm, writeFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { argv } from 'node:process'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { root, stop } from './install.mjs'

const dist = join(root, 'dist')
const chunks = join(dist, 'chunks')

/** Packages that are many small files and always needed; all others stay where they are. */
const within = /^(zod|jose|uuidv7|commander|pino|prom-client)(\/|$)/

/** What these packages are made of asks for what belongs to Node in the old way. */
const banner = [
  "import { createRequire as requireFrom } from 'node:module'",
  'const require = requireFrom(import.meta.url)',
].join('\n')

/** Null, or why it failed. */
async function bundle() {
  const main = join(dist, 'main.js')
  try {
    await rm(chunks, { recursive: true, force: true })
    await build({
      entryPoints: [main],
      outdir: chunks,
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'node20.19',
      banner: { js: banner },
      plugins: [inside, inEnglish, atHome],
      logLevel: 'warning',
    })
    await writeFile(main, "#!/usr/bin/env node\nimport './chunks/main.js'\n")
    return null
  } catch (error) {
    return error.message
  }
}

const inside = {
  name: 'inside',
  setup(on) {
    on.onResolve({ filter: /^[^./]/ }, ({ path, importer }) => {
      const isOurs = importer.startsWith(dist)
      return isBuiltin(path) || (isOurs && !within.test(path))
        ? { path, external: true }
        : undefined
    })
  },
}

/** The texts of a validator in forty languages are a sixth of everything; the server speaks one. */
const inEnglish = {
  name: 'in English',
  setup(on) {
    on.onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js'",
      loader: 'js',
    }))
  },
}

/** A module's own address is where the compiler put it, not where its text has gone. */
const atHome = {
  name: 'at home',
  setup(on) {
    on.onLoad({ filter: /\.js$/ }, async ({ path }) => {
      if (!path.startsWith(dist)) return undefined
      const text = await readFile(path, 'utf8')
      if (!/import\.meta\.(url|dirname)/.test(text)) return undefined
      const address = `new URL(${JSON.stringify(relative(chunks, path))}, import.meta.url).href`
      const folder = `(import.meta.dirname + ${JSON.stringify(`/${relative(chunks, dirname(path))}`)})`
      const contents = text
        .replaceAll('import.meta.url', address)
        .replaceAll('import.meta.dirname', folder)
      return { contents, loader: 'js' }
    })
  },
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const trouble = await bundle()
  if (trouble) stop(`The server cannot be bundled: ${trouble}`)
}
