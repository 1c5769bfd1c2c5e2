/**
 * The keyboard. A binding is one key or two in a row (`g i`); it is heard unless somebody is typing,
 * and the innermost part of the page that knows a key gets it. What is bound can be listed with `?`.
 */

import { useEffect, useRef } from 'react'

export interface Binding {
  /** `j`, `g t`, `Enter`, `Escape`, `mod+k`, `alt+ArrowUp`. */
  keys: string
  about: string
  /** Where it works, for the list. */
  group: string
  /** Also while a person types. */
  inFields?: boolean
  run(event: KeyboardEvent): void
}

/** The last one added is asked first. */
const layers: { current: Binding[] }[] = []
const SEQUENCE_MS = 1200

let first: { key: string; at: number } | null = null

export function bindings(): Binding[] {
  const seen = new Map<string, Binding>()
  for (const layer of layers.toReversed())
    for (const binding of layer.current)
      if (!seen.has(binding.keys)) seen.set(binding.keys, binding)
  return [...seen.values()]
}

/** Hears keys for as long as the component is there. */
export function useKeys(list: Binding[], isOn = true): void {
  const layer = useRef(list)
  layer.current = list
  useEffect(() => {
    if (!isOn) return
    layers.push(layer)
    return () => {
      layers.splice(layers.indexOf(layer), 1)
    }
  }, [isOn])
}

const FIELDS =
  'input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable=true]'

function nameOf(event: KeyboardEvent): string {
  const mod = event.ctrlKey || event.metaKey ? 'mod+' : ''
  return `${mod}${event.altKey ? 'alt+' : ''}${event.key === ' ' ? 'Space' : event.key}`
}

function hear(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return
  const target = event.target instanceof Element ? event.target : null
  const isTyping = target?.matches(FIELDS) ?? false
  // A dialog has its own keys; the page behind it is not to be steered.
  if (document.querySelector('dialog[open]')) return
  const key = nameOf(event)
  // A button or a link that has the focus is meant by Enter and Space.
  if ((key === 'Enter' || key === 'Space') && target?.matches('button, a, summary')) return
  const pair = first && event.timeStamp - first.at < SEQUENCE_MS ? `${first.key} ${key}` : null
  const all = layers.toReversed().flatMap((layer) => layer.current)
  const fits = (b: Binding) => (b.keys === pair || b.keys === key) && (!isTyping || b.inFields)
  const found = (pair && all.find((b) => b.keys === pair && fits(b))) || all.find(fits)
  first = null
  if (found) {
    event.preventDefault()
    found.run(event)
  } else if (!isTyping && all.some((b) => b.keys.startsWith(`${key} `)))
    first = { key, at: event.timeStamp }
}

window.addEventListener('keydown', hear)

const SYMBOLS: Record<string, string> = {
  ArrowUp: '↑',
  ArrowDown: '↓',
  Escape: 'Esc',
  Delete: 'Del',
}

/** The key caps of a binding, as words. */
export const capsOf = (keys: string): string[] =>
  keys.split(' ').flatMap((chord) =>
    chord.split('+').map((k) => {
      if (k === 'mod') return /Mac|iPhone|iPad/.test(navigator.platform) ? '⌘' : 'Ctrl'
      return k === 'alt' ? 'Alt' : (SYMBOLS[k] ?? k)
    }),
  )
