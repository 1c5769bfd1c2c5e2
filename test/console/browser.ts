/**
 * The console in a real browser over a real server. Where the machine has no Chromium there is
 * nothing to try it with, and the tests say so and are skipped.
 */

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'

const ROOT = resolve(import.meta.dirname, '../..')
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** Where Chromium is; null when there is none. `MANIFOLD_TEST_CHROMIUM` names another. */
function findChromium(): string | null {
  const named = process.env.MANIFOLD_TEST_CHROMIUM
  const folders = (process.env.PATH ?? '').split(delimiter)
  const found = folders.flatMap((folder) => NAMES.map((name) => join(folder, name)))
  return [...(named ? [named] : []), ...found].find((file) => existsSync(file)) ?? null
}

export const program = findChromium()
if (program === null)
  console.warn('There is no Chromium on this machine: the tests of the console are skipped.')

/** A browser shares its machine: what takes a second alone may take many beside others. */
export const LIMITS = { timeout: 150_000 }

export interface Visit {
  page: Page
  /** What the page complained of: broken scripts, and what its policy refused. */
  complaints: string[]
  close(): Promise<void>
}

export interface VisitOptions {
  width?: number
  scheme?: 'light' | 'dark'
}

/** A browser of its own, as a person opens it: nothing kept from before. */
export async function visit(url: string, options: VisitOptions = {}): Promise<Visit> {
  ensureBuilt()
  const browser = await launch()
  const { width = 1280, scheme = 'light' } = options
  const context = await browser.newContext({
    viewport: { width, height: 800 },
    colorScheme: scheme,
    reducedMotion: 'reduce',
  })
  const page = await context.newPage()
  page.setDefaultTimeout(60_000)
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text()))
      complaints.push(message.text())
  })
  await page.goto(url)
  return { page, complaints, close: () => browser.close() }
}

const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: program as string,
    // A container of a test run rarely lets a browser build walls of its own.
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
  })

export const BUILT = join(ROOT, 'dist', 'web')

/** `npm test` has built it; a single test that is run by itself may be the first to need it. */
export function ensureBuilt(): void {
  if (existsSync(join(BUILT, 'index.html'))) return
  const vite = join(ROOT, 'node_modules', 'vite', 'bin', 'vite.js')
  const done = spawnSync(process.execPath, [vite, 'build', 'web'], { cwd: ROOT, encoding: 'utf8' })
  if (done.status !== 0) throw new Error(`The console cannot be built: ${done.stderr}`)
}

export const message = (page: Page) => page.getByRole('textbox', { name: 'Message', exact: true })

/** Writes and sends it, as a person does. */
export async function say(page: Page, text: string): Promise<void> {
  await message(page).fill(text)
  await message(page).press('Enter')
}

export const conversation = (page: Page) => page.getByRole('region', { name: 'Conversation' })

export const script = (...turns: unknown[]): string => `script ${JSON.stringify(turns)}`
