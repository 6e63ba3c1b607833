import type { LogFields, LogLevel } from '../../platform/logger.ts'

/** One line for a person at a terminal. */
export interface PrettyLine {
  /** Wall clock, ms since the epoch. */
  readonly atMs: number
  readonly level: LogLevel
  readonly message: string
  readonly fields: LogFields
}

const LABELS: Readonly<Record<LogLevel, string>> = {
  trace: 'TRACE',
  debug: 'DEBUG',
  info: 'INFO ',
  warn: 'WARN ',
  error: 'ERROR',
}

/** ECMA-48 select graphic rendition: grey, blue, green, yellow, red. */
const COLOURS: Readonly<Record<LogLevel, number>> = { trace: 90, debug: 34, info: 32, warn: 33, error: 31 }

/** Colour is for a terminal, and not for who sets NO_COLOR to anything (https://no-color.org). */
export function wantsColour(
  stream: { readonly isTTY?: boolean | undefined },
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  return stream.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb'
}

/** `09:17:03.123 INFO  mesh: link is up  peer=12D3KooW... rttMs=3`, with its newline. Times are UTC. */
export function prettyLine({ atMs, level, message, fields }: PrettyLine, colour: boolean): string {
  const { component, ...rest } = fields
  const time = new Date(atMs).toISOString().slice(11, 23)
  const label = colour ? `\x1b[${COLOURS[level]}m${LABELS[level]}\x1b[0m` : LABELS[level]
  const subject = typeof component === 'string' ? `${component}: ${message}` : message
  const tail = Object.entries(rest)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${valueText(value)}`)
    .join(' ')
  const text = printable(tail === '' ? subject : `${subject}  ${tail}`)
  return `${time} ${label} ${text}\n`
}

function valueText(value: unknown): string {
  if (typeof value === 'string') return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)
  return JSON.stringify(value) ?? String(value)
}

/** Names and reasons come from other machines: none of them may move the cursor or write a line of its own. */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
