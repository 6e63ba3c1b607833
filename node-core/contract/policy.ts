import { z } from 'zod'
import { changesMesh, reads } from './operation.ts'
import {
  canInputSchema,
  canResultSchema,
  flagSchema,
  policyNumberSchema,
  policyReviewSchema,
  policyShowResultSchema,
  policyTextSchema,
  policyVersionSchema,
} from './policy-schemas.ts'
import { documentOf, listOf } from './schemas.ts'

/** Who may do what in the mesh: one signed document for all nodes. */
export const policyOperations = {
  /** The version that counts, or an older one that this node has kept. */
  show: reads('viewer')
    .input(z.strictObject({ number: policyNumberSchema.nullable() }))
    .output(policyShowResultSchema),
  history: reads('viewer').output(listOf(policyVersionSchema)),
  /** What is wrong with a document, how its cases come out, and who would gain and lose what. Changes nothing. */
  review: reads('viewer')
    .input(z.strictObject({ document: policyTextSchema }))
    .output(policyReviewSchema),
  /** `basedOn` is the version that the writer has read: another one in between is not undone unseen. */
  apply: changesMesh('owner')
    .input(z.strictObject({ document: policyTextSchema, basedOn: policyNumberSchema.nullable() }))
    .output(documentOf({ policy: policyVersionSchema })),
  can: reads('viewer').input(canInputSchema).output(canResultSchema),
  flags: reads('viewer').output(listOf(flagSchema)),
}
