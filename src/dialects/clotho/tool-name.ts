/**
 * Clotho's shell is called `bash`, the kernel's `shell`. Users type the one and models call the
 * other, so names are mapped both ways at this dialect's edge and nowhere else.
 */

const SHELL = { kernel: 'shell', wire: 'bash' }

export const toWire = (tool: string): string => (tool === SHELL.kernel ? SHELL.wire : tool)

export const toKernel = (tool: string): string => (tool === SHELL.wire ? SHELL.kernel : tool)

/** The engine names the tool in the text of a refusal; clients know it by its other name. */
export const wireText = (tool: string, text: string): string =>
  tool === SHELL.kernel ? text.replaceAll(`'${SHELL.kernel}'`, `'${SHELL.wire}'`) : text
