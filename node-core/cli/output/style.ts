const CODES = { bold: [1, 22], dim: [2, 22], green: [32, 39], yellow: [33, 39], red: [31, 39] } as const
export type Tone = keyof typeof CODES

/** Adds colour, or does not. */
export type Paint = (tone: Tone, text: string) => string

/** Colour on a terminal alone, and not where NO_COLOR (no-color.org) or TERM=dumb asks for none. */
export function createPaint(isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): Paint {
  const wanted = isTerminal && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb'
  if (!wanted) return (_tone, text) => text
  return (tone, text) => {
    const [open, close] = CODES[tone]
    return `\u001b[${open}m${text}\u001b[${close}m`
  }
}

/**
 * Text that came from elsewhere, made safe for a terminal: a control character in it (a mesh's name, an error's
 * message) could rewrite what the screen says. Newlines stay.
 */
export function printable(text: string): string {
  return text.replace(/[^\P{C}\n]/gu, '\u{fffd}')
}

/** The same for what has one line. */
export const oneLine = (text: string): string => printable(text).replaceAll('\n', ' ')
