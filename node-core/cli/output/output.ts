import { SCHEMA_VERSION } from '../../contract/schemas.ts'
import type { ErrorText } from '../fault.ts'
import { createPaint, type Paint, printable } from './style.ts'

/** What the CLI needs of a terminal, a pipe or a file to write to. */
export interface Sink {
  write(text: string): void
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

/** `json-line` is the same document without line breaks. */
export const DOCUMENT_FORMATS = ['json', 'json-line', 'yaml'] as const
export type DocumentFormat = (typeof DOCUMENT_FORMATS)[number]
/** One document as text, without the line break at its end. */
export type WriteDocument = (document: object) => string

export interface OutputOptions {
  /** How the one document is written; without it, text for people is. */
  readonly write: WriteDocument | undefined
  readonly quiet: boolean
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Loads what the format needs, so that nobody else waits for it. */
export async function documentWriter(format: DocumentFormat): Promise<WriteDocument> {
  switch (format) {
    case 'json':
      return (document) => JSON.stringify(document, undefined, 2)
    case 'json-line':
      return (document) => JSON.stringify(document)
    case 'yaml': {
      const { stringify } = await import('yaml')
      return (document) => stringify(document).trimEnd()
    }
  }
}

/** Data goes to stdout, messages go to stderr. With --json or -o stdout carries exactly one document. */
export interface Output {
  /** One document is wanted, in whatever format, and no text. */
  readonly json: boolean
  readonly quiet: boolean
  /** For text on stdout. */
  readonly paint: Paint
  /** A person sees what is written to stderr. */
  readonly interactive: boolean
  /** Columns of that person's terminal. */
  readonly columns: number
  /** What was asked for. */
  data(document: object, render: () => string): void
  /** What was done: the document with --json, otherwise a message. */
  done(document: object, message: string): void
  /** A row of data as it comes; with --json the document at the end says it all. */
  row(text: string): void
  /** A message beside the result; nothing with --quiet. */
  note(text: string): void
  /** An error: the one document with --json, otherwise a message that --quiet does not suppress. */
  fail(error: ErrorText): void
}

const ERROR_DOCUMENT_KEYS = ['code', 'message', 'hint'] as const

export function createOutput(stdout: Sink, stderr: Sink, { write, quiet, env }: OutputOptions): Output {
  const json = write !== undefined
  const alarm = createPaint(stderr.isTTY === true, env)
  let documentWritten = false

  const writeDocument = (document: object): void => {
    documentWritten = true
    stdout.write(`${(write ?? JSON.stringify)({ schema: SCHEMA_VERSION, ...document })}\n`)
  }
  const say = (text: string): void => {
    stderr.write(`${printable(text)}\n`)
  }

  return {
    json,
    quiet,
    paint: createPaint(stdout.isTTY === true, env),
    interactive: stderr.isTTY === true && !quiet,
    columns: stderr.columns ?? 80,
    data(document, render) {
      if (json) writeDocument(document)
      else stdout.write(`${render()}\n`)
    },
    done(document, message) {
      if (json) writeDocument(document)
      else if (!quiet) say(message)
    },
    row(text) {
      if (!json) stdout.write(`${printable(text)}\n`)
    },
    note(text) {
      if (!quiet) say(text)
    },
    fail(error) {
      if (json && !documentWritten) {
        writeDocument({ error: Object.fromEntries(ERROR_DOCUMENT_KEYS.map((key) => [key, error[key]])) })
        return
      }
      stderr.write(`${alarm('red', 'x0t:')} ${printable(error.message)}\n`)
      if (error.hint !== '') say(error.hint)
    },
  }
}
