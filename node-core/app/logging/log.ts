import { join } from 'node:path'
import { pino } from 'pino'
import type { Clock } from '../../platform/clock.ts'
import type { LogFields, Logger, LogLevel } from '../../platform/logger.ts'
import { cleanFields, cleanText } from './clean-fields.ts'
import { prettyLine, wantsColour } from './pretty-line.ts'
import { createRotatingFile } from './rotating-file.ts'

/** A node's log: structured lines in `x0t.log` in the directory, and readable ones on a terminal if there is one. */
export interface Log {
  readonly logger: Logger
  /** Takes effect at once, for every logger derived from this one too. */
  setLevel(level: LogLevel): void
  setLimits(limits: LogLimits): void
  /** Every line that the level lets through, clean and bounded as in the file. The listener must not log. */
  follow(listener: (line: LogLine) => void): () => void
  /** Lines that could not be written to the file, on a full disk for example. */
  lostLines(): number
  /** Brings what was logged to the disk. Every line is with the operating system as soon as it was logged. */
  flush(): void
  /** Can be called twice; what is logged later is dropped. */
  close(): void
}

export interface LogLine {
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  readonly level: LogLevel
  readonly message: string
  readonly fields: LogFields
}

export interface LogLimits {
  readonly maxSizeMb: number
  /** Files kept in all, at least 2. */
  readonly keep: number
}

export interface LogOptions extends LogLimits {
  /** Made when it is missing. */
  readonly dir: string
  readonly level: LogLevel
  /** For a node in the foreground: where people read along. */
  readonly terminal?: {
    readonly stream: { write(text: string): unknown; readonly isTTY?: boolean | undefined }
    readonly env: Readonly<Record<string, string | undefined>>
  }
}

const SEVERITY: Readonly<Record<LogLevel, number>> = { trace: 10, debug: 20, info: 30, warn: 40, error: 50 }
const BYTES_PER_MB = 1024 * 1024

/** No method of the log or of its loggers throws, whatever the disk, the terminal or the fields do. */
export function createLog(deps: { readonly clock: Clock }, options: LogOptions): Log {
  const now = (): number => deps.clock.now()
  const fileOptions = {
    path: join(options.dir, 'x0t.log'),
    maxBytes: options.maxSizeMb * BYTES_PER_MB,
    keep: options.keep,
  }
  const file = createRotatingFile(
    deps,
    fileOptions,
    (lines) =>
      `${JSON.stringify({ level: 'warn', time: isoTime(now()), lines, msg: 'log lines were lost' })}\n`,
  )
  const structured = pino(
    {
      // What passes is decided before: pino's own children would each keep the level of the moment they were made.
      level: 'trace',
      base: null,
      timestamp: () => `,"time":"${isoTime(now())}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    file,
  )
  const listeners = new Set<(line: LogLine) => void>()
  let threshold = SEVERITY[options.level]
  const { terminal } = options
  const colour = terminal !== undefined && wantsColour(terminal.stream, terminal.env)

  function write(level: LogLevel, bound: LogFields, message: string, extra: LogFields | undefined): void {
    if (SEVERITY[level] < threshold) return
    try {
      const fields = extra === undefined ? bound : { ...bound, ...cleanFields(extra) }
      const text = cleanText(message)
      structured[level](fields, text)
      for (const listener of listeners) listener({ at: now(), level, message: text, fields })
      terminal?.stream.write(prettyLine({ atMs: now(), level, message: text, fields }, colour))
    } catch {
      // A terminal that went away. Whoever logs has other work to do.
    }
  }

  const loggerWith = (bound: LogFields): Logger => ({
    trace: (message, fields) => write('trace', bound, message, fields),
    debug: (message, fields) => write('debug', bound, message, fields),
    info: (message, fields) => write('info', bound, message, fields),
    warn: (message, fields) => write('warn', bound, message, fields),
    error: (message, fields) => write('error', bound, message, fields),
    child: (fields) => loggerWith({ ...bound, ...cleanFields(fields) }),
  })

  return {
    logger: loggerWith({}),
    setLevel(level) {
      threshold = SEVERITY[level]
    },
    setLimits: ({ maxSizeMb, keep }) => file.setLimits(maxSizeMb * BYTES_PER_MB, keep),
    follow(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    lostLines: () => file.lostLines(),
    flush: () => file.sync(),
    close: () => file.close(),
  }
}

const isoTime = (ms: number): string => new Date(ms).toISOString()
