import { z } from 'zod'
import { documentOf } from './schemas.ts'

const moment = z.number().int().nonnegative()
export const configVersionNumber = z.number().int().positive()
const version = configVersionNumber

/** Longer than any set of settings and services is. */
export const MAX_CONFIG_TEXT = 128 * 1024

export const configTextSchema = z
  .string()
  .max(MAX_CONFIG_TEXT, { error: `must be at most ${MAX_CONFIG_TEXT} bytes` })

/** What a state of the configuration is known by; an import names the one that its diff was made against. */
export const configBaseSchema = z.string().regex(/^[0-9a-f]{64}$/)

const configProblemSchema = z.object({
  /** From 1; null for a problem of the whole text. */
  line: z.number().int().positive().nullable(),
  column: z.number().int().positive().nullable(),
  /** The setting, `settings.log.level`; empty for the text itself. */
  key: z.string(),
  message: z.string(),
})

/** One setting or entry that differs; null where it is not set. */
export const configChangeSchema = z.object({
  path: z.string(),
  before: z.json().nullable(),
  after: z.json().nullable(),
  /** Takes effect when the node starts again. */
  restart: z.boolean(),
})

export const configShowSchema = documentOf({
  base: configBaseSchema,
  /** The latest version that was recorded. */
  version,
  /** The document as an export has it, without secrets. */
  document: z.record(z.string(), z.json()),
  /** Every setting as it is in force after the next start, defaults included; durations in milliseconds. */
  effective: z.record(z.string(), z.json()),
  problems: z.array(configProblemSchema),
})

export const configValidateSchema = documentOf({
  ok: z.boolean(),
  problems: z.array(configProblemSchema),
  /** Of the text, before it was brought to the one of this version; null when it cannot be told. */
  documentSchema: z.number().int().nullable(),
})

export const configPreviewSchema = documentOf({
  base: configBaseSchema,
  changes: z.array(configChangeSchema),
  /** What an import leaves out, in words. */
  notes: z.array(z.string()),
})

export const configExportSchema = documentOf({ fileName: z.string(), text: z.string() })

export const configAppliedSchema = documentOf({
  version,
  changes: z.array(configChangeSchema),
  notes: z.array(z.string()),
})

export const configVersionSchema = z.object({
  version,
  at: moment,
  /** Who made it: `local-socket`, `web-...`, a peer id, or `outside` for what was changed by hand or by other commands. */
  actor: z.string(),
  /** What was done: `import`, `rollback to 3`, `seen`. */
  action: z.string(),
  current: z.boolean(),
})

export const configDiffSchema = documentOf({
  from: version,
  to: version,
  changes: z.array(configChangeSchema),
})

export type ConfigChange = z.infer<typeof configChangeSchema>
