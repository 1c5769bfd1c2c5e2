/** What the demo model says about results of tools: a sentence each, and the output where it is short. */

import type { ResultPart } from '../../kernel/part.ts'

const MAX_SHOWN = 1_500

export const reportOf = (results: readonly ResultPart[]): string =>
  results.length === 0 ? 'The tool said nothing.' : results.map(sentence).join('\n\n')

function sentence(result: ResultPart): string {
  const { tool, output, outcome } = result
  const why = firstLine(output)
  switch (outcome) {
    case 'ok':
      return success(tool, output)
    case 'denied':
      return `\`${tool}\` was not allowed, so nothing was done.${why ? ` ${why}` : ''}`
    case 'cancelled':
      return `\`${tool}\` was cancelled before it was finished.`
    case 'unknown':
      return `The server stopped while \`${tool}\` was at work, so nobody knows whether it was finished. Look before you ask for it again.`
    case 'failed':
      return `\`${tool}\` failed: ${why || 'it gave no reason.'}`
  }
}

function success(tool: string, output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '')
  const none = lines.length === 0
  switch (tool) {
    case 'list':
    case 'glob':
      return none ? 'There are no such files.' : `There you are:${shown(output)}`
    case 'grep':
      return none ? 'Nothing was found.' : `This was found:${shown(output)}`
    case 'read':
      return none ? 'The file is empty.' : `The file says:${shown(output)}`
    case 'write':
    case 'edit':
      return `Done. ${firstLine(output)}`.trim()
    case 'shell':
      return none
        ? 'The command ran and printed nothing.'
        : `The command ran and printed:${shown(output)}`
    case 'ask_user':
      return none ? 'You gave no answer.' : `You answered: ${output.trim()}`
    case 'task':
      return none ? 'The helper is done.' : `The helper reports: ${bounded(output.trim())}`
    case 'todo':
      return 'The list is written.'
    case 'skill':
      return `I have read the skill. It begins: ${firstLine(output)}`
    default:
      return none ? `\`${tool}\` is done.` : `\`${tool}\` says:${shown(output)}`
  }
}

const shown = (output: string): string => `\n\n\`\`\`\n${bounded(output.trimEnd())}\n\`\`\``

function bounded(text: string): string {
  if (text.length <= MAX_SHOWN) return text
  return `${text.slice(0, MAX_SHOWN)}\n... (${text.length - MAX_SHOWN} more characters)`
}

const firstLine = (text: string): string => {
  const line =
    text
      .split('\n')
      .find((l) => l.trim() !== '')
      ?.trim() ?? ''
  return line.length > 200 ? `${line.slice(0, 200)}...` : line
}
