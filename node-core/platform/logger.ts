export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error'

/** Structured fields. Never a secret: keys, tokens and passphrases do not go in here under any name. */
export type LogFields = Readonly<Record<string, unknown>>

/** Structured logging. The message is a fixed sentence, what varies goes into the fields. */
export interface Logger {
  trace(message: string, fields?: LogFields): void
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** A logger that adds `fields` (for example `{ component: 'mesh' }`) to every line. */
  child(fields: LogFields): Logger
}

const nothing = (): void => {}

/** Drops everything. For tests and for library use without a log. */
export const silentLogger: Logger = {
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLogger,
}
