/** Turns HTML into text that a model can read. One pass, in time that grows with the text only. */

export interface Page {
  title: string
  text: string
}

const DROPPED = new Set([
  'script',
  'style',
  'noscript',
  'template',
  'svg',
  'iframe',
  'object',
  'select',
])
const RAW = new Set(['script', 'style', 'title', 'textarea'])
const BLOCKS = new Set(
  `address article aside blockquote body dd details div dl dt fieldset figcaption figure footer form
  h1 h2 h3 h4 h5 h6 header hr html li main nav ol p pre section summary table tr ul title`.split(
    /\s+/,
  ),
)

interface Tag {
  name: string
  isEnd: boolean
  attributes: string
}

export function readable(html: string, address: string): Page {
  const page = createPage(address)
  let at = 0
  while (at < html.length) {
    const open = html.indexOf('<', at)
    page.text(html.slice(at, open < 0 ? html.length : open))
    if (open < 0) break
    const end = endOfTag(html, open)
    const tag = tagOf(html.slice(open, end))
    at = end
    if (!tag) {
      if (!/^<[!?/]/.test(html.slice(open, open + 2))) page.text(html.slice(open, end))
      continue
    }
    page.tag(tag)
    if (tag.isEnd || !RAW.has(tag.name)) continue
    const close = endOfRaw(html, tag.name, at)
    if (!DROPPED.has(tag.name)) page.text(html.slice(at, close))
    at = close
  }
  return page.end()
}

/** Where the tag, comment or lone `<` that begins here is over. */
function endOfTag(html: string, open: number): number {
  if (html.startsWith('<!--', open)) {
    const close = html.indexOf('-->', open + 4)
    return close < 0 ? html.length : close + 3
  }
  if (!/[a-zA-Z/!?]/.test(html[open + 1] ?? '')) return open + 1
  let quote = ''
  for (let i = open + 1; i < html.length; i++) {
    const c = html[i] as string
    if (quote) quote = c === quote ? '' : quote
    else if ((c === '"' || c === "'") && html[i - 1] === '=') quote = c
    else if (c === '>') return i + 1
  }
  return html.length
}

function tagOf(text: string): Tag | null {
  const match = /^<(\/?)([a-zA-Z][a-zA-Z0-9:-]*)/.exec(text)
  if (!match) return null
  const [all, slash, name] = match as unknown as [string, string, string]
  return { name: name.toLowerCase(), isEnd: slash === '/', attributes: text.slice(all.length) }
}

function endOfRaw(html: string, name: string, from: number): number {
  const pattern = new RegExp(`</${name}`, 'gi')
  pattern.lastIndex = from
  return pattern.exec(html)?.index ?? html.length
}

function createPage(address: string) {
  const out: string[] = []
  let title = ''
  let isTitle = false
  let dropped: string | null = null
  let depth = 0
  let isPre = 0
  let link: { href: string; from: number } | null = null

  const put = (text: string): void => {
    out.push(text)
  }
  const endLink = (): void => {
    if (!link) return
    const label = out.splice(link.from).join('').replace(/\s+/g, ' ').trim()
    if (label) put(`[${label}](${link.href})`)
    link = null
  }
  const start = ({ name, attributes }: Tag): void => {
    if (BLOCKS.has(name)) {
      endLink()
      put('\n')
    }
    if (/^h[1-6]$/.test(name)) put(`\n${'#'.repeat(Number(name[1]))} `)
    else if (name === 'li') put('- ')
    else if (name === 'br') put('\n')
    else if (name === 'hr') put('---\n')
    else if (name === 'td' || name === 'th') put(' | ')
    else if (name === 'pre') isPre++
    else if (name === 'img') put(imageText(attributes))
    else if (name === 'a') {
      endLink()
      const href = absolute(attribute(attributes, 'href'), address)
      if (href) link = { href, from: out.length }
    }
  }
  const stop = ({ name }: Tag): void => {
    if (name === 'a') endLink()
    if (name === 'pre') isPre = Math.max(0, isPre - 1)
    if (BLOCKS.has(name)) put(name === 'p' || /^h[1-6]$/.test(name) ? '\n\n' : '\n')
  }
  return {
    text(raw: string): void {
      if (dropped !== null || raw === '') return
      const text = decode(raw)
      if (isTitle) title += text
      else put(isPre ? text : text.replace(/\s+/g, ' '))
    },
    tag(tag: Tag): void {
      if (dropped !== null) {
        if (tag.name === dropped) depth += tag.isEnd ? -1 : 1
        if (depth === 0) dropped = null
        return
      }
      if (DROPPED.has(tag.name)) {
        if (!tag.isEnd && !/\/\s*>$/.test(tag.attributes)) {
          dropped = tag.name
          depth = 1
        }
        return
      }
      if (tag.name === 'title') isTitle = !tag.isEnd
      else if (tag.isEnd) stop(tag)
      else start(tag)
    },
    end(): Page {
      endLink()
      const lines = out
        .join('')
        .split('\n')
        .map((line) => line.trimEnd())
      const text = lines.map((line) => line.replace(/^ (?! )/, '')).join('\n')
      return {
        title: title.replace(/\s+/g, ' ').trim(),
        text: text.replace(/\n{3,}/g, '\n\n').trim(),
      }
    },
  }
}

function imageText(attributes: string): string {
  const alt = attribute(attributes, 'alt')
  return alt ? `[image: ${alt}]` : ''
}

function attribute(attributes: string, name: string): string {
  const pattern = new RegExp(`(?:^|\\s)${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s>"']+))`, 'i')
  const match = pattern.exec(attributes.slice(0, 10_000))
  return decode(match?.[1] ?? match?.[2] ?? match?.[3] ?? '').trim()
}

function absolute(href: string, address: string): string | null {
  if (href === '' || href.startsWith('#') || !URL.canParse(href, address)) return null
  const url = new URL(href, address)
  return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : null
}

const NAMED: Record<string, string> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  copy: '(c)',
  reg: '(R)',
  trade: '(TM)',
  hellip: '...',
  mdash: '\u2014',
  ndash: '\u2013',
  lsquo: '\u2018',
  rsquo: '\u2019',
  ldquo: '\u201c',
  rdquo: '\u201d',
  bull: '\u2022',
  middot: '\u00b7',
  laquo: '\u00ab',
  raquo: '\u00bb',
  times: '\u00d7',
  rarr: '\u2192',
  larr: '\u2190',
  deg: '\u00b0',
  euro: '\u20ac',
  pound: '\u00a3',
  sect: '\u00a7',
  auml: '\u00e4',
  ouml: '\u00f6',
  uuml: '\u00fc',
  Auml: '\u00c4',
  Ouml: '\u00d6',
  Uuml: '\u00dc',
  szlig: '\u00df',
  eacute: '\u00e9',
  egrave: '\u00e8',
  agrave: '\u00e0',
  ccedil: '\u00e7',
}

const decode = (text: string): string =>
  text.replace(/&(#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});?/g, (all, name: string) => {
    if (!name.startsWith('#')) return NAMED[name] ?? all
    const isHex = /^#x/i.test(name)
    const code = Number.parseInt(name.slice(isHex ? 2 : 1), isHex ? 16 : 10)
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : ''
  })
