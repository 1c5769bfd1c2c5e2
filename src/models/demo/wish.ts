/**
 * Plain requests that the demo model understands as a call of a tool. One rule a form of words; the
 * first that fits decides, and nothing is understood by halves.
 */

import type { Json } from '../../kernel/part.ts'
import type { ToolFace } from '../../kernel/ports.ts'

export interface Wish {
  tool: string
  input: Record<string, Json>
  /** Said before the call. */
  intro: string
}

interface Rule {
  form: RegExp
  wish(found: string[], tools: readonly ToolFace[]): Wish | null
}

/** Steps joined by "then" are wishes one after the other. Empty when this is no request for a tool. */
export function wishesOf(text: string, tools: readonly ToolFace[]): Wish[] {
  const steps = text.split(/\s*[,;.]?\s*(?:\band\s+)?\bthen\b[\s,:]+/i)
  const chain = steps.map((step) => wishOf(step, tools))
  if (chain.length > 1 && chain.every((w) => w !== null)) return chain
  const whole = wishOf(text, tools)
  return whole ? [whole] : []
}

function wishOf(text: string, tools: readonly ToolFace[]): Wish | null {
  const plain = courtesyOff(text)
  for (const { form, wish } of RULES) {
    const match = form.exec(plain)
    const found = match
      ? wish(
          match.slice(1).map((g) => unquote(g ?? '')),
          tools,
        )
      : null
    if (found) return found
  }
  return null
}

const COURTESY =
  /^(?:please|pls|hey|hi|ok|okay|now|so|well|first|next|finally|could you|can you|would you|will you|i want you to|i would like you to|i'd like you to|let's|lets)\b[,!]?\s+/i

