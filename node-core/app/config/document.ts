import { isMap, parseDocument } from 'yaml'
import { z } from 'zod'
import {
  checkSchema,
  nodeRefSchema,
  portSchema,
  serviceNameSchema,
  targetSchema,
} from '../../contract/schemas.ts'
import { FaultError } from '../../platform/error.ts'
import { type ConfigProblem, formatProblem, parseYamlText } from './parse-config.ts'
import { configSchema, KNOWN_KEYS } from './schema.ts'

export type DocumentFault =
  | { code: 'CONFIG_INVALID'; problems: readonly ConfigProblem[] }
  | { code: 'CONFIG_NEWER'; schema: number }

/** Raised when what a document means changes. A document of schema 1 is an `x0t.yaml` by itself. */
export const DOCUMENT_SCHEMA = 2

const MAX_ENTRIES = 256

const serviceEntry = z.strictObject({
  name: serviceNameSchema,
  target: targetSchema,
  check: checkSchema.optional(),
})
const forwardEntry = z.strictObject({
  port: portSchema,
  service: serviceNameSchema,
  node: nodeRefSchema.optional(),
})

/** Each of one kind once: `services.web` names one thing. */
const unique = <T extends z.ZodType>(item: T, keyOf: (entry: z.infer<T>) => string | number, what: string) =>
  z
    .array(item)
    .max(MAX_ENTRIES, { error: `expected at most ${MAX_ENTRIES} entries` })
    .refine((entries) => new Set(entries.map(keyOf)).size === entries.length, {
      error: `expected each ${what} once`,
    })

/** What is exported and imported. A section that is not there says nothing, and an import leaves it as it is. */
export const configDocumentSchema = z.strictObject(
  {
    schema: z.literal(DOCUMENT_SCHEMA),
    /** Where it comes from, for people. */
    exported: z
      .strictObject({ at: z.string().max(64), node: z.string().max(64), version: z.string().max(32) })
      .optional(),
    /** As in `x0t.yaml`. */
    settings: configSchema.optional(),
    services: unique(serviceEntry, ({ name }) => name, 'service').optional(),
    forwards: unique(forwardEntry, ({ port }) => port, 'port').optional(),
    socks: unique(portSchema, (port) => port, 'port').optional(),
    /** The keystore of the node, sealed with a passphrase of its own: base64 of the file. */
    keystore: z.strictObject({ sealed: z.string().max(64 * 1024) }).optional(),
  },
  { error: 'expected an exported configuration, or the settings of an x0t.yaml' },
)

/** As it is written: durations are text, and what is not set is not there. */
export interface ConfigDocument {
  readonly settings?: Readonly<Record<string, unknown>> | undefined
  readonly services?: readonly z.infer<typeof serviceEntry>[] | undefined
  readonly forwards?: readonly z.infer<typeof forwardEntry>[] | undefined
  readonly socks?: readonly number[] | undefined
  readonly keystore?: { readonly sealed: string } | undefined
}

export type DocumentReading =
  | { readonly ok: true; readonly document: ConfigDocument; readonly schema: number }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[]; readonly schema: number | undefined }

const plainSettings = z.record(z.string(), z.unknown())
/** The raw form of what has been parsed: nothing of it can be missing or of another kind any more. */
const rawDocument = z.object({
  settings: plainSettings.optional(),
  services: z.array(serviceEntry).optional(),
  forwards: z.array(forwardEntry).optional(),
  socks: z.array(portSchema).optional(),
  keystore: z.object({ sealed: z.string() }).optional(),
})

/** Reads an exported document or an `x0t.yaml`, YAML or JSON. Never throws. */
export function readDocument(text: string, file: string): DocumentReading {
  const schema = schemaOf(text)
  if (schema > DOCUMENT_SCHEMA) return { ok: false, schema, problems: [newer(file, schema)] }
  if (schema === 1) {
    const read = parseYamlText(text, file, { schema: configSchema, knownKeys: KNOWN_KEYS })
    if (!read.ok) return { ...read, schema }
    const settings = plainSettings.parse(read.raw)
    return { ok: true, schema, document: { settings } }
  }
  const read = parseYamlText(text, file, { schema: configDocumentSchema, knownKeys: DOCUMENT_KEYS })
  if (!read.ok) return { ...read, schema }
  return { ok: true, schema, document: rawDocument.parse(read.raw) }
}

/** @throws FaultError CONFIG_INVALID, CONFIG_NEWER */
export function requireDocument(text: string, file: string): { document: ConfigDocument; schema: number } {
  const reading = readDocument(text, file)
  if (reading.ok) return reading
  const { schema, problems } = reading
  if (schema !== undefined && schema > DOCUMENT_SCHEMA) {
    throw new FaultError<DocumentFault>(
      { code: 'CONFIG_NEWER', schema },
      formatProblem(newer(file, schema)),
      {
        hint: 'Update x0t on this machine, or export it again from one of this version.',
      },
    )
  }
  throw new FaultError<DocumentFault>(
    { code: 'CONFIG_INVALID', problems },
    `the configuration is not valid:\n${problems.map(formatProblem).join('\n')}`,
    { hint: 'Nothing was changed. Mend these lines and try again.' },
  )
}

const newer = (file: string, schema: number): ConfigProblem => ({
  ...{ file, line: undefined, column: undefined, key: 'schema' },
  message: `is ${schema}, which a newer x0t has written; this one knows up to ${DOCUMENT_SCHEMA}`,
})

/** `schema:` of an export; an `x0t.yaml` has none. What cannot be read is judged, and told, as an export. */
function schemaOf(text: string): number {
  try {
    const { contents } = parseDocument(text, { logLevel: 'silent', prettyErrors: false })
    if (contents === null) return 1
    if (!isMap(contents)) return DOCUMENT_SCHEMA
    const schema: unknown = contents.get('schema')
    if (schema === undefined) return 1
    return typeof schema === 'number' && Number.isInteger(schema) ? schema : DOCUMENT_SCHEMA
  } catch {
    return DOCUMENT_SCHEMA
  }
}

const DOCUMENT_KEYS: Readonly<Record<string, readonly string[]>> = {
  '': Object.keys(configDocumentSchema.shape),
  ...Object.fromEntries(
    Object.entries(KNOWN_KEYS).map(([name, keys]) => [name === '' ? 'settings' : `settings.${name}`, keys]),
  ),
}
