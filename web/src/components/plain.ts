/**
 * Text of machines as it may be shown. What would steer a terminal or turn the direction of the text
 * around it is either taken out or made visible, so that what a person reads is what there is.
 */

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const ANSI = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g
const CONTROLS =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u0080-\u009f\u200b\u2028\u2029\u202a-\u202e\u2060\u2066-\u2069\ufeff]/g

const visible = (c: string): string =>
  `‹U+${(c.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}›`

/** For what a person decides on: nothing is left out, everything is seen. */
export const exposed = (text: string): string => text.replace(CONTROLS, visible)

/** For output to read: colours and cursor movements go, a line that was overwritten keeps its end. */
export const readable = (text: string): string =>
  text
    .replace(ANSI, '')
    .replace(/\r\n/g, '\n')
    .replace(/^.*\r(?!\n|$)/gm, '')
    .replace(CONTROLS, visible)

/** For prose: marks that turn the direction of all that follows do nothing good there. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const TURNS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u202a-\u202e\u2066-\u2069]/g
export const untwisted = (text: string): string => text.replace(ANSI, '').replace(TURNS, visible)
