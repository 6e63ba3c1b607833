import { z } from 'zod'
import {
  auditEntrySchema,
  auditExportSchema,
  auditFilterSchema,
  auditListSchema,
  auditSeqSchema,
  auditVerifySchema,
} from './audit-schemas.ts'
import { reads } from './operation.ts'
import { documentOf, nodeRefSchema } from './schemas.ts'

/** Who changed what at this node: a chain of hashes, signed, whose ends other members hold. */
export const auditOperations = {
  list: reads('viewer').input(auditFilterSchema).output(auditListSchema),
  show: reads('viewer')
    .input(z.strictObject({ seq: auditSeqSchema }))
    .output(documentOf({ entry: auditEntrySchema })),
  /** Judges the log of this node, or reads and judges that of another member, against what all others hold of it. */
  verify: reads('viewer')
    .input(z.strictObject({ node: nodeRefSchema.nullable() }))
    .output(auditVerifySchema),
  export: reads('viewer')
    .input(
      z.strictObject({
        /** `next` of the page before; null for the first. */
        after: auditSeqSchema.nullable(),
        limit: z.number().int().min(1).max(500),
      }),
    )
    .output(auditExportSchema),
}
