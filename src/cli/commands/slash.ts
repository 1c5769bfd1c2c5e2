/** What can be typed into a chat besides messages: one row a command. */

import { Fault } from '../../kernel/fault.ts'
import type { AskRow, ThreadRow } from '../../kernel/rows.ts'
import { oneLine, table } from '../terminal.ts'
import type { Chat } from './chat.ts'
import { age, type List } from './list.ts'

interface Slash {
  name: string
  takes: string
  about: string
  run(chat: Chat, rest: string): Promise<void> | void
}

const SLASHES: readonly Slash[] = [
  {
    name: 'help',
    takes: '',
    about: 'this list',
    run: (chat) => {
      const rows = SLASHES.map((s) => [`/${s.name} ${s.takes}`.trim(), s.about])
      chat.screen.write(table(['', ''], rows).trimStart())
      chat.say('What is typed while an answer comes waits in the queue. Ctrl-C cancels the run.')
    },
  },
  {
    name: 'new',
    takes: '',
    about: 'begin a new thread',
    run: (chat) => {
      chat.forget()
      chat.say('The next message begins a new thread.')
    },
  },
  { name: 'threads', takes: '[number|id]', about: 'list threads, or go to one', run: goToThread },
  {
    name: 'agent',
    takes: '[name]',
    about: 'list agents, or talk to another from now on',
    run: chooseAgent,
  },
  {
    name: 'model',
    takes: '[provider:model]',
    about: 'list usable models, or use another from now on',
    run: chooseModel,
  },
  { name: 'queue', takes: '[drop number]', about: 'what waits to be answered', run: showQueue },
  {
    name: 'steer',
    takes: 'text',
    about: 'tell the run that is going on; it reads it at its next step',
    run: async (chat, rest) => {
      if (!rest) throw new Fault('invalid', 'Write the message behind it: /steer use another file')
      await chat.submit(rest, 'steer')
    },
  },
  {
    name: 'cancel',
    takes: '',
    about: 'end the run that is going on',
    run: async (chat) => {
      if (!chat.isRunning()) throw new Fault('not_active', 'Nothing is running.')
      await chat.conversation?.cancel()
    },
  },
  { name: 'asks', takes: '', about: 'what waits for a person, in all threads', run: showAsks },
  { name: 'quit', takes: '', about: 'leave; runs go on', run: (chat) => chat.quit() },
]

export async function runSlash(chat: Chat, text: string): Promise<void> {
  const [word = '', ...rest] = text.slice(1).split(/\s+/)
  const found = SLASHES.find((slash) => slash.name === word)
  if (!found) throw new Fault('invalid', `There is no /${word}. /help lists what there is.`)
  await found.run(chat, rest.join(' ').trim())
}

async function goToThread(chat: Chat, rest: string): Promise<void> {
  if (rest !== '' && !/^\d{1,2}$/.test(rest)) {
    await chat.options.client.get(`/threads/${encodeURIComponent(rest)}`, { messages: 0 })
    return chat.open(rest)
  }
  const { items } = await chat.options.client.get<List<ThreadRow>>('/threads', {
    limit: 20,
    parent: 'none',
  })
  const chosen = items[Number(rest) - 1]
  if (chosen) return chat.open(chosen.id)
  if (rest !== '') throw new Fault('not_found', 'No thread of the list has that number.')
  const { columns } = chat.options.style
  const rows = items.map((row, i) => [
    String(i + 1),
    row.agent,
    row.status,
    age(row.updatedAt),
    oneLine(row.title ?? '', Math.max(columns - 50, 20)),
  ])
  chat.screen.write(table(['', 'AGENT', 'STATUS', 'AGE', 'TITLE'], rows))
}

async function chooseAgent(chat: Chat, rest: string): Promise<void> {
  const { items } = await chat.options.client.get<List<{ name: string; about: string }>>('/agents')
  if (rest === '') {
    const rows = items.map((a) => [a.name, oneLine(a.about, chat.options.style.columns - 30)])
    return chat.screen.write(table(['AGENT', 'ABOUT'], rows))
  }
  if (!items.some((agent) => agent.name === rest))
    throw new Fault('unknown_agent', `There is no agent ${rest}. /agent lists them.`)
  chat.agent = rest
  await change(chat, { agent: rest })
}

async function chooseModel(chat: Chat, rest: string): Promise<void> {
  if (rest === '') {
    const { items } =
      await chat.options.client.get<List<{ id: string; name: string; isUsable: boolean }>>(
        '/models',
      )
    const rows = items.filter((m) => m.isUsable).map((m) => [m.id, m.name])
    return chat.screen.write(table(['MODEL', 'NAME'], rows))
  }
  chat.model = rest
  await change(chat, { model: rest })
}

async function change(chat: Chat, fields: { agent?: string; model?: string }): Promise<void> {
  const thread = chat.conversation?.thread
  if (thread) await chat.options.client.send('PATCH', `/threads/${thread}`, fields)
  else chat.say(`${Object.values(fields).join()} from the next message on`)
}

async function showQueue(chat: Chat, rest: string): Promise<void> {
  const queue = chat.conversation?.state.queue ?? []
  const drop = /^drop (\d+)$/.exec(rest)?.[1]
  if (rest !== '' && !drop) throw new Fault('invalid', 'It is /queue, or /queue drop 1.')
  if (drop) {
    const entry = queue[Number(drop) - 1]
    if (!entry) throw new Fault('not_found', 'Nothing in the queue has that number.')
    await chat.options.client.send(
      'DELETE',
      `/threads/${chat.conversation?.thread}/queue/${entry.run}`,
    )
    return
  }
  if (queue.length === 0) return chat.say('Nothing waits.')
  const rows = queue.map((q, i) => [String(i + 1), oneLine(q.text, chat.options.style.columns - 5)])
  chat.screen.write(table(['', 'WAITING'], rows))
}

async function showAsks(chat: Chat): Promise<void> {
  const { items } = await chat.options.client.get<List<AskRow>>('/asks')
  if (items.length === 0) return chat.say('Nothing is asked.')
  const rows = items.map((ask) => [ask.agent, ask.body.kind, age(ask.openedAt), ask.thread])
  chat.screen.write(table(['AGENT', 'ASKS', 'AGE', 'THREAD'], rows))
}
