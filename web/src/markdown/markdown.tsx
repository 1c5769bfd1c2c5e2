/**
 * What a model wrote, as elements: text becomes text and never markup, nothing is loaded from
 * elsewhere, and a link opens in a tab that knows nothing of this one. Blocks that are complete are
 * not made anew while the last one grows.
 */

import { Fragment, memo, useMemo } from 'react'
import { Code } from '../components/code.tsx'
import { Icon } from '../components/icon.tsx'
import { readable, untwisted } from '../components/plain.ts'
import { type Block, blocksOf } from './blocks.ts'
import { type Inline, inlineOf, safeHref } from './inline.ts'

export const Markdown = memo(function Markdown({ text }: { text: string }) {
  const blocks = useMemo(() => blocksOf(text), [text])
  return (
    <div className="prose min-w-0">
      <Blocks blocks={blocks} depth={0} />
    </div>
  )
})

const DEEPEST = 5

const Blocks = ({ blocks, depth }: { blocks: Block[]; depth: number }) =>
  blocks.map((block, i) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: text only grows at its end.
    <BlockView key={i} source={JSON.stringify(block)} depth={depth} />
  ))

/** By its source: the same block is the same element, however often the text is read again. */
const BlockView = memo(function BlockView({ source, depth }: { source: string; depth: number }) {
  const block = JSON.parse(source) as Block
  switch (block.kind) {
    case 'heading': {
      // The page has its own first headings.
      const Heading = `h${Math.min(6, block.level + 2)}` as 'h3'
      return (
        <Heading dir="auto">
          <Line text={block.text} />
        </Heading>
      )
    }
    case 'paragraph':
      return (
        <p dir="auto" className="whitespace-pre-line">
          <Line text={block.text} />
        </p>
      )
    case 'code':
      return <Code text={readable(block.text)} label={block.language || 'Code'} isTall />
    case 'quote':
      return (
        <blockquote>
          <Within text={block.text} depth={depth} />
        </blockquote>
      )
    case 'list': {
      const List = block.start === null ? 'ul' : 'ol'
      return (
        <List {...(block.start === null ? {} : { start: block.start })}>
          {block.items.map((item, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: items never change places.
            <li key={i} dir="auto">
              <Item text={item} depth={depth} />
            </li>
          ))}
        </List>
      )
    }
    case 'table':
      return <Cells {...block} />
    case 'rule':
      return <hr />
  }
})

const Within = ({ text, depth }: { text: string; depth: number }) =>
  depth < DEEPEST ? <Blocks blocks={blocksOf(text)} depth={depth + 1} /> : <Line text={text} />

const BOX = /^\[([ xX])\]\s+/

/** An item of one line stays one line; a box to tick is shown as one. */
function Item({ text, depth }: { text: string; depth: number }) {
  const box = BOX.exec(text)
  if (box)
    return (
      <>
        <input type="checkbox" disabled checked={box[1] !== ' '} aria-label="Done" />{' '}
        <Line text={text.slice(box[0].length)} />
      </>
    )
  return text.includes('\n') ? <Within text={text} depth={depth} /> : <Line text={text} />
}

const Cells = ({ head, rows }: { head: string[]; rows: string[][] }) => (
  <div className="overflow-x-auto">
    <table className="text-sm">
      <thead>
        <tr>
          {head.map((cell, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: cells never change places.
            <th key={i}>
              <Line text={cell} />
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, r) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: rows never change places.
          <tr key={r}>
            {row.map((cell, c) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: cells never change places.
              <td key={c}>
                <Line text={cell} />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </div>
)

const Line = ({ text }: { text: string }) => <Inlines list={inlineOf(text)} />

const Inlines = ({ list }: { list: Inline[] }) =>
  list.map((inline, i) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: text only grows at its end.
    <Fragment key={i}>{inlineView(inline)}</Fragment>
  ))

function inlineView(inline: Inline) {
  switch (inline.kind) {
    case 'text':
      return untwisted(inline.text)
    case 'code':
      return <code dir="ltr">{readable(inline.text)}</code>
    case 'strong':
      return (
        <strong>
          <Inlines list={inline.inside} />
        </strong>
      )
    case 'em':
      return (
        <em>
          <Inlines list={inline.inside} />
        </em>
      )
    case 'strike':
      return (
        <del>
          <Inlines list={inline.inside} />
        </del>
      )
    case 'link':
      return <Outward href={inline.href} inside={inline.inside} />
    case 'image':
      return <Picture src={inline.src} alt={inline.alt} />
  }
}

function Outward({ href, inside }: { href: string; inside: Inline[] }) {
  const safe = safeHref(href)
  if (safe === null)
    return (
      <>
        <Inlines list={inside} /> ({untwisted(href)})
      </>
    )
  return (
    <a href={safe} title={safe} target="_blank" rel="noopener noreferrer nofollow">
      <Inlines list={inside} />
    </a>
  )
}

const INLINE_IMAGE = /^data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+$/

/** An image from elsewhere is not loaded: that would tell the other side who looks, and when. */
function Picture({ src, alt }: { src: string; alt: string }) {
  const words = untwisted(alt)
  if (INLINE_IMAGE.test(src)) return <img src={src} alt={words} className="max-h-96 max-w-full" />
  const safe = safeHref(src)
  if (safe === null) return `[image: ${words}]`
  return (
    <a
      href={safe}
      target="_blank"
      rel="noopener noreferrer nofollow"
      title={safe}
      className="inline-flex items-center gap-1.5 rounded-md border border-line bg-sunk px-2 py-0.5"
    >
      <Icon name="image" size={14} />
      {words || 'image'} from {new URL(safe).host}
      <Icon name="out" size={12} />
    </a>
  )
}
