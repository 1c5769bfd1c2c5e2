import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { addServerFlags, type Config, readClientConfig, readConfig } from './config.ts'
import type { Env } from './setting.ts'

/** What `serve` would be given for these words and this environment. */
function configOf(words: string[], env: Env = {}): Config {
  const command = addServerFlags(new Command('serve'))
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
  command.parse(words, { from: 'user' })
  return readConfig(command.opts(), env)
}

describe('the server', () => {
  test('has a default for everything', () => {
    expect(configOf([])).toMatchObject({
      port: 3011,
      host: '127.0.0.1',
      listens: [],
      dataDir: join(homedir(), '.manifold'),
      workspace: join(homedir(), '.manifold', 'workspace'),
      defaultModel: null,
      databaseUrl: null,
      ollamaUrl: 'http://127.0.0.1:11434',
      sandbox: 'auto',
      tls: null,
      behindProxy: false,
      drainMs: 10_000,
      leaseMs: 10_000,
      runsPerAccount: null,
      registration: null,
      clothoHome: join(homedir(), '.clotho'),
      clothoApprovalTimeoutMs: 300_000,
    })
  })

  test('takes the flag before the variable', () => {
    const env = { MANIFOLD_PORT: '4000', MANIFOLD_HOME: '/env', MANIFOLD_DEFAULT_MODEL: 'openai:a' }
    expect(configOf([], env)).toMatchObject({
      port: 4000,
      dataDir: '/env',
      workspace: '/env/workspace',
      defaultModel: 'openai:a',
    })
    expect(
      configOf(['--port', '0', '--data-dir', 'here', '--model', 'ollama:b'], env),
    ).toMatchObject({ port: 0, dataDir: resolve('here'), defaultModel: 'ollama:b' })
  })

  test('reads what accounts may do', () => {
    const env = { MANIFOLD_RUNS_PER_ACCOUNT: '7', MANIFOLD_REGISTRATION: 'invited' }
    expect(configOf([], env)).toMatchObject({ runsPerAccount: 7, registration: 'invited' })
    const words = ['--runs-per-account', '0', '--registration', 'open']
    expect(configOf(words, env)).toMatchObject({ runsPerAccount: null, registration: 'open' })
    expect(() => configOf([], { MANIFOLD_REGISTRATION: 'closed' })).toThrow('open, invited')
  })

  test("reads how long Clotho's clients may take to answer, in that system's own variable", () => {
    const timeout = (text: string) =>
      configOf([], { CLOTHO_APPROVAL_TIMEOUT: text }).clothoApprovalTimeoutMs
    expect([timeout('45'), timeout('1.5'), timeout('')]).toEqual([45_000, 1500, 300_000])
    expect(() => timeout('0')).toThrow('CLOTHO_APPROVAL_TIMEOUT is not right: It must be more than')
    for (const text of ['-1', '5m']) expect(() => timeout(text)).toThrow('a number of seconds')
  })

  test('collects what is repeatable', () => {
    const words = [
      '--listen',
      'clotho=8000',
      '--listen',
      'oah=8787',
      '--agents',
      '~/a',
      '--agents',
      'b',
    ]
    expect(configOf(words)).toMatchObject({
      listens: [
        { dialect: 'clotho', port: 8000 },
        { dialect: 'oah', port: 8787 },
      ],
      agentDirs: [join(homedir(), 'a'), resolve('b')],
    })
  })

  test('reads keys and addresses of providers; an empty variable is none', () => {
    const { providers, compatible, ollamaUrl } = configOf(
      ['--provider', 'my-box=http://10.0.0.2:8000/v1/'],
      {
        ANTHROPIC_API_KEY: 'a',
        OPENAI_API_KEY: '',
        OPENAI_BASE_URL: 'http://localhost:9000/v1/',
        GEMINI_API_KEY: 'g',
        MY_BOX_API_KEY: 'm',
        OLLAMA_HOST: '0.0.0.0',
      },
    )
    expect(providers).toEqual({
      anthropic: { apiKey: 'a', baseUrl: null },
      openai: { apiKey: null, baseUrl: 'http://localhost:9000/v1' },
      google: { apiKey: 'g', baseUrl: null },
      openrouter: { apiKey: null, baseUrl: null },
    })
    expect(compatible).toEqual({ 'my-box': { apiKey: 'm', baseUrl: 'http://10.0.0.2:8000/v1' } })
    expect(ollamaUrl).toBe('http://127.0.0.1:11434')
  })

  test('gives an agent the variables that its file names', () => {
    const { secret } = configOf([], { GITHUB_TOKEN: 'g', EMPTY: '' })
    expect([secret('GITHUB_TOKEN'), secret('EMPTY'), secret('NONE')]).toEqual(['g', null, null])
  })

  test.each([
    ['host:9999', 'http://host:9999'],
    ['host', 'http://host:11434'],
    ['https://ollama.example.com/', 'https://ollama.example.com'],
  ])('reads OLLAMA_HOST=%s as Ollama does', (text, url) => {
    expect(configOf([], { OLLAMA_HOST: text }).ollamaUrl).toBe(url)
  })

  test.each([
    [['--port', '70000'], /--port.*0 to 65535/],
    [['--port', 'http'], /--port/],
    [['--listen', 'clotho'], /--listen.*clotho=8000/],
    [['--listen', 'clotho=x'], /--listen.*port/],
    [['--listen', 'a=8000', '--listen', 'b=8000'], /8000.*--listen/],
    [['--listen', 'a=8000', '--listen', 'a=8001'], /--listen names a twice/],
    [['--model', 'gpt'], /--model.*provider:model/],
    [['--sandbox', 'vm'], /--sandbox.*auto, bubblewrap, plain/],
    [['--tls-cert', 'a.pem'], /--tls-cert needs --tls-key/],
    [['--tls-key', 'a.pem'], /--tls-key needs --tls-cert/],
    [['--lease', '0.5'], /--lease/],
    [['--host', 'http://a'], /--host/],
    [['--nonsense'], /--nonsense/],
  ])('refuses %s and names the flag', (words, message) => {
    expect(() => configOf(words)).toThrow(message)
  })

  test.each([
    ['MANIFOLD_PORT', 'x'],
    ['MANIFOLD_DEMO_RATE', 'fast'],
    ['OPENAI_BASE_URL', 'localhost'],
    ['OPENAI_BASE_URL', 'http://me:secret@localhost/v1'],
    ['MANIFOLD_LOG_LEVEL', 'loud'],
    ['DATABASE_URL', 'mysql://root:hunter2@db/x'],
  ])('refuses a wrong %s, names it and does not repeat its text', (name, text) => {
    const act = () => configOf([], { [name]: text })
    expect(act).toThrow(new RegExp(`variable ${name}`))
    expect(act).not.toThrow(/hunter2/)
  })
})

describe('a command', () => {
  const terminal = { input: { isTTY: true }, output: { isTTY: true, columns: 100 } }

  test('finds the server of this machine by itself', () => {
    expect(readClientConfig({}, {}, terminal)).toEqual({
      url: 'http://127.0.0.1:3011',
      token: null,
      isTerminal: true,
      colour: true,
      columns: 100,
    })
  })

  test('takes address and token from flag or variable', () => {
    const env = { MANIFOLD_URL: 'https://a.example/', MANIFOLD_TOKEN: 't' }
    expect(readClientConfig({}, env, terminal)).toMatchObject({
      url: 'https://a.example',
      token: 't',
    })
    expect(readClientConfig({ url: 'http://b' }, env, terminal)).toMatchObject({ url: 'http://b' })
  })

  test('paints only on a terminal, and not when NO_COLOR is set', () => {
    expect(readClientConfig({}, { NO_COLOR: '1' }, terminal).colour).toBe(false)
    expect(readClientConfig({}, {}, { input: {}, output: {} })).toMatchObject({
      colour: false,
      isTerminal: false,
      columns: 200,
    })
  })
})
