import { z } from 'zod'
import {
  configAppliedSchema,
  configBaseSchema,
  configDiffSchema,
  configExportSchema,
  configPreviewSchema,
  configShowSchema,
  configTextSchema,
  configValidateSchema,
  configVersionNumber,
  configVersionSchema,
} from './config-schemas.ts'
import { changesNode, reads } from './operation.ts'
import { listOf } from './schemas.ts'

/**
 * The settings in x0t.yaml, the services and the local ports of this node as one document. What is shown as a
 * difference is what is applied: `base` names the state that the difference was made against.
 */
export const configOperations = {
  show: reads('viewer').output(configShowSchema),
  validate: reads('viewer')
    .input(z.strictObject({ text: configTextSchema }))
    .output(configValidateSchema),
  preview: reads('operator')
    .input(z.strictObject({ text: configTextSchema }))
    .output(configPreviewSchema),
  /** With a passphrase, the keystore is in it, sealed. */
  export: reads('owner')
    .input(
      z.strictObject({
        format: z.enum(['yaml', 'json']),
        passphrase: z.string().min(8, { error: 'must have at least 8 characters' }).max(1_024).nullable(),
      }),
    )
    .output(configExportSchema),
  import: changesNode('owner')
    .input(z.strictObject({ text: configTextSchema, base: configBaseSchema }))
    .output(configAppliedSchema),
  history: reads('viewer').output(listOf(configVersionSchema)),
  /** Without an end, up to the current version. */
  diff: reads('viewer')
    .input(z.strictObject({ from: configVersionNumber, to: configVersionNumber.nullable() }))
    .output(configDiffSchema),
  rollback: changesNode('owner')
    .input(z.strictObject({ version: configVersionNumber, base: configBaseSchema }))
    .output(configAppliedSchema),
}