function courtesyOff(text: string): string {
  let plain = text.trim()
  while (COURTESY.test(plain)) plain = plain.replace(COURTESY, '')
  return plain.replace(/[,\s]+please[.!?]*$/i, '').replace(/(?<=[\w`"')\]])[.!?]+$/, '')
}

const unquote = (text: string): string => {
  const bare = text.trim()
  return /^(["'`])([\s\S]*)\1$/.exec(bare)?.[2] ?? bare
}

const looksLikePath = (text: string): boolean => /[./*]/.test(text) && !/^https?:/i.test(text)

const VAGUE = /^(?:here|there|it|this|the|workspace|folder|directory|project|files?)$/i

/** An optional argument: there only when it says something. */
const when = (name: string, value: string | undefined): Record<string, Json> =>
  value && !VAGUE.test(value) ? { [name]: value } : {}

const RULES: Rule[] = [
  {
    form: /^(?:call|use|invoke|run)\s+(?:the\s+)?tool\s+[`"']?([\w.:/-]+?)[`"']?(?:\s+(?:with|on)\s*(?:the\s+)?(?:input|arguments?)?:?\s*([\s\S]+))?$/i,
    wish([tool = '', json = '']) {
      const input = json === '' ? {} : objectIn(json)
      return input && { tool, input, intro: `I will call \`${tool}\`.` }
    },
  },
  {
    form: /^(?:fetch|get|open|read|load|download|look at|visit|show)\b.*?(https?:\/\/[^\s"'`<>]+)/i,
    wish: ([url = '']) => ({ tool: 'web_fetch', input: { url }, intro: `I will fetch ${url}.` }),
  },
  { form: /^ask me\b\s*([\s\S]*)$/i, wish: ([rest = ''], tools) => questionWish(rest, tools) },
  {
    form: /^(?:(?:make|create|write|start|set up|add)\s+)?(?:me\s+)?(?:a\s+|the\s+)?(?:new\s+)?to-?do(?:s|\s+list)?\s*(?:with|of|for)?\s*[:-]?\s*(\S[\s\S]*)?$/i,
    wish: ([list = ''], tools) => todoWish(itemsOf(list), tools),
  },
  {
    form: /^(?:(?:make|write|create|give|show)\s+(?:me\s+)?(?:an?\s+|the\s+)?)?plan\s*(?:for\s|to\s)?\s*[:-]?\s*(\S[\s\S]*)?$/i,
    wish: ([of = ''], tools) => planWish(of, tools),
  },
  {
    form: /^(?:use|try|spawn|start|show)\s+(?:me\s+)?(?:an?|the|some|two)\s+(?:helpers?|sub-?agents?|child|children)$/i,
    wish: () => taskWish('list the files', ''),
  },
  {
    form: /^(?:ask|test|try|show|do|request)\b.*\b(?:approvals?|permission)$/i,
    wish: () => ({ ...shellWish('date'), intro: 'I will run `date`, if you allow it.' }),
  },
  {
    form: /^(?:give|hand|assign)\s+(?:the\s+|this\s+|a\s+)?task:?\s+([\s\S]+?)\s+to\s+(?:an?\s+|the\s+|another\s+)?([\w.-]+(?:\s+agent)?)$/i,
    wish: ([prompt = '', to = '']) => taskWish(prompt, to),
  },
  {
    form: /^(?:have|let|ask|tell|get|spawn|start)\s+(?:an?\s+|the\s+|another\s+)?(helper|sub-?agent|child|colleague)(?:\s+agent)?(?:\s*:|\s+to)?\s+(\S[\s\S]*)$/i,
    wish: ([to = '', prompt = '']) => taskWish(prompt, to),
  },
  {
    form: /^delegate:?\s+([\s\S]+?)(?:\s+to\s+(?:an?\s+|the\s+|another\s+)?([\w.-]+))?$/i,
    wish: ([prompt = '', to = '']) => taskWish(prompt, to),
  },
  {
    form: /^(?:use|read|load|apply)\s+(?:the\s+)?skill\s+(\S+)$/i,
    wish: ([name = '']) => skillWish(name),
  },
  {
    form: /^(?:use|read|load|apply)\s+(?:the\s+)?(\S+)\s+skill$/i,
    wish: ([name = '']) => skillWish(name),
  },
  {
    form: /^(?:replace|change)\s+(all\s+|every\s+)?([\s\S]+?)\s+(?:with|by|into|to)\s+([\s\S]+?)\s+in\s+(?:the\s+)?(?:file\s+)?(\S+)$/i,
    wish([all = '', old = '', fresh = '', path = '']) {
      const every: Record<string, Json> = all === '' ? {} : { all: true }
      return {
        tool: 'edit',
        input: { path, old, new: fresh, ...every },
        intro: `I will edit ${path}.`,
      }
    },
  },
  {
    form: /^(?:create|make)\s+(?:an?\s+|the\s+)?(?:new\s+)?file\s+(?:called\s+|named\s+)?(\S+?)(?:\s+(?:with|containing|that says|saying)\s+(?:the\s+)?(?:text\s+|content\s+|words?\s+)?:?([\s\S]+))?$/i,
    wish: ([path = '', content = '']) => writeWish(path, content),
  },
  {
    form: /^(?:create|make)\s+(?:an?\s+|the\s+)?(?:new\s+)?([\w./-]+\.\w+)(?:\s+(?:with|containing|that says|saying)\s+([\s\S]+))?$/i,
    wish: ([path = '', content = '']) => writeWish(path, content),
  },
  {
    form: /^(?:delete|remove)\s+(?:the\s+)?(?:file\s+)?([\w./-]*[\w/-]\.\w+)$/i,
    wish: ([path = '']) => shellWish(`rm -- ${path}`),
  },
  {
    form: /^(?:write|save|put|store)\s+([\s\S]+)\s+(?:to|into|in)\s+(?:an?\s+|the\s+)?(?:new\s+)?(?:file\s+)?(?:called\s+|named\s+)?(\S+)$/i,
    wish: ([content = '', path = '']) => writeWish(path, content),
  },
  {
    form: /^(?:(?:run|execute|exec)\s+(?:the\s+)?(?:shell\s+)?(?:command\s*)?:?\s*|\$\s+)([\s\S]+)$/i,
    wish: ([command = '']) => shellWish(command),
  },
  {
    form: /^find\s+(?:all\s+)?(?:the\s+)?(?:files?\s+)?(?:matching\s+|named\s+|called\s+|like\s+)?(\S*[*?.]\S*)(?:\s+files?)?(?:\s+(?:in|under)\s+(?:the\s+)?(?:folder\s+)?(\S+))?$/i,
    wish: ([pattern = '', path]) => ({
      tool: 'glob',
      input: { pattern, ...when('path', path) },
      intro: `I will look for files that match ${pattern}.`,
    }),
  },
  {
    form: /^(?:search|grep|look(?=\s+for\b)|find)\s+(?:the\s+files\s+)?(?:for\s+)?([\s\S]+?)(?:\s+(?:in|under|inside)\s+(?:the\s+)?(?:folder\s+|files?\s+|directory\s+)?(\S+))?$/i,
    wish: ([pattern = '', path]) => ({
      tool: 'grep',
      input: { pattern, ...when('path', path) },
      intro: `I will search for "${pattern}".`,
    }),
  },
  { form: /^(?:ls|dir|list)(?:\s+([^\s-]\S*))?$/i, wish: ([path]) => listWish(path) },
  {
    form: /^(?:list|show|give|what|which)\b(?:(?!\bfile\s+\S*\.).)*?\b(?:files|folders?|directory|contents|workspace)\b(?:.*?\b(?:in|of|under)\s+(?:the\s+)?(?:folder\s+|directory\s+)?([\w./-]+))?/i,
    wish: ([path]) => (path && /\.\w+$/.test(path) ? readWish(path) : listWish(path)),
  },
  {
    form: /^(?:read|open|show|cat|print|display|look at|what(?:'s| is) in)\s+(?:me\s+)?(?:the\s+)?(?:contents?\s+of\s+)?(?:the\s+)?(file\s+)?(\S+)$/i,
    wish: ([file = '', path = '']) => (file !== '' || looksLikePath(path) ? readWish(path) : null),
  },
]

const listWish = (path: string | undefined): Wish => ({
  tool: 'list',
  input: when('path', path),
  intro: 'I will list the files.',
})

const readWish = (path: string): Wish => ({
  tool: 'read',
  input: { path },
  intro: `I will read ${path}.`,
})

const writeWish = (path: string, content: string): Wish => ({
  tool: 'write',
  input: { path, content },
  intro: `I will write ${path}.`,
})

const shellWish = (command: string): Wish => ({
  tool: 'shell',
  input: { command },
  intro: `I will run \`${command}\`.`,
})

const skillWish = (name: string): Wish => ({
  tool: 'skill',
  input: { name },
  intro: `I will read the skill ${name}.`,
})

function taskWish(prompt: string, to: string): Wish {
  const isAnybody = to === '' || /^(?:helper|sub-?agent|agent|child|colleague|assistant)$/i.test(to)
  return {
    tool: 'task',
    input: { prompt, ...(isAnybody ? {} : { agent: to.replace(/\s+agent$/i, '') }) },
    intro: `I will give this to ${isAnybody ? 'a helper' : to}.`,
  }
}

function questionWish(rest: string, tools: readonly ToolFace[]): Wish {
  const choice = /^to (?:choose|pick|decide) between\s+([\s\S]+)$/i.exec(rest)?.[1]
  const yesNo = /^(?:whether|if)\s+([\s\S]+)$/i.exec(rest)?.[1]
  const own = /^(?:a question\s*[:,]?\s*)?((?:what|which|where|when|who|how|why)\b[\s\S]+)$/i.exec(
    rest,
  )?.[1]
  const text = /^(?:a |one )?question\s*:\s*([\s\S]+)$/i.exec(rest)?.[1] ?? own
  const plain = (question: string, options: string[]): Wish => ({
    tool: 'ask_user',
    input: { question, ...optionsInput(options, tools) },
    intro: 'I have a question.',
  })
  if (choice) return plain('Which one do you choose?', itemsOf(choice))
  if (yesNo) return plain(`Is it so that ${yesNo}?`, ['Yes', 'No'])
  if (text) return plain(`${text.replace(/[?.!]+$/, '')}?`, [])
  return plain('Which colour do you like best?', ['Red', 'Green', 'Blue'])
}

/** Some put options as texts, some as objects with a label: the tool's own schema says which. */
function optionsInput(options: string[], tools: readonly ToolFace[]): Record<string, Json> {
  const items = schemaAt(tools, 'ask_user', 'properties', 'options', 'items')
  if (options.length === 0) return {}
  const isText = at(items, 'type') === 'string'
  return { options: isText ? options : options.map((label) => ({ label })) }
}

/** The steps that were named, or three that fit anything. */
function planWish(of: string, tools: readonly ToolFace[]): Wish {
  const named = itemsOf(of)
  const what = named[0] ?? 'this'
  const steps = [`Find out what ${what} needs`, 'Do it, step by step', 'Look whether it is right']
  return { ...todoWish(named.length > 1 ? named : steps, tools), intro: 'I will write a plan.' }
}

function todoWish(named: string[], tools: readonly ToolFace[]): Wish {
  const texts = named.length > 0 ? named : ['Say hello', 'Try a tool', 'Read the help']
  const known = schemaAt(
    tools,
    'todo',
    'properties',
    'items',
    'items',
    'properties',
    'status',
    'enum',
  )
  const first = Array.isArray(known) ? known[0] : undefined
  const status = Array.isArray(known) && !known.includes('pending') && first ? first : 'pending'
  return {
    tool: 'todo',
    input: { items: texts.map((text) => ({ text, status })) },
    intro: 'I will write that list.',
  }
}

const itemsOf = (list: string): string[] =>
  list
    .split(/\s*(?:[,;\n]|\band\b|\bor\b)\s*/i)
    .map((item) => item.replace(/^[-*\d.)\s]+/, '').trim())
    .filter((item) => item !== '')

function objectIn(text: string): Record<string, Json> | null {
  try {
    const value = JSON.parse(text) as Json
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null
  } catch {
    return null
  }
}

const at = (value: Json | undefined, key: string): Json | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value[key] : undefined

function schemaAt(tools: readonly ToolFace[], tool: string, ...path: string[]): Json | undefined {
  const input: Json | undefined = tools.find((t) => t.name === tool)?.input
  return path.reduce<Json | undefined>(at, input)
}
